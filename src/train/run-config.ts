/** What a run was started with: all it takes to build the same model, optimizer and schedule again. */
import { type ImageDataset, type SetAside, imageCount } from '../data/dataset.js';
import type { FolderConfig } from '../data/folder/folder-config.js';
import type { ImageTransform } from '../data/image-transform.js';
import {
  type StoredAugmentation,
  type StoredTransform,
  createImageTransform,
  isImageTransformName,
  storedAugmentation,
  storedTransforms,
  transformsOf,
} from '../data/image-transforms.js';
import { checkClassWeights } from '../data/class-weights.js';
import { type Mixing, checkMixing } from '../data/mixing.js';
import { quote } from '../tensor/shorten.js';
import { GraphError } from '../graph/graph.js';
import { createModel, models } from '../models/registry.js';
import type { ConfigValue, Model } from '../nn/model.js';
import { type TestViews, testViews } from '../nn/test-views.js';
import { type ParameterGroup, type Selector, selects } from '../optim/groups.js';
import { groupedParameters } from '../optim/model-groups.js';
import type { Optimizer } from '../optim/optimizer.js';
import { createOptimizer, createSchedule, isOptimizerName, schedules } from '../optim/registry.js';
import type { Schedule } from '../optim/schedule.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import type { GradientTransform, Json } from '../optim/transform.js';
import { createTransform } from './transforms.js';
import { FirstLayerError } from '../tract/first-layer.js';
import type { Lambda } from '../tract/lambda.js';
import { tract, tractSetting } from '../tract/tract.js';
import * as check from './json-check.js';
import { type ResolutionStage, checkStages } from './progressive.js';
import type { TrainingStage } from './stages.js';
import type { Standardization } from './state.js';
import type { RunOptions, TrainerOptions } from './options.js';
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
  /** Absent where the images are no pictures of a folder. */
  readonly folder?: FolderConfig;
  readonly testImages: number;
  /** What every image goes through. Absent where it is taken as it is. */
  readonly preprocessing?: readonly StoredTransform[];
  /** What images that are not augmented go through then. Absent where there is nothing. */
  readonly evaluation?: readonly StoredTransform[];
}

/** TrAct's setting: for which layers, and how strongly their Gram matrices are regularised. */
export interface TractSetting {
  /** The path of the layer, such as `conv1`, or of several. */
  readonly layer: string | readonly string[];
  readonly lambda: Lambda;
}

/** What a name and a configuration describe, such as an optimizer. */
export interface Described<Value> {
  readonly name: string;
  readonly config: Readonly<Record<string, Value>>;
}

/** A parameter group with the names that it selects. */
export type GroupConfig = Pick<ParameterGroup, 'trainable' | 'learningRateFactor' | 'weightDecay'> & {
  readonly parameters: readonly string[];
  readonly optimizer?: Described<number | boolean>;
  readonly schedule?: Described<number>;
};

/** A stage with the names that it selects; without them it trains all. */
export type StageConfig = Pick<TrainingStage, 'epochs' | 'learningRateFactor'> & {
  readonly parameters?: readonly string[];
};

/** The model by the name and configuration that a file has. @throws OptionError where there is none */
export type ModelMaker = (name: string, config: Readonly<Record<string, ConfigValue>>) => Model;

/** What a run was started with, as a checkpoint holds it. */
export interface RunConfig {
  readonly data: DataConfig;
  readonly model: Described<ConfigValue>;
  /** `null` without TrAct. */
  readonly tract: TractSetting | null;
  /** The gradient transforms behind TrAct, in their order. Absent where there are none. */
  readonly transforms?: readonly Described<Json>[];
  /** Absent where all parameters are trained alike. */
  readonly groups?: readonly GroupConfig[];
  /** Absent where all epochs train the same parameters. */
  readonly stages?: readonly StageConfig[];
  /** Absent where no mean of the weights is kept. */
  readonly emaDecay?: number;
  /** Absent where images have their own size throughout. */
  readonly progressive?: readonly ResolutionStage[];
  /** Absent where images are evaluated as they are. */
  readonly testViews?: TestViews;
  readonly optimizer: Described<number | boolean>;
  readonly schedule: Described<number>;
  readonly batchSize: number;
  /** Absent where a batch is one piece. */
  readonly shards?: number;
  readonly seed: number;
  readonly labelSmoothing: number;
  /** Absent where all classes count alike. */
  readonly classWeights?: readonly number[];
  /** How the images of batches are mixed. Absent where they are not. */
  readonly mixing?: Mixing;
  readonly epochs: number;
  /** `null` for no limit. */
  readonly maxSteps: number | null;
  /** How training images are varied; `null` for not at all. */
  readonly augmentation: StoredAugmentation | null;
}

