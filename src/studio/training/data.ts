/** The images of a run in the page. */
import { InlineLoader } from '../../data/batches.js';
import type { ImageDataset } from '../../data/dataset.js';
import type { Batch, BatchLoader, BatchPlan } from '../../data/loader.js';
import { shapes } from '../../data/shapes.js';
import type { DataSpec } from '../run-spec.js';
import type { OpenData } from './open-data.js';
import { openPictures } from './stored-pictures.js';

/** @throws Error for images that are not there any more */
export async function openData(spec: DataSpec): Promise<OpenData> {
  if (spec.kind === 'none') throw new Error(spec.reason);
  if (spec.kind === 'pictures') return openPictures(spec.key);
  const { train, test } = spec;
  return {
    dataset: shapes({ train, test }),
    nameOf: (split, index) => `${split === 'test' ? 'test' : 'training'} image ${index}`,
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
