/** The images of a run in the page. */
import { InlineLoader } from '../../data/batches.js';
import type { ImageDataset } from '../../data/dataset.js';
import type { ImageSource } from '../../data/image-source.js';
import type { Batch, BatchLoader, BatchPlan } from '../../data/loader.js';
import { shapes } from '../../data/shapes.js';
import type { DataSpec } from '../run-spec.js';
import type { OpenData } from './open-data.js';
import { openPictures } from './stored-pictures.js';

/** @throws Error for images that are not there any more */
export async function openData(spec: DataSpec): Promise<OpenData> {
  if (spec.kind === 'none') return noData(spec);
  if (spec.kind === 'pictures') return openPictures(spec.key);
  const { train, test } = spec;
  return {
    dataset: shapes({ train, test }),
    nameOf: (split, index) => `${split === 'test' ? 'test' : 'training'} image ${index}`,
    close: () => undefined,
  };
}

/** What is known of images that are not here. */
function noData({ reason, data, imageShape }: Extract<DataSpec, { kind: 'none' }>): OpenData {
  const { name, classNames, mean, deviation, trainImages, testImages } = data;
  const images = (count: number): ImageSource => ({
    count,
    label: () => 0,
    read: () => {
      throw new Error(reason);
    },
  });
  return {
    dataset: {
      ...{ name, classNames, imageShape, mean, deviation },
      augmentation: [],
      train: images(trainImages),
      test: images(testImages),
    },
    nameOf: (_, index) => `image ${index}`,
    close: () => undefined,
  };
}

/** The dataset, whose training batches are seen by somebody else, too, on their way to the step. */
export function watched(dataset: ImageDataset, onBatch: (batch: Batch) => void): ImageDataset {
  return {
    ...dataset,
    createLoader: (split, shape, options) => {
      const loader = dataset.createLoader?.(split, shape, options) ?? new InlineLoader(split, shape, options);
      return split === dataset.train ? new WatchedLoader(loader, onBatch) : loader;
    },
  };
}

class WatchedLoader implements BatchLoader {
  readonly #loader: BatchLoader;
  readonly #onBatch: (batch: Batch) => void;

  constructor(loader: BatchLoader, onBatch: (batch: Batch) => void) {
    this.#loader = loader;
    this.#onBatch = onBatch;
  }

  async *epoch(plan: BatchPlan): AsyncGenerator<Batch> {
    for await (const batch of this.#loader.epoch(plan)) {
      this.#onBatch(batch);
      yield batch;
    }
  }

  close(): Promise<void> {
    return this.#loader.close();
  }
}
