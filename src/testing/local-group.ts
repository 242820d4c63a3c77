/** Several processes of a run as one process plays them: they meet in memory. */
import { type GroupTimes, type ProcessGroup, ProcessGroupError } from '../engine/process-group.js';

/** What is called by all ranks, once all of them are there. */
interface Meeting {
  readonly parts: (unknown[] | undefined)[];
  readonly done: Promise<void>;
  readonly resolve: () => void;
}

export interface LocalRank extends ProcessGroup {
  /** What the user was told. */
  readonly notices: string[];
}

/** Groups of `size` ranks; run each in an asynchronous function of its own, and await all of them. */
export function localRanks(size: number): LocalRank[] {
  let meeting: Meeting | undefined;
  const notices: string[] = [];

  /** Waits for all ranks to bring their part; the last one does what is to be done with them. */
  async function meet(
    rank: number,
    part: unknown[],
    act: (parts: readonly unknown[][]) => void,
  ): Promise<void> {
    if (!meeting) {
      let resolve!: () => void;
      const done = new Promise<void>((settle) => (resolve = settle));
      meeting = { parts: Array.from({ length: size }, () => undefined), done, resolve };
    }
    const own = meeting;
    if (own.parts[rank]) throw new ProcessGroupError(`rank ${rank} calls twice where others call once`);
    own.parts[rank] = part;
    if (own.parts.every((one) => one !== undefined)) {
      meeting = undefined;
      const kinds = new Set(own.parts.map(([kind]) => kind));
      if (kinds.size !== 1)
        throw new ProcessGroupError(`ranks call ${[...kinds].join(' and ')} at the same time`);
      act(own.parts);
      own.resolve();
    }
    await own.done;
  }

  const pieceOf = (buffer: Uint8Array, rank: number): Uint8Array => {
    const length = buffer.length / size;
    if (!Number.isInteger(length / 4)) throw new RangeError(`${buffer.length} bytes are not ${size} pieces`);
    return buffer.subarray(rank * length, (rank + 1) * length);
  };

  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    notices,
    nameOf: (other: number) => `rank ${other}`,
    notice: (sentence: string) => {
      if (rank === 0) notices.push(sentence);
    },
    takeTimes: (): GroupTimes => ({ waiting: 0, communication: 0 }),
    allGather: (buffer: Uint8Array) =>
      meet(rank, ['allGather', buffer], (parts) => {
        for (const [from, [, sent]] of parts.entries()) {
          for (const [, received] of parts)
            pieceOf(received as Uint8Array, from).set(pieceOf(sent as Uint8Array, from));
        }
      }),
    allToAll: (sent: Uint8Array, received: Uint8Array, senders: readonly boolean[]) =>
      meet(rank, ['allToAll', sent, received], (parts) => {
        for (const [from, [, own]] of parts.entries()) {
          if (!senders[from]) continue;
          for (const [to, [, , buffer]] of parts.entries())
            pieceOf(buffer as Uint8Array, from).set(pieceOf(own as Uint8Array, to));
        }
      }),
    broadcast: (buffer: Uint8Array) =>
      meet(rank, ['broadcast', buffer], (parts) => {
        for (const [, other] of parts) (other as Uint8Array).set(parts[0][1] as Uint8Array);
      }),
  }));
}
