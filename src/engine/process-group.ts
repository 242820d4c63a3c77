/** The processes that train together: what a step and a run need of them, whoever connects them. */

/** How long this process was occupied by others, in seconds. */
export interface GroupTimes {
  /** Until the slowest of the others was there. */
  readonly waiting: number;
  /** From then on, until everything had been sent and received. */
  readonly communication: number;
}

/**
 * The processes of a run as one of them sees them. All call the same methods in the same order; each waits for the others.
 * Buffers are bytes, a multiple of four of them for each rank, and must not be touched until the call is over.
 *
 * Every call throws `ProcessGroupError` where another process does not answer, or the connection fails: the run is over
 * then.
 */
export interface ProcessGroup {
  /** Which of the processes this one is, from 0. */
  readonly rank: number;
  /** How many they are. */
  readonly size: number;
  /** Cuts a buffer into as many pieces as there are ranks: each gives the piece of its rank, and gets all others'. */
  allGather(buffer: Uint8Array): Promise<void>;
  /**
   * Every rank sends the piece r of `sent` to rank r, and gets from rank r what belongs into the piece r of `received`.
   *
   * @param senders which ranks send; what belongs to others is left as it is, and `sent` of those is not looked at
   */
  allToAll(sent: Uint8Array, received: Uint8Array, senders: readonly boolean[]): Promise<void>;
  /** Every rank gets the bytes of rank 0. */
  broadcast(buffer: Uint8Array): Promise<void>;
  /** The times since it was last asked. */
  takeTimes(): GroupTimes;
  /** A rank as a user knows it, such as `rank 3 on node7`. */
  nameOf(rank: number): string;
  /** Tells the user something, on rank 0. */
  notice(sentence: string): void;
}

/** A run of several processes that cannot go on, because of another process or the connection. */
export class ProcessGroupError extends Error {
  override name = 'ProcessGroupError';
  /** Which of the processes that see this is to say so first, from 0. */
  readonly turn: number;

  constructor(message: string, turn = 0, options?: ErrorOptions) {
    super(message, options);
    this.turn = turn;
  }
}

/** Which shards of a batch a rank computes: those from `from` to before `to`. */
export function shardsOf(shards: number, { rank, size }: Pick<ProcessGroup, 'rank' | 'size'>): Interval {
  const own = shards / size;
  return [rank * own, (rank + 1) * own];
}

/** Shards from one to before another. */
export type Interval = readonly [from: number, to: number];
