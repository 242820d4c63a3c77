/**
 * Image datasets: uint8 images that become one size, each with one class, in memory or from a source.
 *
 * What is in memory lives in shared memory where the platform has it, so that a worker thread reads it without a copy.
 */
import { DataError } from './data-error.js';
import type { FolderConfig } from './folder/folder-config.js';
import { type ImageShape, type Images, imageCount, imageSize, isSource } from './image-source.js';
import type { ImageTransform } from './image-transform.js';
import type { BatchLoader, LoaderOptions } from './loader.js';
import { Subset } from './subset.js';

export { type ImageShape, type Images, type Split, imageCount, imageSize } from './image-source.js';
export { allocateShared } from './shared-memory.js';

/** How many of the training images were set aside as validation images, and by which draw. */
export interface SetAside {
  /** Above 0 and below 1. */
  readonly share: number;
  readonly seed: number;
}

/**
 * Images of one shape with their classes, in splits.
 *
 * @typeParam Of the form of its images; that of a dataset that is in memory is `Split`
 */
export interface ImageDataset<Of extends Images = Images> {
  /** As the command line names it, `cifar10` for instance. */
  readonly name: string;
  readonly classNames: readonly string[];
  /** Of every image in a batch. */
  readonly imageShape: ImageShape;
  /** Mean of each channel over the training images, of pixel values scaled to [0, 1]. */
  readonly mean: readonly number[];
  /** Standard deviation of each channel, of pixel values scaled to [0, 1]. */
  readonly deviation: readonly number[];
  /** What every image goes through first, wherever it is used; left out, it is taken as it is. */
  readonly preprocessing?: readonly ImageTransform[];
  /** What training images go through then, unless told otherwise. */
  readonly augmentation: readonly ImageTransform[];
  /** What all other images go through in its place, and training images that are not augmented; left out, nothing. */
  readonly evaluation?: readonly ImageTransform[];
  readonly train: Of;
  /**
   * Images that are neither trained on nor reported: what a run is followed on, and its best epoch chosen on. Left
   * out, nothing is chosen, and a run is followed on the test images.
   */
  readonly validation?: Of;
  readonly test: Of;
  /** Where its images are pictures of a folder, which ones: what a run needs to go on with the same. */
  readonly folder?: FolderConfig;
  /** Where `validation` was part of the training images (see `splitValidation`), how it was drawn. */
  readonly setAside?: SetAside;
  /** How batches of a split are made, such as in a worker thread; left out, on the calling thread. */
  readonly createLoader?: (split: Images, shape: ImageShape, options: LoaderOptions) => BatchLoader;
}

/** The images that a run is followed on, and which of the splits they are. */
export function followedSplit({ validation, test }: ImageDataset): {
  kind: 'validation' | 'test';
  split: Images;
} {
  return validation ? { kind: 'validation', split: validation } : { kind: 'test', split: test };
}

/**
 * The dataset cut down to its first `train` training images and first `test` test images; nothing is copied, and
 * validation images stay as they are.
 *
 * @param counts - how many images to keep; a number left out keeps them all
 * @throws DataError when a number is not whole, is below 1, or is more than there are
 */
export function limit<Of extends Images>(
  dataset: ImageDataset<Of>,
  counts: { train?: number; test?: number },
): ImageDataset<Of> {
  const first = (images: Of, count: number | undefined, kind: string): Of => {
    if (count === undefined) return images;
    const available = imageCount(images);
    if (!Number.isInteger(count) || count < 1 || count > available) {
      throw new DataError(
        `${dataset.name} cannot be limited to ${count} ${kind} images: it has ${available}, so give a whole number from 1 to ${available}.`,
      );
    }
    return firstImages(images, count, imageSize(dataset.imageShape)) as Of;
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

function firstImages(images: Images, count: number, size: number): Images {
  if (isSource(images))
    return new Subset(
      images,
      Uint32Array.from({ length: count }, (_, i) => i),
    );
  const labels = images.labels;
  return {
    images: images.images.subarray(0, count * size),
    labels: ArrayBuffer.isView(labels)
      ? (labels as Uint8Array).subarray(0, count)
      : Array.from({ length: count }, (_, i) => labels[i]),
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
export function checkSplit(split: Images, shape: ImageShape, what = 'The split'): void {
  const count = imageCount(split);
  if (!(Number.isInteger(count) && count >= 0 && count < 2 ** 32)) {
    throw new DataError(`${what} has ${count} images; a number of images is whole, and below 2^32.`);
  }
  if (count === 0) throw new DataError(`${what} holds no images; give it at least one.`);
  if (!isSource(split) && split.images.length !== count * imageSize(shape)) {
    throw new DataError(
      `${what} has ${count} labels, which with images of shape [${shape.join(', ')}] need ${count * imageSize(shape)} bytes of pixels, but there are ${split.images.length}.`,
    );
  }
}
