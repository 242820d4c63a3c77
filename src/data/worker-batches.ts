/** Batches made ahead of their use in worker threads of Node's. */
import { BatchThread } from './batch-thread.js';
import { InlineLoader, batchCount, rowCount } from './batches.js';
import { checkSplit } from './dataset.js';
import { type ImageShape, type Images, imageCount, imageSize, sourceOf } from './image-source.js';
import { isKnown } from './image-transform.js';
import { storedTransforms } from './image-transforms.js';
import type { Batch, BatchLoader, BatchPlan, LoaderOptions } from './loader.js';
import { sentSource } from './sent-source.js';

/** What a `WorkerLoader` is told besides the images. */
export interface WorkerLoaderOptions extends LoaderOptions {
  /** Threads, which make the batches in turn; what they hold is the same for any number. Default 1. */
  readonly workers?: number;
}

/**
 * Makes the batches of a split in threads of their own, the same bits as an InlineLoader.
 *
 * Each thread works up to four batches ahead, also while the calling thread is busy. It starts once and serves any
 * number of epochs; it reads images in place when they are in shared memory (as this package's datasets are), otherwise
 * gets one copy, and makes a source by its `worker`. It does not keep the process alive. A source that does not say how
 * a worker makes it is read on the calling thread, and so is an epoch with a transform that is your own.
 */
export class WorkerLoader implements BatchLoader {
  readonly #images: number;
  readonly #imageSize: number;
  /** None where the calling thread does the work. */
  readonly #threads: readonly BatchThread[];
  readonly #inline: InlineLoader;
  #epochs = 0;
  #closed: Error | undefined;

  /**
   * @throws DataError when the split is empty or its images do not have the shape
   * @throws RangeError for a number of workers that is not whole, or not from 1 to 64
   */
  constructor(
    split: Images,
    shape: ImageShape,
    { workers = 1, preprocessing = [] }: WorkerLoaderOptions = {},
  ) {
    checkSplit(split, shape);
    if (!(Number.isInteger(workers) && workers >= 1 && workers <= MOST_WORKERS)) {
      throw new RangeError(`workers must be a whole number from 1 to ${MOST_WORKERS}, not ${workers}`);
    }
    this.#images = imageCount(split);
    this.#imageSize = imageSize(shape);
    this.#inline = new InlineLoader(split, shape, { preprocessing });
    const source = preprocessing.every(isKnown) && sentSource(sourceOf(split, shape), this.#imageSize);
    const data = source && { source, shape, preprocessing: storedTransforms(preprocessing) };
    this.#threads = data ? Array.from({ length: workers }, () => new BatchThread(data)) : [];
  }

  epoch(plan: BatchPlan): AsyncIterable<Batch> {
    const failure = this.#closed ?? this.#threads.find((thread) => thread.failure)?.failure;
    if (failure) throw failure;
    const count = batchCount(this.#images, plan);
    const number = ++this.#epochs;
    this.#inline.endEpoch();
    this.#end('this epoch has ended: another was begun');
    const { augmentation, start = 0, stride = 1, ...others } = plan;
    if (this.#threads.length === 0 || !(augmentation ?? []).every(isKnown)) return this.#inline.epoch(plan);
    const sent = { ...others, ...(augmentation && { augmentation: storedTransforms(augmentation) }) };
    const wanted = Math.ceil((count - start) / stride);
    for (const [i, thread] of this.#threads.slice(0, wanted).entries()) {
      thread.begin({ ...sent, start: start + i * stride }, stride * this.#threads.length);
    }
    return { [Symbol.asyncIterator]: () => this.#batches(number, plan, count) };
  }

  async close(): Promise<void> {
    this.#closed ??= new Error('this loader has been closed');
    await this.#inline.close();
    for (const thread of this.#threads) await thread.close(this.#closed);
  }

  async *#batches(number: number, plan: BatchPlan, count: number): AsyncGenerator<Batch> {
    const { start = 0, stride = 1 } = plan;
    // In ordinary memory: ONNX Runtime takes no tensor in shared memory.
    const images = new Uint8Array(rowCount(plan) * this.#imageSize);
    const labels = new Int32Array(rowCount(plan));
    try {
      for (let index = start; index < count; index += stride) {
        if (number !== this.#epochs) throw this.#closed ?? new Error('this epoch has ended');
        const thread = this.#threads[((index - start) / stride) % this.#threads.length];
        yield { index, images, labels, count: await thread.take(images, labels) };
      }
    } finally {
      if (number === this.#epochs) this.#end('this epoch has ended');
    }
  }

  #end(reason: string): void {
    for (const thread of this.#threads) thread.end(reason);
  }
}

const MOST_WORKERS = 64;