/** Describes a run in the terms of a checkpoint. */
export function describeRun(
  given: Model | Trainable,
  options: TrainerOptions,
  dataset: ImageDataset,
  {
    epochs,
    maxSteps,
    augmentation = dataset.augmentation,
  }: Pick<RunOptions, 'epochs' | 'maxSteps' | 'augmentation'>,
): RunConfig {
  const {
    optimizer,
    stages,
    emaDecay,
    progressive = [],
    testViews = 'none',
    batchSize = 128,
    shards = 1,
    seed = 0,
    labelSmoothing = 0,
  } = options;
  const { name, classNames, mean, deviation, train, validation, test, setAside } = dataset;
  const { preprocessing = [], evaluation = [], folder } = dataset;
  const { model, transforms } = trainable(given);
  const groups = typeof options.groups === 'function' ? options.groups(model) : (options.groups ?? []);
  const setting = tractSetting(given);
  const [first, ...others] = transforms;
  const rest = setting && first.name === 'tract' ? others : transforms;
  return {
    data: {
      name,
      classNames,
      trainImages: imageCount(train),
      ...(validation && { validationImages: imageCount(validation) }),
      ...(validation && setAside && { setAside }),
      ...(folder && { folder }),
      testImages: imageCount(test),
      mean,
      deviation,
      ...(preprocessing.length > 0 && { preprocessing: storedTransforms(preprocessing) }),
      ...(evaluation.length > 0 && { evaluation: storedTransforms(evaluation) }),
    },
    model: { name: model.name, config: model.config },
    tract: setting ? storedTract(setting) : null,
    ...(rest.length > 0 && { transforms: rest.map((one) => ({ name: one.name, config: one.config })) }),
    ...(groups.length > 0 && { groups: groups.map((group) => describeGroup(group, model, optimizer)) }),
    ...(stages && { stages: stages.map((stage) => describeStage(stage, model)) }),
    ...(emaDecay !== undefined && { emaDecay }),
    ...(progressive.length > 0 && { progressive: progressive.map(({ size, until }) => ({ size, until })) }),
    ...(testViews !== 'none' && { testViews }),
    optimizer: { name: optimizer.name, config: optimizer.config },
    schedule: { name: optimizer.schedule.name, config: optimizer.schedule.config },
    batchSize,
    ...(shards > 1 && { shards }),
    seed,
    labelSmoothing,
    ...(options.classWeights && { classWeights: options.classWeights }),
    ...(options.mixing && { mixing: options.mixing }),
    epochs,
    maxSteps: maxSteps ?? null,
    augmentation: augmentation && storedAugmentation(augmentation),
  };
}

/** Layers by their paths: all that a checkpoint of one layer ever held. */
function storedTract({
  weights,
  lambda,
}: {
  readonly weights: readonly string[];
  readonly lambda: Lambda;
}): TractSetting {
  const layers = weights.map((weight) => weight.replace(/\.weight$/, ''));
  return { layer: layers.length === 1 ? layers[0] : layers, lambda };
}

