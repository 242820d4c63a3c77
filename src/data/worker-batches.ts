/** Batches made ahead of their use in a worker thread of Node's. */
import { Worker } from 'node:worker_threads';
import {
  Control,
  type EpochRequest,
  type Ring,
  slotCount,
  type WorkerData,
  type WorkerMessage,
} from './batch-protocol.js';
import { batchCount } from './batches.js';
import type { Batch, BatchLoader, BatchPlan } from './loader.js';
import { allocateShared, checkSplit, imageCount, type ImageShape, imageSize, type Split } from './dataset.js';

/** An epoch being made. */
interface Epoch {
  readonly number: number;
  readonly plan: BatchPlan;
  readonly count: number;
  readonly ring: Ring;
  readonly control: Int32Array;
  /** What the consumer gets, in ordinary memory: ONNX Runtime takes no tensor in shared memory. */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  /** Why there will be no more batches than those made. */
  failure?: Error;
  /** Called when a batch may be there, or the epoch has failed. */
  wake?: () => void;
}

/**
 * Makes the batches of a split in a thread of its own, the same bits as an InlineLoader.
 *
 * The thread works up to four batches ahead, also while the calling thread is busy. It starts once and serves any
 * number of epochs; it reads the split in place when that is in shared memory (as this package's datasets are) and
 * otherwise gets one copy. It does not keep the process alive.
 */
export class WorkerLoader implements BatchLoader {
  readonly #worker: Worker;
  readonly #images: number;
  readonly #imageSize: number;
  #ring: Ring | undefined;
  #ringBatchSize = 0;
  #epochs = 0;
  #current: Epoch | undefined;
  #failure: Error | undefined;

  /** @throws DataError when the split is empty or its images do not have the shape */
  constructor(split: Split, shape: ImageShape) {
    checkSplit(split, shape);
    this.#images = imageCount(split);
    this.#imageSize = imageSize(shape);
    const shared = { images: inSharedMemory(split.images), labels: inSharedMemory(split.labels) };
    this.#worker = new Worker(new URL('./batch-worker.js', import.meta.url), {
      workerData: { split: shared, shape } satisfies WorkerData,
      // The flags of a command like `node --input-type=module -e …` are not valid for a worker.
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on('message', ({ epoch, error }: WorkerMessage) => {
      if (epoch !== this.#current?.number) return;
      if (error !== undefined) this.#current.failure = asError(error);
      this.#current.wake?.();
    });
    this.#worker.on('error', (error) => {
      this.#fail(asError(error));
    });
    this.#worker.on('exit', (code) => {
      this.#fail(new Error(`the worker that makes batches has ended (exit code ${code})`));
    });
  }

  epoch(plan: BatchPlan): AsyncIterable<Batch> {
    if (this.#failure) throw this.#failure;
    const count = batchCount(this.#images, plan);
    this.#endCurrent('this epoch has ended: another was begun');
    const epoch: Epoch = {
      number: ++this.#epochs,
      plan,
      count,
      ring: this.#ringFor(plan.batchSize),
      images: new Uint8Array(plan.batchSize * this.#imageSize),
      labels: new Int32Array(plan.batchSize),
      control: new Int32Array(new SharedArrayBuffer(4 * Object.keys(Control).length)),
    };
    this.#current = epoch;
    const { number, ring, control } = epoch;
    this.#worker.postMessage({ epoch: number, plan, ring, control } satisfies EpochRequest);
    return { [Symbol.asyncIterator]: () => this.#batches(epoch) };
  }

  async close(): Promise<void> {
    this.#failure ??= new Error('this loader has been closed');
    this.#endCurrent(this.#failure.message);
    await this.#worker.terminate();
  }

  async *#batches(epoch: Epoch): AsyncGenerator<Batch> {
    const { control, ring, plan, images, labels } = epoch;
    const { start = 0 } = plan;
    try {
      for (let taken = 0; start + taken < epoch.count; taken++) {
        if (Atomics.load(control, Control.made) === taken) await this.#arrival(epoch, taken);
        // Batches made before a failure are still good, but the slots of an epoch that was ended may hold another's.
        if (epoch.failure && Atomics.load(control, Control.made) === taken) throw epoch.failure;
        if (this.#current !== epoch) throw epoch.failure ?? new Error('this epoch has ended');
        const slot = taken % slotCount;
        images.set(ring.images[slot]);
        labels.set(ring.labels[slot]);
        const count = ring.counts[slot];
        Atomics.store(control, Control.released, taken + 1);
        Atomics.notify(control, Control.released);
        yield { index: start + taken, images, labels, count };
      }
    } finally {
      if (this.#current === epoch) this.#endCurrent('this epoch has ended');
    }
  }

  /** Resolves when more than `taken` batches are made or the epoch has failed. */
  async #arrival(epoch: Epoch, taken: number): Promise<void> {
    const { control } = epoch;
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

  /** Stops the epoch that is being made, if any; whoever still reads it gets an error. */
  #endCurrent(reason: string): void {
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

  #fail(error: Error): void {
    this.#failure ??= error;
    if (this.#current) this.#current.failure ??= error;
    this.#endCurrent(error.message);
  }

  /** The ring for a batch size; epochs of one size after another use the same. */
  #ringFor(batchSize: number): Ring {
    if (!this.#ring || this.#ringBatchSize !== batchSize) {
      this.#ringBatchSize = batchSize;
      this.#ring = {
        images: Array.from({ length: slotCount }, () => allocateShared(batchSize * this.#imageSize)),
        labels: Array.from({ length: slotCount }, () => new Int32Array(new SharedArrayBuffer(4 * batchSize))),
        counts: new Int32Array(new SharedArrayBuffer(4 * slotCount)),
      };
    }
    return this.#ring;
  }
}

function inSharedMemory(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const shared = allocateShared(bytes.length);
  shared.set(bytes);
  return shared;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
