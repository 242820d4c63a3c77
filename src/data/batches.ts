/**
 * Batches of a split: which images, in which order, how augmented. What a batch holds is a pure function of the
 * split, the plan and the batch's index, whoever makes it, and wherever an epoch is taken up again.
 */
import { Random } from '../random/random.js';
import { augmentImage } from './augment.js';
import { DataError } from './data-error.js';
import { checkSplit, imageCount, type ImageShape, imageSize, type Split } from './dataset.js';
import type { Batch, BatchLoader, BatchPlan } from './loader.js';

/**
 * The number of batches in a whole epoch of `images` images.
 *
 * @throws DataError when the batch size is not a positive whole number, when a batch that must be full is larger
 *   than the split, or when the plan starts beyond the end
 */
export function batchCount(
  images: number,
  { batchSize, last, start = 0 }: Pick<BatchPlan, 'batchSize' | 'last' | 'start'>,
): number {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new DataError(`The batch size is a whole number of at least 1, not ${batchSize}.`);
  }
  if (last === 'drop' && batchSize > images) {
    throw new DataError(
      `A batch of ${batchSize} is larger than the ${images} training images; give a batch size of at most ${images}.`,
    );
  }
  const count = last === 'drop' ? Math.floor(images / batchSize) : Math.ceil(images / batchSize);
  if (!Number.isInteger(start) || start < 0 || start > count) {
    throw new DataError(`An epoch of ${count} batches cannot start at batch ${start}.`);
  }
  return count;
}

/** Writes the batches of one epoch into buffers that it is given; what every loader is made of. */
export class BatchMaker {
  /** Batches in the whole epoch. */
  readonly count: number;
  readonly #split: Split;
  readonly #shape: ImageShape;
  readonly #plan: BatchPlan;
  readonly #random: Random;
  readonly #order: Uint32Array | undefined;

  /** @throws DataError when the plan does not fit the split */
  constructor(split: Split, shape: ImageShape, plan: BatchPlan) {
    this.count = batchCount(imageCount(split), plan);
    this.#split = split;
    this.#shape = shape;
    this.#plan = plan;
    this.#random = Random.fromState(plan.random);
    this.#order = plan.shuffle ? this.#random.fork('order').permutation(imageCount(split)) : undefined;
  }

  /**
   * Writes batch `index`.
   *
   * @param images - uint8 [batchSize, channels, height, width]
   * @param labels - int32 [batchSize]
   * @returns the number of rows that hold images; the others are filled with zeros
   */
  write(index: number, images: Uint8Array, labels: Int32Array): number {
    const { batchSize, augmentation } = this.#plan;
    const size = imageSize(this.#shape);
    const first = index * batchSize;
    const count = Math.min(batchSize, imageCount(this.#split) - first);
    // A stream for each batch lets any one be made without those before it.
    const random = augmentation && this.#random.fork(`augment/${index}`);
    for (let row = 0; row < count; row++) {
      const image = this.#order ? this.#order[first + row] : first + row;
      labels[row] = this.#split.labels[image]!;
      if (random) {
        augmentImage(images, row * size, this.#split.images, image * size, this.#shape, augmentation, random);
      } else {
        images.set(this.#split.images.subarray(image * size, (image + 1) * size), row * size);
      }
    }
    images.fill(0, count * size, batchSize * size);
    labels.fill(0, count, batchSize);
    return count;
  }
}

/**
 * The batches of an epoch, made on the calling thread when they are asked for.
 *
 * @throws DataError at once, when the plan does not fit the split
 */
export function inlineBatches(split: Split, shape: ImageShape, plan: BatchPlan): AsyncIterable<Batch> {
  return new InlineLoader(split, shape).epoch(plan);
}

/** Makes batches on the calling thread, for browsers and small data. */
export class InlineLoader implements BatchLoader {
  readonly #split: Split;
  readonly #shape: ImageShape;
  /** Counts the epochs begun; an epoch ends when it is no longer the last. */
  #epoch = 0;
  #closed = false;

  /** @throws DataError when the split is empty or its images do not have the shape */
  constructor(split: Split, shape: ImageShape) {
    checkSplit(split, shape);
    this.#split = split;
    this.#shape = shape;
  }

  epoch(plan: BatchPlan): AsyncIterable<Batch> {
    if (this.#closed) throw new Error('this loader has been closed');
    const maker = new BatchMaker(this.#split, this.#shape, plan);
    const epoch = ++this.#epoch;
    return { [Symbol.asyncIterator]: () => this.#batches(maker, plan, epoch) };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- asynchronous because a loader is
  async *#batches(
    maker: BatchMaker,
    { batchSize, start = 0 }: BatchPlan,
    epoch: number,
  ): AsyncGenerator<Batch> {
    const images = new Uint8Array(batchSize * imageSize(this.#shape));
    const labels = new Int32Array(batchSize);
    for (let index = start; index < maker.count; index++) {
      if (epoch !== this.#epoch)
        throw new Error('this epoch has ended: another was begun, or the loader closed');
      const count = maker.write(index, images, labels);
      yield { index, images, labels, count };
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#epoch++;
    return Promise.resolve();
  }
}
