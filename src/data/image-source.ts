/** Where images come from: arrays in memory, or anything that says how many there are and can show each. */
import { DataError } from './data-error.js';

/** Channels, height and width of an image. */
export type ImageShape = readonly [channels: number, height: number, width: number];

/** Bytes of one image. */
export function imageSize([channels, height, width]: ImageShape): number {
  return channels * height * width;
}

/** Images in memory, all of the dataset's shape, and their classes. */
export interface Split {
  /** uint8 [images, channels, height, width], row-major. */
  readonly images: Uint8Array;
  /** The class of each image, from 0; its length is the number of images. */
  readonly labels: ArrayLike<number>;
}

/**
 * Images from anywhere: files, a database, a function that draws them. Image `index` must be the same each time it is
 * asked for, since runs are repeated and resumed to the same bits.
 */
export interface ImageSource {
  /** The number of images. */
  readonly count: number;
  /** The class of an image, from 0. */
  label(index: number): number;
  /** Height and width of an image; left out, all have the dataset's. Channels are always the dataset's. */
  size?(index: number): readonly [height: number, width: number];
  /**
   * Fills `target` with an image, uint8 [channels, height, width], at once or later. Several images may be asked for at
   * the same time. What it throws is reported with the image's number.
   */
  read(index: number, target: Uint8Array): void | Promise<void>;
  /** How a worker thread makes the same source; left out, the source is read on the calling thread. */
  readonly worker?: WorkerSource;
}

/** A module whose default export makes a source of the parameters: `(parameters) => ImageSource`, at once or later. */
export interface WorkerSource {
  /** What `import()` takes: a URL, or a text that is one, such as `new URL('./photos.js', import.meta.url)`. */
  readonly module: URL | string;
  /** Anything that can be sent to a thread (see `structuredClone`); shared memory is not copied. */
  readonly parameters?: unknown;
}

/** The images of a split, in memory or from a source. */
export type Images = Split | ImageSource;

export const isSource = (images: Images): images is ImageSource => 'read' in images;

/** The number of images. */
export function imageCount(images: Images): number {
  return isSource(images) ? images.count : images.labels.length;
}

/** The class of an image. @throws DataError naming the image, where its source cannot say it */
export function labelOf(images: Images, index: number): number {
  if (!isSource(images)) return images.labels[index];
  try {
    return images.label(index);
  } catch (error) {
    throw unreadable(index, error);
  }
}

/** The classes of all images. @throws DataError naming the first image whose source cannot say it */
export function labelsOf(images: Images): ArrayLike<number> {
  if (!isSource(images)) return images.labels;
  return Array.from({ length: images.count }, (_, index) => labelOf(images, index));
}

/** A source of any images: what reads them needs to know no other form. */
export function sourceOf(images: Images, shape: ImageShape): ImageSource {
  return isSource(images) ? images : new SplitSource(images, imageSize(shape));
}

/** Images in memory as a source. */
export class SplitSource implements ImageSource {
  readonly split: Split;
  readonly #size: number;

  /** @param size bytes of an image */
  constructor(split: Split, size: number) {
    this.split = split;
    this.#size = size;
  }

  get count(): number {
    return this.split.labels.length;
  }

  label(index: number): number {
    return this.split.labels[index];
  }

  read(index: number, target: Uint8Array): void {
    target.set(this.split.images.subarray(index * this.#size, (index + 1) * this.#size));
  }
}

/** What a source throws, with the number of the image. */
export function unreadable(index: number, error: unknown): DataError {
  const text = error instanceof Error ? error.message : String(error);
  return new DataError(`Image ${index} cannot be read: ${text}`, { cause: error });
}

/** No image is larger; one of 268 megapixels takes 268 MB a channel. */
const MOST_PIXELS = 16384 * 16384;

/** The shape of an image before it is transformed. @throws DataError naming the image, where its size is none */
export function shapeOf(source: ImageSource, index: number, [channels, ...usual]: ImageShape): ImageShape {
  if (!source.size) return [channels, ...usual];
  let size;
  try {
    size = source.size(index);
  } catch (error) {
    throw unreadable(index, error);
  }
  const [height, width] = size;
  const whole = [height, width].every((side) => Number.isInteger(side) && side >= 1);
  if (whole && height * width <= MOST_PIXELS) return [channels, height, width];
  throw new DataError(
    `The size of image ${index} is [${height}, ${width}], but height and width are whole numbers of at least 1, of at most ${MOST_PIXELS / 2 ** 20} megapixels.`,
  );
}