/** A group's selector may be a function, which no file holds; the names that it selects say the same. */
function describeGroup(group: ParameterGroup, model: Model, common: Optimizer): GroupConfig {
  const { parameters, trainable, learningRateFactor, weightDecay, optimizer } = group;
  return {
    parameters: selectedNames(parameters, model),
    ...(trainable !== undefined && { trainable }),
    ...(learningRateFactor !== undefined && { learningRateFactor }),
    ...(weightDecay !== undefined && { weightDecay }),
    ...(optimizer &&
      optimizer !== common && {
        optimizer: { name: optimizer.name, config: optimizer.config },
        schedule: { name: optimizer.schedule.name, config: optimizer.schedule.config },
      }),
  };
}

function describeStage({ parameters, epochs, learningRateFactor }: TrainingStage, model: Model): StageConfig {
  return {
    ...(parameters !== undefined && { parameters: selectedNames(parameters, model) }),
    epochs,
    ...(learningRateFactor !== undefined && { learningRateFactor }),
  };
}

const selectedNames = (selector: Selector, model: Model): string[] =>
  groupedParameters(model)
    .filter(selects(selector))
    .map(({ name }) => name);

/** What of a run no file holds, because it is its user's own; only what the package does not know has to be given. */
export interface OwnParts {
  readonly model?: Model;
  readonly optimizer?: Optimizer;
  readonly transforms?: readonly GradientTransform[];
}

/**
 * The model of a run.
 *
 * @param make makes models by name. Default: those of this package
 * @throws CheckpointError for a model that is none of these, or a value that it cannot take
 */
export function modelOf({ model: { name, config } }: RunConfig, make: ModelMaker = createModel): Model {
  return building('model', () => make(name, config));
}

/**
 * What a run trains: its model with TrAct and the other transforms.
 *
 * @throws CheckpointError for a layer that the model does not have, or a transform that has to be given
 */
export function trainableOf(
  config: RunConfig,
  model: Model,
  own: readonly GradientTransform[] = [],
): Trainable {
  const { tract: setting, transforms = [] } = config;
  const given = setting ? building('tract', () => tract(model, setting)) : trainable(model);
  const others = transforms.map(({ name, config: options }) => {
    const found = own.find((one) => one.name === name);
    return found ?? building('transforms', () => createTransform(name, options));
  });
  return { model, transforms: [...given.transforms, ...others] };
}

/** @throws CheckpointError for sizes of images that are none, or that the model does not take */
export function checkProgressive({ progressive = [] }: RunConfig, model: Model): void {
  building('progressive', () => {
    checkStages(progressive, model);
  });
}

/**
 * What a run's Trainer was made with.
 *
 * @throws CheckpointError for an optimizer or a schedule that is none of this package's, or values it cannot take
 */
export function trainerOptionsOf(config: RunConfig, own: OwnParts = {}): TrainerOptions {
  const { batchSize, shards, seed, labelSmoothing, classWeights, groups, emaDecay, mixing } = config;
  const { progressive, testViews, stages } = config;
  return {
    optimizer: own.optimizer ?? optimizerOf(config),
    ...(groups && {
      groups: groups.map(({ parameters, optimizer, schedule, ...group }) => ({
        ...group,
        parameters: named(parameters),
        ...(optimizer && schedule && { optimizer: optimizerOf({ optimizer, schedule }) }),
      })),
    }),
    ...(stages && {
      stages: stages.map(({ parameters, ...stage }) => ({
        ...stage,
        ...(parameters && { parameters: named(parameters) }),
      })),
    }),
    ...(emaDecay !== undefined && { emaDecay }),
    ...(progressive && { progressive }),
    ...(testViews && { testViews }),
    batchSize,
    ...(shards !== undefined && { shards }),
    seed,
    labelSmoothing,
    ...(classWeights && { classWeights }),
    ...(mixing && { mixing }),
  };
}

/** A name may look like a kind, a path or a pattern; it means the parameter of that name. */
const named =
  (names: readonly string[]): Selector =>
  ({ name }) =>
    names.includes(name);

const optimizerOf = (config: Pick<RunConfig, 'optimizer' | 'schedule'>): Optimizer =>
  building('optimizer', () =>
    createOptimizer(config.optimizer.name, scheduleOf(config), config.optimizer.config),
  );

