/** What a run was started with: all it takes to build the same model, optimizer and schedule again. */
import { type ImageDataset, type SetAside, imageCount } from '../data/dataset.js';
import type { Augmentation } from '../data/loader.js';
import { createModel } from '../models/registry.js';
import type { ConfigValue, Model, TractSetting } from '../nn/model.js';
import { createOptimizer, createSchedule } from '../optim/registry.js';
import type { Lambda } from '../tract/lambda.js';
import { tract } from '../tract/tract.js';
import * as check from './json-check.js';
import type { Standardization } from './state.js';
import type { FitOptions, TrainerOptions } from './options.js';

/** The data, and how their pixels are standardised. */
export interface DataConfig extends Standardization {
  readonly name: string;
  readonly classNames: readonly string[];
  /** Images used of each split; those set aside are not counted as training images. */
  readonly trainImages: number;
  /** Absent where the run is followed on the test images, and nothing is chosen. */
  readonly validationImages?: number;
  /** Absent where no validation images were set aside of the training images. */
  readonly setAside?: SetAside;
  readonly testImages: number;
}

export interface RunConfig {
  readonly data: DataConfig;
  readonly model: { readonly name: string; readonly config: Readonly<Record<string, ConfigValue>> };
  /** `null` without TrAct. */
  readonly tract: TractSetting | null;
  readonly optimizer: {
    readonly name: string;
    readonly config: Readonly<Record<string, number | boolean>>;
  };
  readonly schedule: { readonly name: string; readonly config: Readonly<Record<string, number>> };
  readonly batchSize: number;
  readonly seed: number;
  readonly labelSmoothing: number;
  readonly epochs: number;
  /** `null` for no limit. */
  readonly maxSteps: number | null;
  /** `null` for none. */
  readonly augmentation: Augmentation | null;
}

/** Describes a run in the terms of a checkpoint. */
export function describeRun(
  model: Model,
  { optimizer, schedule, batchSize = 128, seed = 0, labelSmoothing = 0 }: TrainerOptions,
  dataset: ImageDataset,
  {
    epochs,
    maxSteps,
    augmentation = dataset.augmentation,
  }: Pick<FitOptions, 'epochs' | 'maxSteps' | 'augmentation'>,
): RunConfig {
  const { name, classNames, mean, deviation, train, validation, test, setAside } = dataset;
  return {
    data: {
      name,
      classNames,
      trainImages: imageCount(train),
      ...(validation && { validationImages: imageCount(validation) }),
      ...(validation && setAside && { setAside }),
      testImages: imageCount(test),
      mean,
      deviation,
    },
    model: { name: model.name, config: model.config },
    tract: model.tract ?? null,
    optimizer: { name: optimizer.name, config: optimizer.config },
    schedule: { name: schedule.name, config: schedule.config },
    batchSize,
    seed,
    labelSmoothing,
    epochs,
    maxSteps: maxSteps ?? null,
    augmentation,
  };
}

/**
 * The model of a run, with TrAct if it was used.
 *
 * @throws RangeError for a model that is none of this package's, or an option it does not have
 * @throws FirstLayerError where the model has no such layer as TrAct was used for
 */
export function modelOf({ model, tract: setting }: RunConfig): Model {
  const made = createModel(model.name, model.config);
  return setting ? tract(made, setting) : made;
}

/** What a run's Trainer was made with. @throws RangeError for values out of range */
export function trainerOptionsOf(config: RunConfig): TrainerOptions {
  const { optimizer, schedule, batchSize, seed, labelSmoothing } = config;
  const { lr = NaN, ...others } = schedule.config;
  return {
    optimizer: createOptimizer(optimizer.name, optimizer.config),
    schedule: createSchedule(schedule.name, { ...others, lr }),
    batchSize,
    seed,
    labelSmoothing,
  };
}

/** What a run's `fit` was called with. */
export function fitOptionsOf({ epochs, maxSteps, augmentation }: RunConfig): FitOptions {
  return { epochs, augmentation, ...(maxSteps === null ? {} : { maxSteps }) };
}

