/** `tract-ts/node`: everything of `tract-ts`, and what needs the file system or threads. */
import { inWorker } from './data/in-worker.js';
import { type ShapesOptions, shapes as drawShapes } from './data/shapes.js';
import type { ImageDataset, Split } from './data/dataset.js';

export * from './index.js';

// Data.
export { type CifarOptions, type DownloadSource, cifar10, cifar100 } from './data/cifar.js';
export {
  type FolderDataset,
  type ImageFolderOptions,
  type KeptFolder,
  type ReopenOptions,
  imageFolder,
  pictureFile,
  reopenImageFolder,
} from './data/folder/image-folder.js';
export {
  type BrokenPicture,
  type ClassCount,
  type FolderReport,
  reportSentences,
} from './data/folder/folder-report.js';
export { readImage } from './data/image-file.js';
export { inWorker };
export { WorkerLoader, type WorkerLoaderOptions } from './data/worker-batches.js';

// Several processes.
export { mpiGroup } from './mpi/connect.js';
export type { MpiGroup, MpiGroupOptions } from './mpi/mpi-group.js';

// Training.
export type { SavedCheckpoint } from './train/callbacks/checkpoint-keeper.js';
export { type CheckpointsOptions, checkpoints } from './train/callbacks/checkpoints.js';
export { csvLog } from './train/callbacks/csv-log.js';
export { jsonLines } from './train/callbacks/json-lines.js';
export type { RunDescription } from './train/callbacks/run-files.js';
export { saveRun } from './train/callbacks/save-run.js';
export { type TensorBoardOptions, tensorBoard } from './train/callbacks/tensor-board.js';
export type { TensorBoardImage } from './train/callbacks/event-records.js';

// Files.
export { OutputError } from './data/atomic-write.js';
export { FolderInUseError } from './train/exclusive-folder.js';
export {
  type CheckpointKind,
  RunExistsError,
  findCheckpoint,
  readCheckpoint,
  readKeptCheckpoint,
} from './train/run-folder.js';

/** The embedded dataset, with batches made in a worker thread; otherwise as in `tract-ts`. */
export function shapes(options?: ShapesOptions): ImageDataset<Split> {
  return inWorker(drawShapes(options));
}
