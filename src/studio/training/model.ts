/** From the page's settings to what is trained. */
import { randomCrop, randomHorizontalFlip } from '../../data/augment.js';
import { colorJitter } from '../../data/colour.js';
import type { ImageDataset } from '../../data/dataset.js';
import type { ImageTransform } from '../../data/image-transform.js';
import { randAugment } from '../../data/rand-augment.js';
import { randomErasing } from '../../data/random-erasing.js';
import { randomResizedCrop } from '../../data/resize.js';
import type { Tensors } from '../../engine/session.js';
import { createModel } from '../../models/registry.js';
import type { Model } from '../../nn/model.js';
import { createOptimizer, createSchedule } from '../../optim/registry.js';
import { type Trainable, trainable } from '../../optim/trainable.js';
import { sameShape } from '../../tensor/tensor.js';
import { tract } from '../../tract/tract.js';
import { loadModel } from '../../train/load-model.js';
import type { TrainerOptions } from '../../train/options.js';
import type { Method, Settings } from '../settings.js';
import { threads } from './threads.js';

/** @param file the bytes of an `.onnx` file, where the model is in one */
export async function modelFor(
  settings: Settings,
  { classNames, imageShape: [channels, height, width] }: ImageDataset,
  file: Uint8Array | undefined,
): Promise<Model> {
  const classes = classNames.length;
  if (settings.model === 'file') {
    if (!file) throw new Error('The model is to come from a file. Choose an .onnx file, or another model.');
    const options = { classes, channels, imageSize: [height, width] as const };
    const found = await loadModel(file, options);
    const { classNames: own, heads } = found.file;
    // Of other classes, or of the same in another order: what the head has learned says something else here.
    if (own?.length !== classes || own.every((name, i) => name === classNames[i])) return found;
    return loadModel(file, { ...options, head: heads.map(({ weight }) => weight) });
  }
  const { model, width: features } = settings;
  // Patches of 4 pixels would be thousands in a photograph.
  const patch = model === 'vit' && height > SMALL ? { patch: 8 } : {};
  return createModel(model, { classes, imageSize: height, width: features, ...patch });
}

/** Up to this size images are cut into patches of 4 pixels, and varied by a shift. */
const SMALL = 64;

export const givenFor = (model: Model, method: Method, { lambda }: Settings): Trainable =>
  method === 'tract' ? tract(model, { lambda }) : trainable(model);

export function trainerOptionsFor(settings: Settings): TrainerOptions {
  const { optimizer: name, schedule, learningRate: lr, warmup, weightDecay } = settings;
  const { batchSize, seed, labelSmoothing, mixup } = settings;
  return {
    optimizer: createOptimizer(
      name,
      createSchedule(schedule, { lr, ...(warmup > 0 && schedule !== 'one-cycle' && { warmup }) }),
      { ...(name === 'sgd' && { momentum: 0.9 }), ...(weightDecay > 0 && { weightDecay }) },
    ),
    batchSize,
    seed,
    labelSmoothing,
    ...(mixup && { mixing: { mixup: 0.2 } }),
    threads,
  };
}

/** Small images are shifted, of large ones a part is cut out. */
const cropFor = (size: number): ImageTransform =>
  size > SMALL
    ? randomResizedCrop({ size, scale: [0.35, 1] })
    : randomCrop({ padding: Math.floor(size / 8) });

const FLIP = randomHorizontalFlip().name;

/** What training images go through unless something else is chosen. */
export const usualAugmentation = (size: number): ImageTransform[] => [cropFor(size), randomHorizontalFlip()];

/**
 * What training images go through; `null` for images as they are. Crop and flip are the dataset's own, as they are for the
 * command.
 */
export function augmentationFor(
  settings: Settings,
  { augmentation }: Pick<ImageDataset, 'augmentation'>,
): readonly ImageTransform[] | null {
  const { crop, flip } = settings;
  const transforms = [
    ...augmentation.filter(({ name }) => (name === FLIP ? flip : crop)),
    ...(settings.randAugment ? [randAugment({ magnitude: 5 })] : []),
    ...(settings.colorJitter
      ? [colorJitter({ brightness: 0.3, contrast: 0.3, saturation: 0.3, hue: 0.05 })]
      : []),
    ...(settings.randomErasing ? [randomErasing({ probability: 0.25 })] : []),
  ];
  return transforms.length > 0 ? transforms : null;
}

/**
 * The weights of a file where they fit the model, its own where they do not: a head of another number of classes begins
 * anew.
 *
 * @throws Error for a file of which nothing fits, or whose batch normalisation the model has in its convolutions
 */
export function mergedWeights(
  own: Tensors,
  given: Tensors,
): { readonly weights: Tensors; readonly taken: number; readonly isNew: readonly string[] } {
  const fits = (name: string): boolean =>
    Object.hasOwn(given, name) &&
    given[name].dtype === own[name].dtype &&
    sameShape(given[name].shape, own[name].shape);
  const lost = Object.keys(given).find((name) => name.endsWith('.running_mean') && !Object.hasOwn(own, name));
  if (lost !== undefined)
    throw new Error(
      `The file of weights has batch normalisation (${lost}) that this model lacks, so that its convolutions mean something else; choose the model that they are of, exported for training.`,
    );
  const names = Object.keys(own);
  const isNew = names.filter((name) => !fits(name));
  if (isNew.length === names.length)
    throw new Error(
      `None of the ${Object.keys(given).length} tensors in the file of weights fits this model by name and shape; choose the model that they are of, with the same width.`,
    );
  return {
    weights: Object.fromEntries(names.map((name) => [name, fits(name) ? given[name] : own[name]])),
    taken: names.length - isNew.length,
    isNew,
  };
}
