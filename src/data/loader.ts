/** What a batch is, and what a loader promises. */
import type { RandomState } from '../random/random.js';

/** How a training image is varied each time it is shown. */
export interface Augmentation {
  /** Rows and columns of zeros added on each side before a random crop back to the original size; 0 for none. */
  readonly cropPadding: number;
  /** Whether every second image, by chance, is mirrored left to right. */
  readonly horizontalFlip: boolean;
}

/** How one epoch is cut into batches. */
export interface BatchPlan {
  /** Images in a batch; at least 1. */
  readonly batchSize: number;
  /** Whether the images come in random order instead of the split's own. */
  readonly shuffle: boolean;
  /** How images are varied; left out, they come as they are. */
  readonly augmentation?: Augmentation;
  /** The last images, too few for a batch, are dropped (training) or padded with zeros (evaluation). */
  readonly last: 'drop' | 'pad';
  /** State of the generator for this epoch; order and augmentation derive from it. */
  readonly random: RandomState;
  /** The first batch to make, to resume in the middle of an epoch; default 0. Batch k is the same whatever it is. */
  readonly start?: number;
}

/** Images and labels of a step. */
export interface Batch {
  /** Position in the epoch, from 0. */
  readonly index: number;
  /** uint8 [batchSize, channels, height, width]. */
  readonly images: Uint8Array;
  /** int32 [batchSize]. */
  readonly labels: Int32Array;
  /** Rows that hold images; fewer than batchSize only in a padded last batch, whose other rows are zero. */
  readonly count: number;
}

/** Makes the batches of one split, epoch after epoch. */
export interface BatchLoader {
  /**
   * The batches of an epoch in order, to be read once. All of them come in the same two buffers, which are
   * overwritten when the next batch is asked for. A loader reads one epoch at a time: beginning another ends the one
   * before.
   *
   * @throws DataError at once, when the plan does not fit the split (see `batchCount`)
   */
  epoch(plan: BatchPlan): AsyncIterable<Batch>;
  /** Ends the loader and the epoch it is in; it may be called more than once. */
  close(): Promise<void>;
}
