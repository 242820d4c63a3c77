/** Datasets that are read in a worker thread. */
import type { ImageDataset } from './dataset.js';
import { WorkerLoader } from './worker-batches.js';

/** The dataset, with batches made in a worker thread while the calling one trains. */
export function inWorker(dataset: ImageDataset): ImageDataset {
  return { ...dataset, createLoader: (split, shape) => new WorkerLoader(split, shape) };
}
