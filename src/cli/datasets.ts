/** The datasets of the command. */
import { cifar10, cifar100 } from '../data/cifar.js';
import { type ImageDataset, type SetAside, limit } from '../data/dataset.js';
import { inWorker } from '../data/in-worker.js';
import { shapes } from '../data/shapes.js';
import { splitValidation } from '../data/split-validation.js';
import { type DataConfig, wholeTrainImages } from '../train/run-config.js';
import type { DatasetName } from './dataset-names.js';
import { note, noteInPlace } from './terminal.js';

export interface DatasetRequest {
  readonly name: DatasetName;
  readonly dir?: string | undefined;
  readonly limitTrain?: number | undefined;
  readonly limitTest?: number | undefined;
  /** Of the training images that are left, those for validation. */
  readonly setAside?: SetAside | undefined;
  /** Ends a download; a later one goes on from there. */
  readonly signal?: AbortSignal;
}

/**
 * Reads, draws or downloads a dataset, cut down to what is asked for.
 *
 * @throws DataError when that fails, when there are fewer images than asked for, or when none would be left to train on
 */
export async function loadDataset(request: DatasetRequest): Promise<ImageDataset> {
  const { name, dir, limitTrain: train, limitTest: test, signal } = request;
  const limited = limit(await whole(), { ...(train && { train }), ...(test && { test }) });
  return request.setAside ? splitValidation(limited, request.setAside) : limited;

  async function whole(): Promise<ImageDataset> {
    if (name === 'shapes') return inWorker(drawn(train, test));
    const download = downloadNote(name);
    const read = name === 'cifar10' ? cifar10 : cifar100;
    const dataset = await read({ ...(dir !== undefined && { dir }), ...(signal && { signal }), ...download });
    download.end();
    return dataset;
  }
}

/** What to ask for to get the dataset of a run again, image by image. */
export function datasetOfRun(
  data: DataConfig,
): Pick<DatasetRequest, 'limitTrain' | 'limitTest' | 'setAside'> {
  return { limitTrain: wholeTrainImages(data), limitTest: data.testImages, setAside: data.setAside };
}

/** Draws no more images than are wanted; a limit above the whole is left to `limit` to refuse. */
function drawn(train: number | undefined, test: number | undefined): ImageDataset {
  return shapes({
    ...(train !== undefined && train <= 10_000 && { train }),
    ...(test !== undefined && test <= 2_000 && { test }),
  });
}

/** Tells on stderr how a download goes on: on a terminal in place, elsewhere once. */
function downloadNote(name: string): { onProgress(received: number, total?: number): void; end(): void } {
  let shown = 0;
  return {
    onProgress(received, total) {
      const now = Date.now();
      if (shown > 0 && (!process.stderr.isTTY || now - shown < 200)) return;
      const size = (bytes: number): string => (bytes / 1e6).toFixed(1);
      const text = `Downloading ${name}: ${size(received)}${total === undefined ? '' : ` of ${size(total)}`} MB`;
      if (process.stderr.isTTY) noteInPlace(text);
      else note(text);
      shown = now;
    },
    end() {
      if (shown > 0 && process.stderr.isTTY) note('');
    },
  };
}
