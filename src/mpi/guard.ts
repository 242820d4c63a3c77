/**
 * A thread that ends this process where a call of MPI's does not come back, since nothing of JavaScript runs on the main thread
 * meanwhile: `MPI_Abort` waits for a launcher that may be out of reach, and `MPI_Finalize` of MPICH over UCX and TCP was
 * seen to wait for ever for others that had closed their connections already.
 */
import { Worker } from 'node:worker_threads';

/** Sleeps until a number of milliseconds is there, and then for that time; that number may be taken back in the meantime. */
const watch = `
  const { createRequire } = require('node:module');
  const { workerData: { shared, module } } = require('node:worker_threads');
  for (;;) {
    Atomics.wait(shared, 0, 0);
    const milliseconds = Atomics.load(shared, 0);
    if (milliseconds === 0 || Atomics.wait(shared, 0, milliseconds, milliseconds) !== 'timed-out') continue;
    const code = Atomics.load(shared, 1);
    try {
      // A thread cannot end the process by an exit code otherwise.
      if (code >= 0) createRequire(module)('koffi').load(null).func('_exit', 'void', ['int'])(code);
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  }
`;

export class Guard {
  readonly #shared = new Int32Array(new SharedArrayBuffer(8));
  readonly #thread: Worker;

  constructor() {
    const workerData = { shared: this.#shared, module: import.meta.url };
    this.#thread = new Worker(watch, { eval: true, workerData, execArgv: [] });
    this.#thread.unref();
  }

  /**
   * Calls what has to be over in time, or the process is.
   *
   * @param code with which the process then ends. Default: it is killed.
   */
  limited(milliseconds: number, call: () => void, code = -1): void {
    Atomics.store(this.#shared, 1, code);
    this.#set(milliseconds);
    call();
    this.#set(0);
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #set(milliseconds: number): void {
    Atomics.store(this.#shared, 0, milliseconds);
    Atomics.notify(this.#shared, 0);
  }
}
