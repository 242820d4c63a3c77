/** The datasets of the command. */
import { dirname, resolve } from 'node:path';
import { cifar10, cifar100 } from '../data/cifar.js';
import { type ImageDataset, type SetAside, limit } from '../data/dataset.js';
import {
  type FolderDataset,
  type ImageFolderOptions,
  imageFolder,
  isFolderDataset,
  reopenImageFolder,
} from '../data/folder/image-folder.js';
import type { FolderConfig } from '../data/folder/folder-config.js';
import { reportSentences } from '../data/folder/folder-report.js';
import { inWorker } from '../data/in-worker.js';
import { limitByClass } from '../data/limit-by-class.js';
import { shapes } from '../data/shapes.js';
import { splitValidation } from '../data/split-validation.js';
import { CheckpointError } from '../train/json-check.js';
import { type DataConfig, wholeTrainImages } from '../train/run-config.js';
import { type DatasetName, isDatasetName } from './dataset-names.js';
import { note, noteInPlace } from './terminal.js';

/** How folders of pictures are read; nothing of it changes what is computed. */
export interface FolderReading {
  /** Threads that make batches. */
  readonly workers?: number | undefined;
  /** What decoded pictures may take on the disk, in megabytes. */
  readonly cacheSize?: number | undefined;
}

export interface DatasetRequest {
  /** One of the datasets of the command, or a path. */
  readonly name: string;
  readonly dir?: string | undefined;
  readonly limitTrain?: number | undefined;
  readonly limitTest?: number | undefined;
  /** Of the training images that are left, those for validation. */
  readonly setAside?: SetAside | undefined;
  /** How the pictures of a folder are used. */
  readonly folder?: ImageFolderOptions;
  readonly reading?: FolderReading;
  /** Ends a download or a first pass; a later one goes on from there. */
  readonly signal?: AbortSignal;
}

/**
 * Reads, draws or downloads a dataset, cut down to what is asked for.
 *
 * @throws DataError when that fails, when there are fewer images than asked for, or when none would be left to train on
 */
export async function loadDataset(request: DatasetRequest): Promise<ImageDataset> {
  const { name, dir, limitTrain: train, limitTest: test, reading, signal } = request;
  if (isDatasetName(name)) return cut(await builtIn(name), request);
  const options = { ...request.folder, ...readingOptions(reading), ...(signal && { signal }) };
  return cut(await openFolder((watched) => imageFolder(name, { ...options, ...watched })), request);

  async function builtIn(known: DatasetName): Promise<ImageDataset> {
    if (known === 'shapes') return inWorker(drawn(train, test));
    const download = downloadNote(known);
    const read = known === 'cifar10' ? cifar10 : cifar100;
    const dataset = await read({
      ...(dir !== undefined && { dir }),
      ...(signal && { signal }),
      onProgress: download.update,
    });
    download.end();
    return dataset;
  }
}

function cut(dataset: ImageDataset, request: DatasetRequest): ImageDataset {
  const { limitTrain: train, limitTest: test, setAside } = request;
  // Pictures are in the order of their names: the first may all be of one class.
  const few = isFolderDataset(dataset) ? limitByClass : limit;
  const limited = few(dataset, { ...(train && { train }), ...(test && { test }) });
  return setAside ? splitValidation(limited, setAside) : limited;
}

/**
 * The dataset of a run again, image by image.
 *
 * @param file of the run's checkpoint, for the message
 * @param where `dir` is where the files of CIFAR are, `data` where the pictures of a folder are now
 * @throws CheckpointError for a dataset that the command does not know; otherwise as `loadDataset`
 */
export async function datasetOfRun(
  data: DataConfig,
  file: string,
  where: {
    readonly dir?: string | undefined;
    readonly data?: string | undefined;
    readonly reading?: FolderReading;
    readonly signal?: AbortSignal;
  },
): Promise<ImageDataset> {
  const { dir, reading, signal } = where;
  const { name, testImages: limitTest, setAside } = data;
  const limits = { name, limitTrain: wholeTrainImages(data), limitTest, setAside };
  if (data.folder) {
    const place = { ...readingOptions(reading), dir: where.data ?? placeOf(data.folder, file) };
    const found = await openFolder((watched) =>
      reopenImageFolder(data, { ...place, ...watched, ...(signal && { signal }) }),
    );
    return cut(found, limits);
  }
  if (isDatasetName(name)) return loadDataset({ ...limits, dir, ...(signal && { signal }) });
  throw new CheckpointError(`${file} is of a run on "${name}", which is no dataset of this command`);
}

/** Where the pictures of a run are: those that came with it lie in its own folder. */
export const placeOf = ({ path }: FolderConfig, file: string): string => resolve(dirname(file), path);

/** @throws what reading throws */
async function openFolder(
  read: (options: Required<Pick<ImageFolderOptions, 'onProgress'>>) => Promise<FolderDataset>,
): Promise<FolderDataset> {
  const progress = countNote('Looking at pictures');
  try {
    const dataset = await read({ onProgress: progress.update });
    progress.end();
    note(...reportSentences(dataset.report));
    return dataset;
  } finally {
    progress.end();
  }
}

function readingOptions({ workers, cacheSize }: FolderReading = {}): ImageFolderOptions {
  return {
    ...(workers !== undefined && { workers }),
    ...(cacheSize !== undefined && { cacheBytes: cacheSize * 1e6 }),
  };
}

/** Draws no more images than are wanted; a limit above the whole is left to `limit` to refuse. */
function drawn(train: number | undefined, test: number | undefined): ImageDataset {
  return shapes({
    ...(train !== undefined && train <= 10_000 && { train }),
    ...(test !== undefined && test <= 2_000 && { test }),
  });
}

/** Tells on stderr how something goes on: on a terminal in place, elsewhere once. */
interface ProgressNote {
  readonly update: (done: number, total?: number) => void;
  readonly end: () => void;
}

function progressNote(text: (done: number, total: number | undefined) => string): ProgressNote {
  let shown = 0;
  return {
    update(done, total) {
      const now = Date.now();
      if (shown > 0 && (!process.stderr.isTTY || now - shown < 200)) return;
      if (process.stderr.isTTY) noteInPlace(text(done, total));
      else note(text(done, total));
      shown = now;
    },
    end() {
      if (shown > 0 && process.stderr.isTTY) note('');
      shown = 0;
    },
  };
}

const downloadNote = (name: string): ProgressNote => {
  const size = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return progressNote(
    (received, total) =>
      `Downloading ${name}: ${size(received)}${total === undefined ? '' : ` of ${size(total)}`} MB`,
  );
};

const countNote = (what: string): ProgressNote =>
  progressNote((done, total) => `${what}: ${done} of ${total ?? '?'}`);
