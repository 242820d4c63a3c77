/** One worker thread that makes batches, as its loader sees it. */
import { Worker } from 'node:worker_threads';
import {
  Control,
  type EpochRequest,
  type Ring,
  type SentPlan,
  slotCount,
  type WorkerData,
  type WorkerMessage,
} from './batch-protocol.js';
import { rowCount } from './batches.js';
import { DataError } from './data-error.js';
import { imageSize } from './image-source.js';
import { allocateShared } from './shared-memory.js';

/** An epoch being made. */
interface Epoch {
  readonly number: number;
  readonly ring: Ring;
  readonly control: Int32Array;
  /** Batches that were taken out. */
  taken: number;
  /** Why there will be no more batches than those made. */
  failure?: Error;
  /** Called when a batch may be there, or the epoch has failed. */
  wake?: () => void;
}

/** It starts once, serves any number of epochs, and does not keep the process alive. */
export class BatchThread {
  readonly #worker: Worker;
  readonly #imageSize: number;
  #ring: Ring | undefined;
  #ringRows = 0;
  #epochs = 0;
  #current: Epoch | undefined;
  #failure: Error | undefined;

  constructor(workerData: WorkerData) {
    this.#imageSize = imageSize(workerData.shape);
    this.#worker = new Worker(new URL('./batch-worker.js', import.meta.url), {
      workerData,
      // The flags of a command like `node --input-type=module -e …` are not valid for a worker.
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on('message', ({ epoch, error, dataError }: WorkerMessage) => {
      if (epoch !== this.#current?.number) return;
      if (dataError !== undefined) this.#current.failure = new DataError(dataError);
      else if (error !== undefined) this.#current.failure = asError(error);
      this.#current.wake?.();
    });
    this.#worker.on('error', (error) => {
      this.#fail(asError(error));
    });
    this.#worker.on('exit', (code) => {
      this.#fail(new Error(`the worker that makes batches has ended (exit code ${code})`));
    });
  }

  /** Why the thread makes no more batches, if it does not. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Begins to make batches, from the plan's start on one of every `stride`; the epoch before ends. */
  begin(plan: SentPlan, stride: number): void {
    this.end('this epoch has ended: another was begun');
    const epoch: Epoch = {
      number: ++this.#epochs,
      ring: this.#ringFor(rowCount(plan)),
      control: new Int32Array(new SharedArrayBuffer(4 * Object.keys(Control).length)),
      taken: 0,
    };
    this.#current = epoch;
    const { number, ring, control } = epoch;
    this.#worker.postMessage({ epoch: number, plan, stride, ring, control } satisfies EpochRequest);
  }

  /**
   * Copies the next batch of the epoch out.
   *
   * @returns the number of rows that hold images
   * @throws what went wrong where the thread has failed; the batches before are good
   */
  async take(images: Uint8Array, labels: Int32Array): Promise<number> {
    const epoch = this.#current;
    if (!epoch) throw this.#failure ?? new Error('this epoch has ended');
    const { control, ring, taken } = epoch;
    if (Atomics.load(control, Control.made) === taken) await this.#arrival(epoch);
    // Batches made before a failure are still good, but the slots of an epoch that was ended may hold another's.
    if (epoch.failure && Atomics.load(control, Control.made) === taken) throw epoch.failure;
    if (this.#current !== epoch) throw epoch.failure ?? new Error('this epoch has ended');
    const slot = taken % slotCount;
    images.set(ring.images[slot]);
    labels.set(ring.labels[slot]);
    const count = ring.counts[slot];
    epoch.taken++;
    Atomics.store(control, Control.released, epoch.taken);
    Atomics.notify(control, Control.released);
    return count;
  }

  /** Stops the epoch that is being made, if any; whoever still waits for a batch gets an error. */
  end(reason: string): void {
    const epoch = this.#current;
    if (!epoch) return;
    this.#current = undefined;
    epoch.failure ??= new Error(reason);
    Atomics.store(epoch.control, Control.cancelled, 1);
    // The changed value makes sure that a worker just about to sleep on the old one does not.
    Atomics.add(epoch.control, Control.released, 1);
    Atomics.notify(epoch.control, Control.released);
    epoch.wake?.();
  }

  async close(reason: Error): Promise<void> {
    this.#fail(reason);
    await this.#worker.terminate();
  }

  /** Resolves when a batch more than those taken is made or the epoch has failed. */
  async #arrival(epoch: Epoch): Promise<void> {
    const { control, taken } = epoch;
    // While a batch is awaited, and only then, the worker keeps the process alive.
    this.#worker.ref();
    try {
      while (Atomics.load(control, Control.made) === taken && !epoch.failure) {
        await new Promise<void>((resolve) => {
          epoch.wake = resolve;
          Atomics.store(control, Control.waiting, 1);
          // The worker may have finished the batch before it could see that somebody waits.
          if (Atomics.load(control, Control.made) !== taken || epoch.failure) resolve();
        });
      }
    } finally {
      delete epoch.wake;
      Atomics.store(control, Control.waiting, 0);
      this.#worker.unref();
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    if (this.#current) this.#current.failure ??= error;
    this.end(error.message);
  }

  /** The ring for so many rows of a batch; epochs of one size after another use the same. */
  #ringFor(rows: number): Ring {
    if (!this.#ring || this.#ringRows !== rows) {
      this.#ringRows = rows;
      this.#ring = {
        images: Array.from({ length: slotCount }, () => allocateShared(rows * this.#imageSize)),
        labels: Array.from({ length: slotCount }, () => new Int32Array(new SharedArrayBuffer(4 * rows))),
        counts: new Int32Array(new SharedArrayBuffer(4 * slotCount)),
      };
    }
    return this.#ring;
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
