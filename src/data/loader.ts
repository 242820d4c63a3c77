/** What a batch is, and what a loader promises. */
import type { RandomState } from '../random/random.js';
import type { ImageTransform } from './image-transform.js';

/** What a loader is told besides the images. */
export interface LoaderOptions {
  /** What every image goes through first; default nothing. */
  readonly preprocessing?: readonly ImageTransform[];
}

/** How one epoch is cut into batches. */
export interface BatchPlan {
  /** Images in a batch; at least 1. */
  readonly batchSize: number;
  /** Whether the images come in random order instead of the split's own. */
  readonly shuffle: boolean;
  /** How images are varied, behind the loader's preprocessing; left out, they are not. */
  readonly augmentation?: readonly ImageTransform[];
  /** The last images, too few for a batch, are dropped (training) or padded with zeros (evaluation). */
  readonly last: 'drop' | 'pad';
  /** State of the generator for this epoch; order and augmentation derive from it. */
  readonly random: RandomState;
  /** Epochs that are complete, for augmentation that depends on it; default 0. */
  readonly epoch?: number;
  /** The first batch to make, to resume in the middle of an epoch; default 0. Batch k is the same whatever it is. */
  readonly start?: number;
  /** One of every so many batches is made, beginning with the first; default 1. */
  readonly stride?: number;
  /**
   * The rows of every batch that are made, from one to before another, which are those of the whole batch all the same;
   * default all of them.
   */
  readonly rows?: readonly [from: number, to: number];
}

/** Images and labels of a step; [rows, …] are all of the batch, or those of its rows that were asked for. */
export interface Batch {
  /** Position in the epoch, from 0. */
  readonly index: number;
  /** uint8 [rows, channels, height, width]. */
  readonly images: Uint8Array;
  /** int32 [rows]. */
  readonly labels: Int32Array;
  /** Rows that hold images; fewer than there are only in a padded last batch, whose other rows are zero. */
  readonly count: number;
}

/** Makes the batches of one split, epoch after epoch. */
export interface BatchLoader {
  /**
   * The batches of an epoch in order, to be read once. They come in buffers that are used again: what a batch holds is
   * overwritten when the next is asked for. A loader reads one epoch at a time: beginning another ends the one before.
   *
   * @throws DataError at once, when the plan does not fit the split (see `batchCount`); and while it is read, naming an
   *   image that cannot be read, or that the transforms do not bring to the dataset's shape
   */
  epoch(plan: BatchPlan): AsyncIterable<Batch>;
  /** Ends the loader and the epoch it is in; it may be called more than once. */
  close(): Promise<void>;
}
