/** `tract-ts/node`: everything of `tract-ts`, and what needs the file system or threads. */
import { inWorker } from './data/in-worker.js';
import { type ShapesOptions, shapes as drawShapes } from './data/shapes.js';
import type { ImageDataset, Split } from './data/dataset.js';

export * from './index.js';
export { type CifarOptions, cifar10, cifar100 } from './data/cifar.js';
export { readImage } from './data/image-file.js';
export { inWorker };
export { WorkerLoader, type WorkerLoaderOptions } from './data/worker-batches.js';
export { OutputError, writeAtomically } from './train/atomic-write.js';
export type { RunDescription } from './train/callbacks/run-files.js';
export { saveRun } from './train/callbacks/save-run.js';
export { RunFolder, findCheckpoint, readCheckpoint } from './train/run-folder.js';

/** The embedded dataset, with batches made in a worker thread; otherwise as in `tract-ts`. */
export function shapes(options?: ShapesOptions): ImageDataset<Split> {
  return inWorker(drawShapes(options));
}