const scheduleOf = ({ schedule: { name, config } }: Pick<RunConfig, 'schedule'>): Schedule => {
  const { lr = NaN, ...others } = config;
  return building('schedule', () => createSchedule(name, { ...others, lr }));
};

/** Builds what an entry of a configuration describes; what is wrong with it is said with the entry's name. */
export function building<T>(entry: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof FirstLayerError || error instanceof GraphError)) {
      throw error;
    }
    throw new check.CheckpointError(`${entry}: ${error.message}`, { cause: error });
  }
}

/**
 * What a run's loop was called with.
 *
 * @param own transforms of images that are not this package's, found by their names and options
 * @throws CheckpointError for a transform that is neither this package's nor among these
 */
export function runOptionsOf(
  { epochs, maxSteps, augmentation }: RunConfig,
  own: readonly ImageTransform[] = [],
): RunOptions {
  return {
    epochs,
    augmentation: augmentation && building('augmentation', () => transformsOf(augmentation, own)),
    ...(maxSteps === null ? {} : { maxSteps }),
  };
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
  const named = <T>(key: string, element: (value: unknown, place: string) => T): Described<T> =>
    describedAt(config[key], key, element);
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
      ...(data.folder !== undefined && { folder: parseFolder(data.folder) }),
      testImages: check.integer(data.testImages, 'data.testImages', 1),
      mean: check.list(data.mean, 'data.mean', parseMean),
      deviation: check.list(data.deviation, 'data.deviation', parseDeviation),
      ...(data.preprocessing !== undefined && {
        preprocessing: check.list(data.preprocessing, 'data.preprocessing', parseTransform),
      }),
      ...(data.evaluation !== undefined && {
        evaluation: check.list(data.evaluation, 'data.evaluation', parseTransform),
      }),
    },
    model: modelAt(named('model', configValue)),
    tract: check.nullable(config.tract, 'tract', parseTract),
    ...(config.transforms !== undefined && {
      transforms: check.list(config.transforms, 'transforms', (one, place) => describedAt(one, place, json)),
    }),
    ...(config.groups !== undefined && { groups: check.list(config.groups, 'groups', parseGroup) }),
    ...(config.stages !== undefined && {
      stages: parseStages(config.stages),
    }),
    ...(config.emaDecay !== undefined && {
      emaDecay: check.numberIn(
        config.emaDecay,
        'emaDecay',
        'a number above 0 and below 1',
        (decay) => decay > 0 && decay < 1,
      ),
    }),
    ...(config.progressive !== undefined && {
      progressive: check.list(config.progressive, 'progressive', parseResolution),
    }),
    ...(config.testViews !== undefined && {
      testViews: check.oneOf(config.testViews, 'testViews', testViews),
    }),
    optimizer: named('optimizer', numberOrFlag),
    schedule: named('schedule', check.number),
    batchSize,
    ...(config.shards !== undefined && { shards: parseShards(config.shards, batchSize) }),
    seed: check.integer(config.seed, 'seed', Number.MIN_SAFE_INTEGER),
    labelSmoothing: check.numberIn(
      config.labelSmoothing,
      'labelSmoothing',
      'a number of at least 0 and below 1',
      (share) => share >= 0 && share < 1,
    ),
    ...(config.classWeights !== undefined && {
      classWeights: parseClassWeights(config.classWeights, data.classNames as readonly unknown[]),
    }),
    ...(config.mixing !== undefined && { mixing: parseMixing(config.mixing) }),
    epochs: check.integer(config.epochs, 'epochs', 1, mostEpochs),
    maxSteps: check.nullable(config.maxSteps, 'maxSteps', (steps, place) => check.integer(steps, place, 1)),
    augmentation: check.nullable(config.augmentation, 'augmentation', parseAugmentation),
  };
  checkTogether(parsed);
  return parsed;
}

function describedAt<T>(
  value: unknown,
  place: string,
  element: (value: unknown, place: string) => T,
): Described<T> {
  const { name, config } = check.record(value, place);
  return {
    name: check.text(name, `${place}.name`),
    config: check.dictionary(config, `${place}.config`, element),
  };
}

