/**
 * Batches of a split: which images, in which order, how augmented. What a batch holds is a pure function of the
 * split, the plan and the batch's index, whoever makes it, and wherever an epoch is taken up again.
 */
import { Random } from '../random/random.js';
import { sameShape } from '../tensor/tensor.js';
import { type CropAndFlip, augmentImage } from './augment.js';
import { DataError } from './data-error.js';
import { checkSplit } from './dataset.js';
import {
  type ImageShape,
  type ImageSource,
  type Images,
  imageCount,
  imageSize,
  labelOf,
  shapeOf,
  sourceOf,
  unreadable,
} from './image-source.js';
import type { ImageTransform, Picture } from './image-transform.js';
import { cropAndFlip } from './image-transforms.js';
import { transformed } from './pictures.js';
import type { Batch, BatchLoader, BatchPlan, LoaderOptions } from './loader.js';

/**
 * The number of batches in a whole epoch of `images` images.
 *
 * @throws DataError when the batch size is not a positive whole number, when a batch that must be full is larger
 *   than the split, when the plan starts beyond the end, and for rows that a batch does not have
 */
export function batchCount(
  images: number,
  plan: Pick<BatchPlan, 'batchSize' | 'last' | 'start' | 'stride' | 'rows'>,
): number {
  const { batchSize, last, start = 0, stride = 1, rows: [from, to] = [0, batchSize] } = plan;
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
  if (!Number.isInteger(stride) || stride < 1) {
    throw new DataError(`One of every ${stride} batches cannot be made; give a whole number of at least 1.`);
  }
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= batchSize)) {
    throw new DataError(`A batch of ${batchSize} has no rows from ${from} to before ${to}.`);
  }
  return count;
}

/** The number of rows that are made of every batch. */
export function rowCount({
  batchSize,
  rows: [from, to] = [0, batchSize],
}: Pick<BatchPlan, 'batchSize' | 'rows'>): number {
  return to - from;
}

/** Images that are read at the same time, of a source that takes its time. */
const READ_AT_ONCE = 16;

/** Writes the batches of one epoch into buffers that it is given; what every loader is made of. */
export class BatchMaker {
  /** Batches in the whole epoch. */
  readonly count: number;
  readonly #source: ImageSource;
  readonly #shape: ImageShape;
  readonly #plan: BatchPlan;
  readonly #preprocessing: readonly ImageTransform[];
  /** Where augmentation is what it is for most small images, it is done in one go. */
  readonly #cropAndFlip: CropAndFlip | undefined;
  /** Whether images are skipped without being read: all transforms say what they would have drawn. */
  readonly #skips: boolean;
  readonly #random: Random;
  readonly #order: Uint32Array | undefined;
  /** Holds an image on its way; made anew where the one before belongs to a read that goes on. */
  #scratch: Uint8Array | undefined;

