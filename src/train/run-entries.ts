/** What a run of several processes is made of, as far as they can be given different things. */
import type { ImageDataset } from '../data/dataset.js';
import {
  type ImageShape,
  type Images,
  imageCount,
  imageSize,
  labelsOf,
  shapeOf,
  sourceOf,
  unreadable,
} from '../data/image-source.js';
import type { Trainable } from '../optim/trainable.js';
import { digest } from '../tensor/digest.js';
import type { RunOptions, TrainerOptions } from './options.js';
import { describeRun } from './run-config.js';
import type { Progress } from './progress.js';

/** Images of a split that are looked at. */
const LOOKED_AT = 64;

/** What is trained, how, and where the run stands. */
interface Begun {
  readonly trainable: Trainable;
  readonly options: TrainerOptions;
  readonly progress: Progress;
}

/** By what a user knows them by; always the same entries, in the same order. @throws DataError for an unreadable image */
export async function runEntries(
  { trainable, options, progress }: Begun,
  dataset: ImageDataset,
  run: RunOptions,
): Promise<Record<string, unknown>> {
  const { data, model, tract, transforms, groups, optimizer, schedule, ...rest } = describeRun(
    trainable,
    options,
    dataset,
    run,
  );
  const { batchSize, shards, seed, labelSmoothing, epochs, maxSteps, augmentation } = rest;
  const { train, validation, test, imageShape } = dataset;
  return {
    dataset: data,
    'training images': await fingerprint(train, imageShape),
    'validation images': validation && (await fingerprint(validation, imageShape)),
    'test images': await fingerprint(test, imageShape),
    model,
    setting: tract,
    'gradient transforms': transforms,
    'parameter groups': groups,
    optimizer,
    'learning rate': schedule,
    ...{ 'batch size': batchSize, 'number of shards': shards, seed, 'label smoothing': labelSmoothing },
    ...{ epochs, 'most steps': maxSteps, augmentation, 'steps between evaluations': run.evaluateEvery },
    'beginning of the run': progress,
  };
}

/** How many images there are, and a sum of all labels and of some images: two copies of a dataset have the same. */
async function fingerprint(images: Images, shape: ImageShape): Promise<{ images: number; checksum: string }> {
  const count = imageCount(images);
  const source = sourceOf(images, shape);
  const sums = [digest(new Uint8Array(Int32Array.from(labelsOf(images)).buffer))];
  for (let i = 0; i < Math.min(count, LOOKED_AT); i++) {
    const index = Math.floor((i * count) / Math.min(count, LOOKED_AT));
    const picture = new Uint8Array(imageSize(shapeOf(source, index, shape)));
    try {
      await source.read(index, picture);
    } catch (error) {
      throw unreadable(index, error);
    }
    sums.push(digest(picture));
  }
  const words = digest(new Uint8Array(Int32Array.from(sums.flatMap((sum) => [...sum])).buffer));
  return { images: count, checksum: [...words].map((word) => (word >>> 0).toString(16)).join('') };
}