/** Until first layers were exchanged from outside, they were an option of the model. */
function modelAt({ name, config: { firstLayer = 'plain', ...config } }: Described<ConfigValue>) {
  return { name: firstLayer === 'plain' ? name : `${name}+${firstLayer}`, config };
}

/** Whatever JSON holds: who makes a transform of it checks it. */
const json = (value: unknown): Json => value as Json;

function parseGroup(value: unknown, place: string): GroupConfig {
  const group = check.record(value, place);
  const { parameters, trainable: trained, learningRateFactor, weightDecay, optimizer, schedule } = group;
  const notNegative = (number: unknown, name: string): number =>
    check.numberIn(number, `${place}.${name}`, 'a number of at least 0', (one) => one >= 0);
  return {
    parameters: check.list(parameters, `${place}.parameters`, check.text),
    ...(trained !== undefined && { trainable: check.flag(trained, `${place}.trainable`) }),
    ...(learningRateFactor !== undefined && {
      learningRateFactor: notNegative(learningRateFactor, 'learningRateFactor'),
    }),
    ...(weightDecay !== undefined && { weightDecay: notNegative(weightDecay, 'weightDecay') }),
    ...(optimizer !== undefined && {
      optimizer: describedAt(optimizer, `${place}.optimizer`, numberOrFlag),
      schedule: describedAt(schedule, `${place}.schedule`, check.number),
    }),
  };
}

function parseStages(value: unknown): StageConfig[] {
  const stages = check.list(value, 'stages', parseTrainingStage);
  if (stages.length > 0) return stages;
  throw new check.CheckpointError('stages must have an entry at least');
}

/** Whether a stage trains anything is checked when a trainer is made. */
function parseTrainingStage(value: unknown, place: string): StageConfig {
  const { parameters, epochs, learningRateFactor } = check.record(value, place);
  return {
    ...(parameters !== undefined && {
      parameters: check.list(parameters, `${place}.parameters`, check.text),
    }),
    epochs: check.integer(epochs, `${place}.epochs`, 1),
    ...(learningRateFactor !== undefined && {
      learningRateFactor: check.numberIn(
        learningRateFactor,
        `${place}.learningRateFactor`,
        'a number above 0',
        (factor) => factor > 0,
      ),
    }),
  };
}

/** Whether sizes are in order, and such as the model takes, is checked when a trainer is made. */
function parseResolution(value: unknown, place: string): ResolutionStage {
  const { size, until } = check.record(value, place);
  return {
    size: check.integer(size, `${place}.size`, 1, LARGEST_OPTION),
    until: check.numberIn(
      until,
      `${place}.until`,
      'a number above 0 and below 1',
      (share) => share > 0 && share < 1,
    ),
  };
}

function parseShards(value: unknown, batchSize: number): number {
  const shards = check.integer(value, 'shards', 1, batchSize);
  if (batchSize % shards === 0) return shards;
  throw new check.CheckpointError(`shards must divide the batch size of ${batchSize}, but is ${shards}`);
}

/** @throws CheckpointError for options that an optimizer or a schedule of this package cannot take */
function checkOptimizer({ optimizer, schedule }: Pick<RunConfig, 'optimizer' | 'schedule'>): void {
  if ((schedules as readonly string[]).includes(schedule.name)) scheduleOf({ schedule });
  if (isOptimizerName(optimizer.name))
    building('optimizer', () => createOptimizer(optimizer.name, 0, optimizer.config));
}

