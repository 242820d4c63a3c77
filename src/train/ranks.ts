/** What the processes of a run tell each other beside their sums. */
import { type ProcessGroup, ProcessGroupError } from '../engine/process-group.js';
import { digest } from '../tensor/digest.js';
import { shorten } from '../tensor/shorten.js';

/** Whether it is so in one of the processes at least; in this one alone, where there is no group. */
export async function anywhere(group: ProcessGroup | undefined, here: boolean): Promise<boolean> {
  if (!group) return here;
  const all = await gathered(group, Int32Array.of(here ? 1 : 0));
  return all.some((each) => each[0] !== 0);
}

/** The same number of elements of every rank, in the order of the ranks. */
export async function gathered<T extends Int32Array | Float32Array | Float64Array>(
  group: ProcessGroup,
  own: T,
): Promise<T[]> {
  const { length, BYTES_PER_ELEMENT, constructor } = own;
  const make = constructor as new (buffer: ArrayBuffer, offset?: number, length?: number) => T;
  const buffer = new ArrayBuffer(group.size * length * BYTES_PER_ELEMENT);
  const pieces = Array.from(
    { length: group.size },
    (_, rank) => new make(buffer, rank * length * BYTES_PER_ELEMENT, length),
  );
  pieces[group.rank].set(own);
  await group.allGather(new Uint8Array(buffer));
  return pieces;
}

/** Every rank gets the bytes of rank 0; the others' are not looked at. */
export async function bytesOfFirst(group: ProcessGroup, own?: Uint8Array): Promise<Uint8Array> {
  const length = new Float64Array([own?.length ?? 0]);
  await group.broadcast(new Uint8Array(length.buffer));
  const whole = new Uint8Array(Math.ceil(length[0] / 4) * 4);
  if (group.rank === 0) whole.set(own!);
  await group.broadcast(whole);
  return whole.subarray(0, length[0]);
}

/** Bytes of a value that a sentence has room for. */
const SHOWN = 64;

/**
 * Checks that all processes were given the same.
 *
 * @param entries by what a user knows them by; the same ones, in the same order, in all processes
 * @throws ProcessGroupError naming the first entry that differs, and where
 */
export async function checkSame(
  group: ProcessGroup,
  entries: Readonly<Record<string, unknown>>,
): Promise<void> {
  const names = Object.keys(entries);
  const texts = names.map((name) =>
    entries[name] === undefined ? 'nothing' : JSON.stringify(entries[name]),
  );
  const digests = await gathered(
    group,
    Int32Array.from(texts.flatMap((text) => [...digest(new TextEncoder().encode(text))])),
  );
  const differing = names.findIndex((_, i) =>
    digests.some((own) => own[2 * i] !== digests[0][2 * i] || own[2 * i + 1] !== digests[0][2 * i + 1]),
  );
  if (differing < 0) return;
  const rank = digests.findIndex((own) =>
    [0, 1].some((word) => own[2 * differing + word] !== digests[0][2 * differing + word]),
  );
  const shown = new Uint8Array(SHOWN);
  new TextEncoder().encodeInto(shorten(texts[differing], SHOWN), shown);
  const all = await gathered(group, new Int32Array(shown.buffer));
  const text = (of: number): string => {
    const words = all[of];
    const bytes = new Uint8Array(words.buffer, words.byteOffset, SHOWN);
    return new TextDecoder().decode(bytes).replace(/\0+$/, '');
  };
  throw new ProcessGroupError(
    `the processes were not given the same ${names[differing]}: ${text(0)} on rank 0, but ${text(rank)} on rank ${rank}`,
    group.rank,
  );
}
