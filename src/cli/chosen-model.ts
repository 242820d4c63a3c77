/** From flags to the model that is trained, built in or in a file, and what trains its first layer. */
import type { Command } from 'commander';
import type { ImageDataset } from '../data/dataset.js';
import { createModel, modelOptions } from '../models/registry.js';
import type { Model } from '../nn/model.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { tract } from '../tract/tract.js';
import { loadModel } from '../train/load-model.js';
import { datasetFacts, isDatasetName } from './dataset-names.js';
import { UsageError } from './errors.js';
import { longFlag } from './flags.js';
import { transformsOf } from './optimization.js';
import { tractOptionsOf } from './tract-flags.js';
import { type TrainFlags, isModelFile } from './train-flags.js';

/** The flags that set an option of a model, by the option's name. */
const modelFlags = [
  'width',
  'depth',
  'stem',
  'patch',
  'heads',
  'mlpRatio',
  'dropPath',
  'zeroInitResidual',
  'whitening',
] as const;

/**
 * The model that the flags describe.
 *
 * @param dataset what it is for, where that is not known by its name; before it is, the flags alone are checked
 * @throws UsageError, OptionError
 */
function modelFrom(flags: TrainFlags, command: Command, dataset?: ImageDataset): Model {
  for (const key of ['head', 'batchNorm'] as const) {
    if (flags[key] !== undefined)
      throw new UsageError(`${longFlag(command, key)} is for models in .onnx files, not for ${flags.model}`);
  }
  const config = modelOptions(flags.model);
  const given = modelFlags.filter((key) => flags[key] !== undefined);
  const foreign = given.find((key) => !(key in config));
  if (foreign !== undefined) {
    const own = modelFlags.filter((key) => key in config).map((key) => longFlag(command, key));
    throw new UsageError(
      `${longFlag(command, foreign)} is no option of ${flags.model}, which has ${own.join(', ')}`,
    );
  }
  const options = Object.fromEntries(given.map((key) => [key, flags[key]]));
  if (isDatasetName(flags.data)) return createModel(flags.model, { ...datasetFacts[flags.data], ...options });
  return createModel(flags.model, { ...(dataset && factsOf(dataset, config)), ...options });
}

/** What a model has to know of the pictures of a folder. */
function factsOf({ classNames, imageShape: [, imageSize] }: ImageDataset, config: Model['config']) {
  // Patches of 4 pixels would be thousands in a photograph.
  const patch = 'patch' in config && imageSize > LARGEST_SMALL ? { patch: PHOTO_PATCH } : {};
  return { classes: classNames.length, imageSize, ...patch };
}

/** Images up to this size are cut into the small patches that models take by default. */
const LARGEST_SMALL = 64;
const PHOTO_PATCH = 16;

/** The model, where the flags alone say which; what is wrong with them is then said before anything is read. */
export function knownModel(flags: TrainFlags, command: Command): Model | undefined {
  return !isModelFile(flags.model) && isDatasetName(flags.data) ? modelFrom(flags, command) : undefined;
}

/** The model for a dataset, built in or in a file. @throws UsageError, OptionError, GraphError */
export async function modelFor(flags: TrainFlags, command: Command, dataset: ImageDataset): Promise<Model> {
  return isModelFile(flags.model) ? modelInFile(flags, command, dataset) : modelFrom(flags, command, dataset);
}

/** What was read already: the points of a grid may have one model, and files are large. */
const loaded = new Map<string, Promise<Model>>();

/**
 * The model in the file that the flags name, of as many classes as the data have.
 *
 * @throws UsageError, OptionError, GraphError
 */
async function modelInFile(
  flags: TrainFlags,
  command: Command,
  { classNames, imageShape: [channels, height, width] }: ImageDataset,
): Promise<Model> {
  const foreign = modelFlags.find((key) => flags[key] !== undefined);
  if (foreign !== undefined)
    throw new UsageError(`${longFlag(command, foreign)} is no option of a model in a file`);
  const { head, batchNorm } = flags;
  const options = {
    classes: classNames.length,
    imageSize: [height, width] as const,
    channels,
    ...(head !== undefined && { head }),
    ...(batchNorm !== undefined && { batchNorm }),
  };
  const key = JSON.stringify([flags.model, options]);
  const found = loaded.get(key) ?? loadModel(flags.model, options);
  loaded.set(key, found);
  return found;
}

/** What the flags train: the model, with TrAct if they say so. @throws OptionError */
export function trainableFrom(own: Model, flags: TrainFlags, dataset: ImageDataset): Trainable {
  const model = { model: own, transforms: transformsOf(flags) };
  if (flags.tract === undefined && flags.tractLayer === undefined) return trainable(model);
  return tract(model, {
    ...(flags.tract !== undefined && { lambda: flags.tract }),
    ...tractOptionsOf(flags, dataset),
  });
}