/** No option of a model is larger; a damaged file must not make one that takes all memory. */
const LARGEST_OPTION = 65_536;

const configValue = (value: unknown, place: string): ConfigValue => {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  const option = check.number(value, place);
  if (Math.abs(option) > LARGEST_OPTION) {
    throw new check.CheckpointError(`${place} must be at most ${LARGEST_OPTION}, but is ${option}`);
  }
  return option;
};

const numberOrFlag = (value: unknown, place: string): number | boolean =>
  typeof value === 'boolean' ? value : check.number(value, place);

/**
 * Checks a configuration that was read from a file.
 *
 * @throws CheckpointError naming the first entry that is wrong
 */
export function parseRunConfig(value: unknown): RunConfig {
  const config = check.record(value, 'config');
  const data = check.record(config.data, 'data');
  const named = <T>(key: string, element: (value: unknown, place: string) => T) => {
    const entry = check.record(config[key], key);
    return {
      name: check.text(entry.name, `${key}.name`),
      config: check.dictionary(entry.config, `${key}.config`, element),
    };
  };
  return {
    data: {
      name: check.text(data.name, 'data.name'),
      classNames: check.list(data.classNames, 'data.classNames', check.text),
      trainImages: check.integer(data.trainImages, 'data.trainImages', 1),
      ...parseValidation(data),
      testImages: check.integer(data.testImages, 'data.testImages', 1),
      mean: check.list(data.mean, 'data.mean', check.number),
      deviation: check.list(data.deviation, 'data.deviation', check.number),
    },
    model: named('model', configValue),
    tract: check.nullable(config.tract, 'tract', parseTract),
    optimizer: named('optimizer', numberOrFlag),
    schedule: named('schedule', check.number),
    batchSize: check.integer(config.batchSize, 'batchSize', 1),
    seed: check.integer(config.seed, 'seed', Number.MIN_SAFE_INTEGER),
    labelSmoothing: check.number(config.labelSmoothing, 'labelSmoothing'),
    epochs: check.integer(config.epochs, 'epochs', 1),
    maxSteps: check.nullable(config.maxSteps, 'maxSteps', (steps, place) => check.integer(steps, place, 1)),
    augmentation: check.nullable(config.augmentation, 'augmentation', parseAugmentation),
  };
}

/** Configurations of runs without validation images have neither entry. */
function parseValidation({
  validationImages,
  setAside,
}: Readonly<Record<string, unknown>>): Pick<DataConfig, 'validationImages' | 'setAside'> {
  if (validationImages === undefined && setAside === undefined) return {};
  const images = { validationImages: check.integer(validationImages, 'data.validationImages', 1) };
  if (setAside === undefined) return images;
  const { share, seed } = check.record(setAside, 'data.setAside');
  const part = check.number(share, 'data.setAside.share');
  if (!(part > 0 && part < 1)) {
    throw new check.CheckpointError(`data.setAside.share must be above 0 and below 1, but is ${part}`);
  }
  return {
    ...images,
    setAside: { share: part, seed: check.integer(seed, 'data.setAside.seed', Number.MIN_SAFE_INTEGER) },
  };
}

/** The number of training images that a run's dataset has before any are set aside. */
export function wholeTrainImages({ trainImages, validationImages = 0, setAside }: DataConfig): number {
  return setAside ? trainImages + validationImages : trainImages;
}

function parseTract(value: unknown, place: string): TractSetting {
  const { layer, lambda } = check.record(value, place);
  return { layer: check.text(layer, 'tract.layer'), lambda: parseStoredLambda(lambda) };
}

function parseStoredLambda(value: unknown): Lambda {
  if (typeof value === 'number') return check.number(value, 'tract.lambda');
  const { relative } = check.record(value, 'tract.lambda');
  return { relative: check.number(relative, 'tract.lambda.relative') };
}

function parseAugmentation(value: unknown, place: string): Augmentation {
  const { cropPadding, horizontalFlip } = check.record(value, place);
  return {
    cropPadding: check.integer(cropPadding, 'augmentation.cropPadding', 0),
    horizontalFlip: check.flag(horizontalFlip, 'augmentation.horizontalFlip'),
  };
}