function checkTogether(config: RunConfig): void {
  checkOptimizer(config);
  for (const { optimizer, schedule } of config.groups ?? [])
    if (optimizer && schedule) checkOptimizer({ optimizer, schedule });
  if (!models.has(config.model.name)) return;
  const { classes, imageShape } = modelOf(config);
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

function parseClassWeights(value: unknown, { length }: readonly unknown[]): number[] {
  const weights = check.list(value, 'classWeights', (weight, place) =>
    check.numberIn(weight, place, 'a number above 0', (one) => one > 0),
  );
  building('classWeights', () => {
    checkClassWeights(weights, length);
  });
  return weights;
}

function parseMixing(value: unknown): Mixing {
  const mixing = check.dictionary(value, 'mixing', check.number) as Mixing;
  building('mixing', () => checkMixing(mixing));
  const known = ['mixup', 'cutmix', 'probability', 'switchProbability'];
  const other = Object.keys(mixing).find((key) => !known.includes(key));
  if (other === undefined) return mixing;
  throw new check.CheckpointError(`mixing has no option ${quote(other)}`);
}

function parseFolder(value: unknown): FolderConfig {
  const { path, size, decoding, drawn, fingerprint } = check.record(value, 'data.folder');
  const { channels, background, cover, cut } = check.record(decoding, 'data.folder.decoding');
  return {
    path: check.text(path, 'data.folder.path'),
    size: parseSides(size, 'data.folder.size'),
    decoding: {
      channels: check.integer(channels, 'data.folder.decoding.channels', 1, 3) === 1 ? 1 : 3,
      cover: parseSides(cover, 'data.folder.decoding.cover'),
      cut: check.flag(cut, 'data.folder.decoding.cut'),
      background: parseColour(background, 'data.folder.decoding.background'),
    },
    drawn: check.nullable(drawn, 'data.folder.drawn', (draw, place) => {
      const { share, seed } = check.record(draw, place);
      return {
        share: check.numberIn(
          share,
          `${place}.share`,
          'a number above 0 and at most 1',
          (part) => part > 0 && part <= 1,
        ),
        seed: check.integer(seed, `${place}.seed`, Number.MIN_SAFE_INTEGER),
      };
    }),
    fingerprint: check.text(fingerprint, 'data.folder.fingerprint'),
  };
}

function parseSides(value: unknown, place: string): readonly [height: number, width: number] {
  const sides = check.list(value, place, (side, where) => check.integer(side, where, 1, LARGEST_OPTION));
  if (sides.length === 2) return [sides[0], sides[1]];
  throw new check.CheckpointError(`${place} must be height and width, but has ${sides.length} numbers`);
}

function parseColour(value: unknown, place: string): string {
  const colour = check.text(value, place);
  if (/^#[0-9a-f]{6}$/i.test(colour)) return colour;
  throw new check.CheckpointError(`${place} must be a colour such as #ffffff`);
}

/** The number of training images that a run's dataset has before any are set aside. */
export function wholeTrainImages({ trainImages, validationImages = 0, setAside }: DataConfig): number {
  return setAside ? trainImages + validationImages : trainImages;
}

function parseTract(value: unknown, place: string): TractSetting {
  const { layer, lambda } = check.record(value, place);
  return {
    layer: Array.isArray(layer)
      ? check.list(layer, 'tract.layer', check.text)
      : check.text(layer, 'tract.layer'),
    lambda: parseStoredLambda(lambda),
  };
}

function parseStoredLambda(value: unknown): Lambda {
  const positive = (number: unknown, place: string): number =>
    check.numberIn(number, place, 'a number above 0', (lambda) => lambda > 0);
  if (typeof value === 'number') return positive(value, 'tract.lambda');
  const { relative } = check.record(value, 'tract.lambda');
  return { relative: positive(relative, 'tract.lambda.relative') };
}

/** A crop and a flip are an object, any other transforms a list. */
function parseAugmentation(value: unknown, place: string): StoredAugmentation {
  if (Array.isArray(value)) return check.list(value, place, parseTransform);
  const { cropPadding, horizontalFlip } = check.record(value, place);
  return {
    cropPadding: check.integer(cropPadding, 'augmentation.cropPadding', 0, LARGEST_OPTION),
    horizontalFlip: check.flag(horizontalFlip, 'augmentation.horizontalFlip'),
  };
}

/** A transform of a name that this package does not know is its user's own, and is left to them. */
function parseTransform(value: unknown, place: string): StoredTransform {
  const stored = describedAt(value, place, json);
  if (isImageTransformName(stored.name))
    building(place, () => createImageTransform(stored.name, stored.config));
  return stored;
}
