/** The processes of an MPI world as a ProcessGroup. */
import { writeSync } from 'node:fs';
import { type GroupTimes, ProcessGroupError } from '../engine/process-group.js';
import { Guard } from './guard.js';
import type { MpiGroup, MpiGroupOptions } from './mpi-group.js';
import type { Mpi, Part, Request } from './mpi.js';

/** Times in milliseconds. */
const SPIN = 1;
const TURN = 20;
/** How much longer than this process another may take before it has to answer. */
const PATIENCE = 4000;
/** How long it may take to answer. */
const ROLL_CALL = 1000;
/** How often a process that is busy says so. */
const ALIVE_EVERY = 1000;

/** How long a launcher has to read what a process said: what it has not read by the time it ends the others is lost. */
const LAST_WORDS = 200;
/** How long the library may take to end the others, and to end in good order. */
const ABORT = 1000;
const FINALIZE = 3000;

/** Bytes from which on waiting for others is told apart from sending. */
const LARGE = 1 << 16;

/**
 * Bytes that travel at a time, and at least between any two: whoever asks who is there has to wait for them, on a narrow
 * network for long, but each message takes a while, however short.
 */
const AT_ONCE = 1 << 24;
const MESSAGE = 1 << 18;

/** What ranks tell each other while they wait. */
const tag = 1207;
const Message = {
  /** I am busy with something that is none of your business, such as a file. */
  alive: 1,
  /** Who is there? */
  call: 2,
  here: 3,
  /** I have said what is wrong, and end all of us. */
  ending: 4,
} as const;

