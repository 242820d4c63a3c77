/** What happens to an image between its source and a batch. */
import type { Json } from '../optim/transform.js';
import type { Random } from '../random/random.js';
import { type ImageShape } from './image-source.js';

/** One image. */
export interface Picture {
  /** uint8 [channels, height, width], row-major. */
  readonly data: Uint8Array;
  readonly shape: ImageShape;
}

/** Which image it is, and when it is seen. */
export interface Occasion {
  /** The number of the image in its split, counted from 0. */
  readonly image: number;
  /** Epochs that are complete. */
  readonly epoch: number;
}

/** The options of a transform, as a checkpoint keeps them. */
export type TransformConfig = { readonly [key: string]: Json };

/**
 * A step of a chain, from image to image. Your own is any object of this form; it works on the calling thread, and has
 * to be given again where a run is resumed, because no file holds a function.
 */
export interface ImageTransform {
  /** Such as `randomCrop`. One of your own has a name that none of this package's has. */
  readonly name: string;
  /** The options it was made with, complete: runs of equal names and options are held to be the same. */
  readonly config: TransformConfig;
  /**
   * The image that comes of another, a new one or the same. It may write to the data of the one it is given, and must
   * not keep it. All that is random comes from `random`, so that runs can be repeated.
   *
   * @param occasion in training; what is not random may depend on it
   */
  apply(picture: Picture, random: Random, occasion?: Occasion): Picture;
  /**
   * Draws what `apply` would draw for an image of this shape, and gives the shape of the result: whoever needs some of
   * the images of a batch is spared the others. Left out, they are made all the same.
   */
  skip?(shape: ImageShape, random: Random): ImageShape;
}

const ours = new WeakSet<ImageTransform>();

/** Marks a transform as one of this package's, which a worker thread makes again by its name. */
export function known<T extends ImageTransform>(transform: T): T {
  ours.add(transform);
  return transform;
}

export const isKnown = (transform: ImageTransform): boolean => ours.has(transform);
