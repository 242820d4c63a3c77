/**
 * A thread that kills this process where a call of MPI's does not come back: `MPI_Abort` waits for a launcher that may be out
 * of reach, and while it waits nothing of JavaScript runs on the main thread.
 */
import { Worker } from 'node:worker_threads';

/** Sleeps until a number of milliseconds is there, and then for that time; that number may be taken back in the meantime. */
const watch = `
  const { workerData: limit } = require('node:worker_threads');
  for (;;) {
    Atomics.wait(limit, 0, 0);
    const milliseconds = Atomics.load(limit, 0);
    if (milliseconds > 0 && Atomics.wait(limit, 0, milliseconds, milliseconds) === 'timed-out')
      process.kill(process.pid, 'SIGKILL');
  }
`;

export class Guard {
  readonly #limit = new Int32Array(new SharedArrayBuffer(4));
  readonly #thread: Worker;

  constructor() {
    this.#thread = new Worker(watch, { eval: true, workerData: this.#limit, execArgv: [], env: {} });
    this.#thread.unref();
  }

  /** Calls what has to be over in time, or the process is. */
  limited(milliseconds: number, call: () => void): void {
    this.#set(milliseconds);
    call();
    this.#set(0);
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #set(milliseconds: number): void {
    Atomics.store(this.#limit, 0, milliseconds);
    Atomics.notify(this.#limit, 0);
  }
}