/** The processes of an MPI world. */
export class MpiWorld implements MpiGroup {
  readonly rank: number;
  readonly size: number;
  readonly #mpi: Mpi;
  readonly #onNotice: (sentence: string) => void;
  /** The machine of each rank. */
  #hosts: readonly string[] = [];
  #waiting = 0;
  #communication = 0;
  /** Whether this process waits for others. */
  #isWaiting = false;
  /** When all were last together. */
  #met = performance.now();
  #closed = false;
  #isEnding = false;
  readonly #guard = new Guard();
  readonly #timer: NodeJS.Timeout;
  readonly #inbox = new Int32Array(new ArrayBuffer(8));
  readonly #messages: Readonly<Record<number, Uint8Array>>;
  readonly #onExit: (code: number) => void;
  /** What nobody caught; Node would say so only after the others have been ended. */
  #thrown: string | undefined;
  readonly #onThrown = (error: unknown): void => {
    this.#thrown = String(error).replaceAll(/\s+/g, ' ');
  };

  /** @param mpi after `init` */
  constructor(mpi: Mpi, { onNotice }: MpiGroupOptions = {}) {
    this.#mpi = mpi;
    [this.rank, this.size] = [mpi.rank, mpi.size];
    this.#onNotice = onNotice ?? printed;
    this.#messages = Object.fromEntries(
      Object.values(Message).map((kind) => [kind, new Uint8Array(Int32Array.of(kind, this.rank).buffer)]),
    );
    this.#timer = setInterval(() => {
      this.#sayAlive();
    }, ALIVE_EVERY).unref();
    process.once('uncaughtExceptionMonitor', this.#onThrown);
    this.#onExit = (code) => {
      const why = this.#thrown === undefined ? '' : `: ${this.#thrown}`;
      printed(`error: ${this.nameOf(this.rank)} ended before the run was over${why}`);
      this.abort(code === 0 ? 1 : code);
    };
    process.once('exit', this.#onExit);
  }

  /** Tells all ranks which machines they are on. @param host this one's name */
  async introduce(host: string): Promise<void> {
    const length = 64;
    const names = new Uint8Array(new ArrayBuffer(this.size * length));
    const own = (rank: number): Uint8Array => names.subarray(rank * length, (rank + 1) * length);
    new TextEncoder().encodeInto(host, own(this.rank));
    await this.allGather(names);
    this.#hosts = Array.from({ length: this.size }, (_, rank) =>
      new TextDecoder().decode(own(rank)).replace(/\0+$/, ''),
    );
  }

  nameOf(rank: number): string {
    const several = new Set(this.#hosts).size > 1;
    return several ? `rank ${rank} on ${this.#hosts[rank]}` : `rank ${rank}`;
  }

  notice(sentence: string): void {
    if (this.rank === 0) this.#onNotice(sentence);
  }

  takeTimes(): GroupTimes {
    const times = { waiting: this.#waiting / 1000, communication: this.#communication / 1000 };
    [this.#waiting, this.#communication] = [0, 0];
    return times;
  }

  async allGather(buffer: Uint8Array): Promise<void> {
    await this.#run(buffer.length, this.size, (part) => this.#mpi.allGather(buffer, this.size, part));
  }

  async allToAll(sent: Uint8Array, received: Uint8Array, senders: readonly boolean[]): Promise<void> {
    await this.#run(sent.length, this.size, (part) =>
      this.#mpi.allToAll(sent, received, senders, this.rank, part),
    );
  }

  async broadcast(buffer: Uint8Array): Promise<void> {
    await this.#run(buffer.length, 1, ([from, to]) => this.#mpi.broadcast(buffer.subarray(from, to)));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#complete(this.#mpi.barrier());
    this.#listen();
    this.#release();
    // All have met, and nothing is left to be done.
    const finalize = (): void => {
      this.#mpi.finalize();
    };
    this.#guard.limited(FINALIZE, finalize, Number(process.exitCode ?? 0));
    await this.#guard.close();
  }

  isEnding(): boolean {
    try {
      if (!this.#closed) this.#listen();
    } catch {
      // The connection is lost: nobody can say so.
    }
    return this.#isEnding;
  }

  abort(code: number): void {
    if (this.#closed) return;
    this.#release();
    try {
      this.#postAll(Message.ending);
    } catch {
      // What ends the processes is the launcher.
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS);
    this.#guard.limited(ABORT, () => {
      this.#mpi.abort(code);
    });
  }

  #release(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    process.off('exit', this.#onExit);
    process.off('uncaughtExceptionMonitor', this.#onThrown);
  }

  /**
   * Waits until all are there, and then for what they do together.
   *
   * @param pieces which the bytes are cut into, of equal length
   * @param begin does it to a part of every piece
   */
  async #run(bytes: number, pieces: number, begin: (part: Part) => Request): Promise<void> {
    const arrived = performance.now();
    const isLarge = bytes >= LARGE;
    this.#isWaiting = true;
    try {
      // Who only waited for small things cannot tell the one from the other.
      if (isLarge) await this.#complete(this.#mpi.barrier());
      const met = performance.now();
      for (const part of partsOf(bytes / pieces, Math.max(AT_ONCE / pieces, MESSAGE))) {
        await this.#complete(begin(part), isLarge);
        this.#met = performance.now();
      }
      if (isLarge) this.#communication += this.#met - met;
      this.#waiting += (isLarge ? met : this.#met) - arrived;
    } finally {
      this.#isWaiting = false;
    }
  }

  /**
   * Waits until something is over.
   *
   * @param busy whether there is something to do for this processor, too
   */
  async #complete(request: Request, busy = false): Promise<void> {
    const began = performance.now();
    // What this process did takes about as long elsewhere.
    let deadline = began + (began - this.#met) + PATIENCE;
    let turned = began;
    for (;;) {
      for (let i = 0; i < 16; i++) if (this.#mpi.test(request)) return;
      const now = performance.now();
      if (now - began < SPIN || (busy && now - turned < TURN)) continue;
      if (busy) await new Promise((resolve) => setImmediate(resolve));
      else await new Promise((resolve) => setTimeout(resolve, 1));
      turned = performance.now();
      if (this.#listen().alive) deadline = Math.max(deadline, turned + PATIENCE);
      if (turned < deadline) continue;
      if (await this.#rollCall(request)) return;
      deadline = performance.now() + PATIENCE;
    }
  }

  /**
   * Asks who is there.
   *
   * @returns whether what was waited for is over; else all are there
   * @throws ProcessGroupError naming those that are not
   */
  async #rollCall(request: Request): Promise<boolean> {
    this.#postAll(Message.call);
    const present = new Set([this.rank]);
    const end = performance.now() + ROLL_CALL;
    while (performance.now() < end && present.size < this.size) {
      if (this.#mpi.test(request)) return true;
      for (const rank of this.#listen().present) present.add(rank);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (present.size === this.size) return false;
    const missing = Array.from({ length: this.size }, (_, rank) => rank).filter((rank) => !present.has(rank));
    const turn = [...present].sort((a, b) => a - b).indexOf(this.rank);
    const shown = missing.slice(0, 3).map((rank) => this.nameOf(rank));
    const more = missing.length > 3 ? ` and ${missing.length - 3} others` : '';
    const seconds = (PATIENCE + ROLL_CALL) / 1000;
    throw new ProcessGroupError(
      `${shown.join(', ')}${more} of ${this.size} ${missing.length > 1 ? 'have' : 'has'} not answered for ${seconds} seconds, and hangs, was stopped, or lost its connection`,
      turn,
    );
  }

  /** Takes in what others have posted, and answers. */
  #listen(): { readonly alive: boolean; readonly present: ReadonlySet<number> } {
    let alive = false;
    const present = new Set<number>();
    while (this.#mpi.receive(new Uint8Array(this.#inbox.buffer), tag)) {
      const [kind, rank] = this.#inbox;
      present.add(rank);
      if (kind === Message.alive) alive = true;
      if (kind === Message.ending) this.#isEnding = true;
      if (kind === Message.call && rank !== this.rank) this.#post(Message.here, rank);
    }
    return { alive, present };
  }

  /** Tells those who wait that this process is busy, but well. */
  #sayAlive(): void {
    if (this.#isWaiting || performance.now() - this.#met < 2 * ALIVE_EVERY) return;
    // Also lets the library go on with what was posted before.
    this.#listen();
    this.#postAll(Message.alive);
  }

  #postAll(kind: (typeof Message)[keyof typeof Message]): void {
    for (let rank = 0; rank < this.size; rank++) if (rank !== this.rank) this.#post(kind, rank);
  }

  #post(kind: (typeof Message)[keyof typeof Message], rank: number): void {
    this.#mpi.post(this.#messages[kind], rank, tag);
  }
}

/** Parts of so many bytes, each of no more than `most`, and of whole floats. */
function* partsOf(bytes: number, most: number): Generator<Part> {
  const length = Math.max(4, Math.floor(most / 4) * 4);
  for (let from = 0; from === 0 || from < bytes; from += length) yield [from, Math.min(from + length, bytes)];
}

/** At once, whatever comes next. */
function printed(sentence: string): void {
  writeSync(2, `${sentence}\n`);
}
