/**
 * Image datasets held in memory: uint8 images of one size, each with one class.
 *
 * A dataset lives in shared memory where the platform has it, so that a worker thread reads it without a copy.
 */
import { DataError } from './data-error.js';
import type { Augmentation, BatchLoader } from './loader.js';

/** Channels, height and width of every image of a dataset. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Images and their classes, in the order of the files. */
export interface Split {
  /** uint8 [images, channels, height, width], row-major. */
  readonly images: Uint8Array;
  /** The class of each image, from 0; its length is the number of images. */
  readonly labels: Uint8Array;
}

/** How many of the training images were set aside as validation images, and by which draw. */
export interface SetAside {
  /** Above 0 and below 1. */
  readonly share: number;
  readonly seed: number;
}

/** Images of one shape with their classes, in splits. */
export interface ImageDataset {
  /** As the command line names it, `cifar10` for instance. */
  readonly name: string;
  readonly classNames: readonly string[];
  readonly imageShape: ImageShape;
  /** Mean of each channel over the training images, of pixel values scaled to [0, 1]. */
  readonly mean: readonly number[];
  /** Standard deviation of each channel, of pixel values scaled to [0, 1]. */
  readonly deviation: readonly number[];
  /** What training augments with unless told otherwise. */
  readonly augmentation: Augmentation;
  readonly train: Split;
  /**
   * Images that are neither trained on nor reported: what a run is followed on, and its best epoch chosen on. Left
   * out, nothing is chosen, and a run is followed on the test images.
   */
  readonly validation?: Split;
  readonly test: Split;
  /** Where `validation` was part of the training images (see `splitValidation`), how it was drawn. */
  readonly setAside?: SetAside;
  /** How batches of a split are made, such as in a worker thread; left out, on the calling thread. */
  readonly createLoader?: (split: Split, shape: ImageShape) => BatchLoader;
}

/** The images that a run is followed on, and which of the splits they are. */
export function followedSplit({ validation, test }: ImageDataset): {
  kind: 'validation' | 'test';
  split: Split;
} {
  return validation ? { kind: 'validation', split: validation } : { kind: 'test', split: test };
}

/** The number of images of a split. */
export function imageCount(split: Split): number {
  return split.labels.length;
}

/** Bytes of one image. */
export function imageSize([channels, height, width]: ImageShape): number {
  return channels * height * width;
}

/**
 * Zero-filled bytes in shared memory, or in ordinary memory where there is none to share (a browser page that is
 * not cross-origin isolated).
 */
export function allocateShared(length: number): Uint8Array {
  return typeof SharedArrayBuffer === 'undefined'
    ? new Uint8Array(length)
    : new Uint8Array(new SharedArrayBuffer(length));
}

/**
 * The dataset cut down to its first `train` training images and first `test` test images; nothing is copied, and
 * validation images stay as they are.
 *
 * @param counts - how many images to keep; a number left out keeps them all
 * @throws DataError when a number is not whole, is below 1, or is more than there are
 */
export function limit(dataset: ImageDataset, counts: { train?: number; test?: number }): ImageDataset {
  const first = (split: Split, count: number | undefined, kind: string): Split => {
    if (count === undefined) return split;
    const available = imageCount(split);
    if (!Number.isInteger(count) || count < 1 || count > available) {
      throw new DataError(
        `${dataset.name} cannot be limited to ${count} ${kind} images: it has ${available}, so give a whole number from 1 to ${available}.`,
      );
    }
    return {
      images: split.images.subarray(0, count * imageSize(dataset.imageShape)),
      labels: split.labels.subarray(0, count),
    };
  };
  const { setAside, ...rest } = dataset;
  return {
    ...rest,
    // The same draw of fewer images would give others.
    ...(setAside && counts.train === undefined && { setAside }),
    train: first(dataset.train, counts.train, 'training'),
    test: first(dataset.test, counts.test, 'test'),
  };
}

/**
 * Checks that every label names a class.
 *
 * @param source - the file the labels come from, for the message
 * @param wayOut - a sentence for the message that says what to do about it
 * @throws DataError naming the file, the first bad record (counted from 0) and its label
 */
export function checkLabels(labels: Uint8Array, classes: number, source: string, wayOut: string): void {
  const record = labels.findIndex((label) => label >= classes);
  if (record >= 0) {
    throw new DataError(
      `${source}: the label of record ${record} is ${labels[record]}, but there are ${classes} classes, 0 to ${classes - 1}. ${wayOut}`,
    );
  }
}

/**
 * Checks that a split's images and labels belong together.
 *
 * @param what it is called in the message
 * @throws DataError when the split is empty or the bytes of its images do not fit the shape and number of labels
 */
export function checkSplit(split: Split, shape: ImageShape, what = 'The split'): void {
  const count = imageCount(split);
  if (count === 0) throw new DataError(`${what} holds no images; give it at least one.`);
  if (split.images.length !== count * imageSize(shape)) {
    throw new DataError(
      `${what} has ${count} labels, which with images of shape [${shape.join(', ')}] need ${count * imageSize(shape)} bytes of pixels, but there are ${split.images.length}.`,
    );
  }
}
