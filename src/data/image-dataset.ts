/** A dataset of one's own images. */
import { checkImages, checkSplits, checkStatistics } from './check-dataset.js';
import { DataError } from './data-error.js';
import type { ImageDataset } from './dataset.js';
import { type ImageShape, type ImageSource, type Images, imageSize, labelsOf } from './image-source.js';
import type { ImageTransform } from './image-transform.js';
import { checkTransforms } from './image-transforms.js';
import { type RgbaPicture, packPictures } from './rgba-pictures.js';
import { setApart } from './split-validation.js';
import { pixelStatistics } from './statistics.js';

/** Images and their classes; a source knows the classes of its own. */
export type OwnImages =
  | {
      /** uint8 [images, channels, height, width], or pictures as a canvas gives them. */
      readonly images: Uint8Array | readonly RgbaPicture[];
      /** The class of each, from 0. */
      readonly labels: ArrayLike<number>;
    }
  | { readonly images: ImageSource; readonly labels?: undefined };

/** What `imageDataset` is told besides the images. */
export interface ImageDatasetSettings {
  /**
   * Channels, height and width of the images in a batch. Needed for a `Uint8Array` and a source; by default that of the
   * first picture, with three channels.
   */
  readonly imageShape?: ImageShape;
  /** Default: the numbers of the classes. */
  readonly classNames?: readonly string[];
  /** What is reported of a run. Default: a share of 20 % of every class, drawn by `seed`, which is then not trained on. */
  readonly test?: OwnImages | ImageSource;
  /** What the best epoch is chosen on. Default none; `splitValidation` sets some of the training images aside. */
  readonly validation?: OwnImages | ImageSource;
  /** Default `images`. */
  readonly name?: string;
  /** Of the draw of test images. Default 0. */
  readonly seed?: number;
  /** What every image goes through first, such as `[resize({ size: 32 }), centerCrop({ size: 32 })]`. Default nothing. */
  readonly preprocessing?: readonly ImageTransform[];
  /** What training images go through then, such as `[randomHorizontalFlip()]`. Default nothing. */
  readonly augmentation?: readonly ImageTransform[];
  /**
   * What images that are not augmented go through in its place, such as `[centerCrop({ size: 32 })]` where training
   * images go through `randomResizedCrop`. Default nothing.
   */
  readonly evaluation?: readonly ImageTransform[];
  /**
   * Mean and deviation of each channel, of pixels scaled to [0, 1]. Default: those of the training images, all of which
   * are read for it once.
   */
  readonly statistics?: { readonly mean: readonly number[]; readonly deviation: readonly number[] };
}

/** What `imageDataset` makes a dataset of. */
export type ImageDatasetOptions = OwnImages & ImageDatasetSettings;

/** The share of test images where none are given. */
const TEST_SHARE = 0.2;

/**
 * A dataset of images of one's own: arrays in memory, pictures of a canvas, or a source.
 *
 * @throws DataError for images, labels, class names and statistics that do not fit each other, and naming an image that
 *   cannot be read
 * @throws RangeError for a seed that is no whole number, and what is no transform
 */
export async function imageDataset(options: ImageDatasetOptions): Promise<ImageDataset> {
  const { name = 'images', seed = 0, test, validation, preprocessing = [], augmentation = [] } = options;
  const { evaluation = [] } = options;
  checkTransforms('preprocessing', preprocessing);
  checkTransforms('augmentation', augmentation);
  checkTransforms('evaluation', evaluation);
  const imageShape = options.imageShape ?? shapeOfFirst(options, name);
  checkShape(imageShape, name);
  const given = {
    train: packed(options, imageShape, `The training images of ${name}`),
    ...(validation && { validation: packed(validation, imageShape, `The validation images of ${name}`) }),
    ...(test && { test: packed(test, imageShape, `The test images of ${name}`) }),
  };
  const classNames = options.classNames ?? numbered(Object.values(given));
  if (classNames.length < 1) throw new DataError(`${name} has no classes; name at least one.`);
  const whole = { ...settings(), train: given.train, test: given.test ?? given.train };
  // Before anything is drawn or computed of it.
  checkImages(whole, 'training', given.train);
  const [train, tested] = given.test
    ? [given.train, given.test]
    : setApart(given.train, imageSize(imageShape), { share: TEST_SHARE, seed }, 'test', name);
  const statistics =
    options.statistics ?? (await pixelStatistics(train, imageShape, [...preprocessing, ...evaluation]));
  checkStatistics(statistics, imageShape[0], name);
  const { mean, deviation } = statistics;
  const dataset = { ...whole, mean, deviation, train, test: tested };
  checkSplits(dataset);
  return dataset;

  function settings(): Omit<ImageDataset, 'train' | 'test'> {
    const { validation: followed } = given;
    return {
      name,
      classNames,
      imageShape,
      mean: [],
      deviation: [],
      ...(preprocessing.length > 0 && { preprocessing }),
      augmentation,
      ...(evaluation.length > 0 && { evaluation }),
      ...(followed && { validation: followed }),
    };
  }
}

function packed(own: OwnImages | ImageSource, shape: ImageShape, what: string): Images {
  if ('read' in own) return own;
  const { images, labels } = own;
  if (typeof images === 'object' && 'read' in images) {
    if (labels === undefined) return images;
    throw new DataError(`${what} are a source, which knows their labels; leave out the labels.`);
  }
  if (labels === undefined) throw new DataError(`${what} have no labels; give one for each.`);
  if (images instanceof Uint8Array) {
    const size = imageSize(shape);
    if (images.length !== labels.length * size) {
      throw new DataError(
        `${what} are ${images.length} bytes, but ${labels.length} labels need as many images [${shape.join(', ')}] of ${size} bytes each, ${labels.length * size} in all.`,
      );
    }
    return { images, labels };
  }
  if (!Array.isArray(images)) {
    throw new DataError(
      `${what} must be a Uint8Array, a list of pictures { data, width, height } or a source.`,
    );
  }
  const pictures = images as readonly RgbaPicture[];
  if (pictures.length !== labels.length) {
    throw new DataError(
      `${what} are ${pictures.length} pictures, but there are ${labels.length} labels; give one for each.`,
    );
  }
  return packPictures(pictures, labels, shape, what);
}

function shapeOfFirst({ images }: OwnImages, name: string): ImageShape {
  if (Array.isArray(images) && images.length > 0) {
    const { height, width } = (images as readonly RgbaPicture[])[0];
    return [3, height, width];
  }
  throw new DataError(
    `${name} needs to know the shape of its images; give imageShape: [channels, height, width].`,
  );
}

function checkShape(shape: readonly number[], name: string): void {
  if (shape.length === 3 && shape.every((length) => Number.isInteger(length) && length >= 1)) return;
  throw new DataError(
    `${name}: imageShape is [${shape.join(', ')}], but has to be [channels, height, width], each a whole number of at least 1.`,
  );
}

/** The most classes that are counted instead of named: a label that is wrong must not make billions of names. */
const MOST_CLASSES = 1_000_000;

/** The numbers of the classes up to the largest label, as text. */
function numbered(splits: readonly Images[]): string[] {
  let most = 0;
  for (const images of splits) {
    const labels = labelsOf(images);
    for (let i = 0; i < labels.length; i++)
      most = Math.max(most, Number.isInteger(labels[i]) ? labels[i] : 0);
  }
  if (most >= MOST_CLASSES) {
    throw new DataError(
      `A label is ${most}, but without class names there are at most ${MOST_CLASSES} classes, counted from 0. Correct the labels, or name the classes.`,
    );
  }
  return Array.from({ length: most + 1 }, (_, label) => String(label));
}
