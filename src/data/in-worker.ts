/** Datasets that are read in worker threads. */
import type { ImageDataset } from './dataset.js';
import type { Images } from './image-source.js';
import { WorkerLoader } from './worker-batches.js';

/**
 * The dataset, with batches made in worker threads while the calling one trains.
 *
 * @param options.workers threads; default 1, more where reading or transforming an image takes long
 */
export function inWorker<Of extends Images>(
  dataset: ImageDataset<Of>,
  { workers = 1 }: { readonly workers?: number } = {},
): ImageDataset<Of> {
  return {
    ...dataset,
    createLoader: (split, shape, options) => new WorkerLoader(split, shape, { ...options, workers }),
  };
}