  /** @throws DataError when the plan does not fit the split */
  constructor(split: Images, shape: ImageShape, plan: BatchPlan, options: LoaderOptions = {}) {
    const images = imageCount(split);
    this.count = batchCount(images, plan);
    this.#source = sourceOf(split, shape);
    this.#shape = shape;
    this.#plan = plan;
    this.#preprocessing = options.preprocessing ?? [];
    this.#cropAndFlip = plan.augmentation && cropAndFlip(plan.augmentation);
    this.#skips = [...this.#preprocessing, ...(plan.augmentation ?? [])].every(
      (one) => one.skip !== undefined,
    );
    this.#random = Random.fromState(plan.random);
    this.#order = plan.shuffle ? this.#random.fork('order').permutation(images) : undefined;
  }

  /**
   * Writes batch `index`, or those of its rows that the plan asks for; at once, unless the source takes its time.
   *
   * @param images - uint8 [rows, channels, height, width]
   * @param labels - int32 [rows]
   * @returns the number of rows that hold images; the others are filled with zeros
   * @throws DataError naming an image that cannot be read, or does not get the dataset's shape
   */
  write(index: number, images: Uint8Array, labels: Int32Array): number | Promise<number> {
    const { batchSize, rows: [from, to] = [0, batchSize] } = this.#plan;
    const size = imageSize(this.#shape);
    const first = index * batchSize;
    const end = Math.max(from, Math.min(to, this.#source.count - first));
    images.fill(0, (end - from) * size, (to - from) * size);
    labels.fill(0, end - from, to - from);
    const batch: Rows = {
      images,
      labels,
      from,
      numbers: Array.from({ length: end }, (_, row) => this.#order?.[first + row] ?? first + row),
      // A stream for each batch lets any one be made without those before it.
      preprocessing: this.#random.fork(`preprocess/${index}`),
      augmentation: this.#random.fork(`augment/${index}`),
    };
    const begin = this.#skips ? from : 0;
    for (let row = 0; row < begin; row++) this.#skip(batch, row);
    for (let row = begin; row < end; row++) {
      const reading = this.#read(batch.numbers[row]);
      if (reading instanceof Promise) return this.#finish(batch, row, reading);
      this.#place(batch, row, reading);
    }
    return end - from;
  }

  /** Draws what is drawn for an image that is not asked for. */
  #skip({ numbers, preprocessing, augmentation }: Rows, row: number): void {
    const { augmentation: transforms = [] } = this.#plan;
    // Where nothing is drawn, nobody has to know the shape.
    if (this.#preprocessing.length + transforms.length === 0) return;
    let shape = shapeOf(this.#source, numbers[row], this.#shape);
    for (const one of this.#preprocessing) shape = one.skip!(shape, preprocessing);
    for (const one of transforms) shape = one.skip!(shape, augmentation);
  }

  /** The rows from `row` on, whose image is being read already; several are read at once, and placed in order. */
  async #finish(batch: Rows, row: number, begun: Promise<Picture>): Promise<number> {
    const { numbers } = batch;
    for (let first = row; first < numbers.length; first += READ_AT_ONCE) {
      const some = numbers.slice(first, first + READ_AT_ONCE);
      const reads = some.map((number, i) => (first + i === row ? begun : this.#readLater(number)));
      const results = await Promise.allSettled(reads);
      results.forEach((result, i) => {
        if (result.status === 'rejected') throw result.reason;
        this.#place(batch, first + i, result.value);
      });
    }
    return numbers.length - batch.from;
  }

  async #readLater(number: number): Promise<Picture> {
    this.#scratch = undefined;
    const reading = this.#read(number);
    // Others are read before this one is placed, even where it is there at once.
    this.#scratch = undefined;
    return reading;
  }

  #read(number: number): Picture | Promise<Picture> {
    const shape = shapeOf(this.#source, number, this.#shape);
    const size = imageSize(shape);
    if (!this.#scratch || this.#scratch.length < size) this.#scratch = new Uint8Array(size);
    const data = this.#scratch.subarray(0, size);
    const picture = { data, shape };
    let reading;
    try {
      reading = this.#source.read(number, data);
    } catch (error) {
      throw unreadable(number, error);
    }
    if (!reading) return picture;
    this.#scratch = undefined;
    return Promise.resolve(reading).then(
      () => picture,
      (error: unknown) => {
        throw unreadable(number, error);
      },
    );
  }

  /** Transforms an image and writes it to its row, if that is one of those asked for. */
  #place(batch: Rows, row: number, read: Picture): void {
    const number = batch.numbers[row];
    const to = row - batch.from;
    if (to >= 0) batch.labels[to] = labelOf(this.#source, number);
    const size = imageSize(this.#shape);
    const { augmentation = [], epoch = 0 } = this.#plan;
    let picture = transformed(read, this.#preprocessing, batch.preprocessing);
    if (this.#cropAndFlip && sameShape(picture.shape, this.#shape) && to >= 0) {
      const how = this.#cropAndFlip;
      augmentImage(batch.images, to * size, picture.data, 0, this.#shape, how, batch.augmentation);
      return;
    }
    picture = transformed(picture, augmentation, batch.augmentation, { image: number, epoch });
    if (to < 0) return;
    if (!sameShape(picture.shape, this.#shape) || picture.data.length !== size) {
      const [was, became, wanted] = [read.shape, picture.shape, this.#shape].map((shape) => shape.join(', '));
      throw new DataError(
        `Image ${number} is [${was}] and becomes [${became}], but images of this dataset are [${wanted}]; let a transform bring it there: resize, centerCrop or randomResizedCrop.`,
      );
    }
    batch.images.set(picture.data, to * size);
  }
}

/** A batch that is being written. */
interface Rows {
  readonly images: Uint8Array;
  readonly labels: Int32Array;
  /** The row of the batch that is the first of `images` and `labels`. */
  readonly from: number;
  /** Which image comes into each row of the batch, up to the last one that is asked for. */
  readonly numbers: readonly number[];
  readonly preprocessing: Random;
  readonly augmentation: Random;
}

/**
 * The batches of an epoch, made on the calling thread when they are asked for.
 *
 * @throws DataError at once, when the plan does not fit the split
 */
export function inlineBatches(split: Images, shape: ImageShape, plan: BatchPlan): AsyncIterable<Batch> {
  return new InlineLoader(split, shape).epoch(plan);
}

/**
 * Makes batches on the calling thread, for browsers and small data. Of a source that takes its time, the next batch is
 * read while the last one is used.
 */
export class InlineLoader implements BatchLoader {
  readonly #split: Images;
  readonly #shape: ImageShape;
  readonly #options: LoaderOptions;
  /** Counts the epochs begun; an epoch ends when it is no longer the last. */
  #epoch = 0;
  #closed = false;

  /** @throws DataError when the split is empty or its images do not have the shape */
  constructor(split: Images, shape: ImageShape, options: LoaderOptions = {}) {
    checkSplit(split, shape);
    this.#split = split;
    this.#shape = shape;
    this.#options = options;
  }

  epoch(plan: BatchPlan): AsyncIterable<Batch> {
    if (this.#closed) throw new Error('this loader has been closed');
    const maker = new BatchMaker(this.#split, this.#shape, plan, this.#options);
    const epoch = ++this.#epoch;
    return { [Symbol.asyncIterator]: () => this.#batches(maker, plan, epoch) };
  }

  async *#batches(maker: BatchMaker, plan: BatchPlan, epoch: number): AsyncGenerator<Batch> {
    const { start = 0, stride = 1 } = plan;
    const rows = rowCount(plan);
    const newBuffers = (): Buffers => ({
      images: new Uint8Array(rows * imageSize(this.#shape)),
      labels: new Int32Array(rows),
    });
    let [used, spare] = [newBuffers(), undefined as Buffers | undefined];
    let ahead: Promise<number> | undefined;
    for (let index = start; index < maker.count; index += stride) {
      this.#checkIsLast(epoch);
      if (ahead) [used, spare] = [spare!, used];
      const written = ahead ?? maker.write(index, used.images, used.labels);
      const takesTime = written instanceof Promise;
      const count = takesTime ? await written : written;
      this.#checkIsLast(epoch);
      ahead = undefined;
      if (takesTime && index + stride < maker.count) {
        const { images, labels } = (spare ??= newBuffers());
        ahead = (async () => maker.write(index + stride, images, labels))();
        // Whoever leaves before that batch is not to hear of what is wrong with it.
        ahead.catch(() => undefined);
      }
      yield { index, ...used, count };
    }
  }

  #checkIsLast(epoch: number): void {
    if (epoch !== this.#epoch)
      throw new Error('this epoch has ended: another was begun, or the loader closed');
  }

  /** Ends the epoch that is being read, if any; whoever still reads it gets an error. */
  endEpoch(): void {
    this.#epoch++;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.endEpoch();
    return Promise.resolve();
  }
}

type Buffers = Pick<Batch, 'images' | 'labels'>;
