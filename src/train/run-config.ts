/** What a run was started with: all it takes to build the same model, optimizer and schedule again. */
import { type ImageDataset, type SetAside, imageCount } from '../data/dataset.js';
import type { Augmentation } from '../data/loader.js';
import { GraphError } from '../graph/graph.js';
import { createModel, models } from '../models/registry.js';
import type { ConfigValue, Model, TractSetting } from '../nn/model.js';
import type { Optimizer } from '../optim/optimizer.js';
import { createOptimizer, createSchedule, optimizers, schedules } from '../optim/registry.js';
import type { Schedule } from '../optim/schedule.js';
import { FirstLayerError } from '../tract/first-layer.js';
import type { Lambda } from '../tract/lambda.js';
import { tract } from '../tract/tract.js';
import * as check from './json-check.js';
import type { Standardization } from './state.js';
import type { FitOptions, TrainerOptions } from './options.js';
import { type Progress, totalSteps } from './progress.js';

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
 * @throws CheckpointError for a model that is none of this package's, or a value that it or TrAct cannot take
 */
export function modelOf(config: RunConfig): Model {
  const made = plainModelOf(config);
  const { tract: setting } = config;
  return setting ? building('tract', () => tract(made, setting)) : made;
}

/** The model of a run without TrAct; other than that it is `modelOf`, and costs next to nothing. */
export function plainModelOf({ model: { name, config } }: RunConfig): Model {
  return building('model', () => createModel(name, config));
}

/**
 * What a run's Trainer was made with.
 *
 * @throws CheckpointError for an optimizer or a schedule that is none of this package's, or values it cannot take
 */
export function trainerOptionsOf(config: RunConfig): TrainerOptions {
  const { batchSize, seed, labelSmoothing } = config;
  return { optimizer: optimizerOf(config), schedule: scheduleOf(config), batchSize, seed, labelSmoothing };
}

const optimizerOf = ({ optimizer: { name, config } }: RunConfig): Optimizer =>
  building('optimizer', () => createOptimizer(name, config));

const scheduleOf = ({ schedule: { name, config } }: RunConfig): Schedule => {
  const { lr = NaN, ...others } = config;
  return building('schedule', () => createSchedule(name, { ...others, lr }));
};

/** Builds what an entry of a configuration describes; what is wrong with it is said with the entry's name. */
function building<T>(entry: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof FirstLayerError || error instanceof GraphError)) {
      throw error;
    }
    throw new check.CheckpointError(`${entry}: ${error.message}`, { cause: error });
  }
}

/** What a run's `fit` was called with. */
export function fitOptionsOf({ epochs, maxSteps, augmentation }: RunConfig): FitOptions {
  return { epochs, augmentation, ...(maxSteps === null ? {} : { maxSteps }) };
}

/** The steps of an epoch: batches are full, and what is left over is not used. */
export function stepsPerEpochOf({ data, batchSize }: RunConfig): number {
  return Math.floor(data.trainImages / batchSize);
}

/** The steps of a whole run that stands where `progress` says. */
export function stepsOf(config: RunConfig, progress: Progress): number {
  const { epochs, maxSteps } = config;
  return totalSteps(progress, stepsPerEpochOf(config), epochs, maxSteps ?? Infinity);
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
 * Checks a configuration that was read from a file: every entry by itself, and whether they go together. A model, an
 * optimizer or a schedule of a name that this package does not know is its user's own, and is left to them.
 *
 * @throws CheckpointError naming the first entry that is wrong, and what it may be
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
  const trainImages = check.integer(data.trainImages, 'data.trainImages', 1);
  // A batch is full, so that there is none without so many images.
  const batchSize = check.integer(config.batchSize, 'batchSize', 1, trainImages);
  const mostEpochs = Math.floor(Number.MAX_SAFE_INTEGER / Math.floor(trainImages / batchSize));
  const parsed: RunConfig = {
    data: {
      name: check.text(data.name, 'data.name'),
      classNames: check.list(data.classNames, 'data.classNames', check.text),
      trainImages,
      ...parseValidation(data),
      testImages: check.integer(data.testImages, 'data.testImages', 1),
      mean: check.list(data.mean, 'data.mean', parseMean),
      deviation: check.list(data.deviation, 'data.deviation', parseDeviation),
    },
    model: named('model', configValue),
    tract: check.nullable(config.tract, 'tract', parseTract),
    optimizer: named('optimizer', numberOrFlag),
    schedule: named('schedule', check.number),
    batchSize,
    seed: check.integer(config.seed, 'seed', Number.MIN_SAFE_INTEGER),
    labelSmoothing: check.numberIn(
      config.labelSmoothing,
      'labelSmoothing',
      'a number of at least 0 and below 1',
      (share) => share >= 0 && share < 1,
    ),
    epochs: check.integer(config.epochs, 'epochs', 1, mostEpochs),
    maxSteps: check.nullable(config.maxSteps, 'maxSteps', (steps, place) => check.integer(steps, place, 1)),
    augmentation: check.nullable(config.augmentation, 'augmentation', parseAugmentation),
  };
  checkTogether(parsed);
  return parsed;
}

function checkTogether(config: RunConfig): void {
  if ((optimizers as readonly string[]).includes(config.optimizer.name)) optimizerOf(config);
  if ((schedules as readonly string[]).includes(config.schedule.name)) scheduleOf(config);
  if (!models.has(config.model.name)) return;
  const { classes, imageShape } = plainModelOf(config);
  const lengths = [
    ['classNames', classes, 'classes'],
    ['mean', imageShape[0], 'channels'],
    ['deviation', imageShape[0], 'channels'],
  ] as const;
  for (const [key, count, what] of lengths) {
    const { length } = config.data[key];
    if (length === count) continue;
    throw new check.CheckpointError(
      `data.${key} must have one entry for each of the model's ${count} ${what}, but has ${length}`,
    );
  }
}

/** What a rounding error may add to the mean of white images. */
const ROUNDING = 1e-6;

/** Of pixel values from 0 to 1. */
function parseMean(value: unknown, place: string): number {
  return check.numberIn(
    value,
    place,
    'a number from 0 to 1',
    (mean) => mean >= -ROUNDING && mean <= 1 + ROUNDING,
  );
}

/** Of pixel values from 0 to 1, which are divided by it in float32: it has to be a normal number there. */
function parseDeviation(value: unknown, place: string): number {
  return check.numberIn(
    value,
    place,
    'a number above 0 and at most 1',
    (deviation) => Math.fround(deviation) >= 2 ** -126 && deviation <= 1,
  );
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
  const positive = (number: unknown, place: string): number =>
    check.numberIn(number, place, 'a number above 0', (lambda) => lambda > 0);
  if (typeof value === 'number') return positive(value, 'tract.lambda');
  const { relative } = check.record(value, 'tract.lambda');
  return { relative: positive(relative, 'tract.lambda.relative') };
}

function parseAugmentation(value: unknown, place: string): Augmentation {
  const { cropPadding, horizontalFlip } = check.record(value, place);
  return {
    cropPadding: check.integer(cropPadding, 'augmentation.cropPadding', 0, LARGEST_OPTION),
    horizontalFlip: check.flag(horizontalFlip, 'augmentation.horizontalFlip'),
  };
}
