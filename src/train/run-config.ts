/** What a run was started with: all it takes to build the same model, optimizer and schedule again. */
import { type ImageDataset, type SetAside, imageCount } from '../data/dataset.js';
import type { FolderConfig } from '../data/folder/folder-config.js';
import {
  type StoredAugmentation,
  type StoredTransform,
  storedAugmentation,
  storedTransforms,
} from '../data/image-transforms.js';
import type { Mixing } from '../data/mixing.js';
import type { ConfigValue, Model } from '../nn/model.js';
import type { TestViews } from '../nn/test-views.js';
import { type ParameterGroup, type Selector, selects } from '../optim/groups.js';
import { groupedParameters } from '../optim/model-groups.js';
import type { Optimizer } from '../optim/optimizer.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import type { Json } from '../optim/transform.js';
import type { Lambda } from '../tract/lambda.js';
import type { TractOverTime } from '../tract/over-time.js';
import { type TractInChain, tractSetting } from '../tract/tract.js';
import type { ResolutionStage } from './progressive.js';
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
export interface TractSetting extends TractOverTime {
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
function storedTract({ weights, ...setting }: TractInChain): TractSetting {
  const layers = weights.map((weight) => weight.replace(/\.weight$/, ''));
  return { layer: layers.length === 1 ? layers[0] : layers, ...setting };
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

/** The steps of an epoch: batches are full, and what is left over is not used. */
export function stepsPerEpochOf({ data, batchSize }: RunConfig): number {
  return Math.floor(data.trainImages / batchSize);
}

/** The steps of a whole run that stands where `progress` says. */
export function stepsOf(config: RunConfig, progress: Progress): number {
  const { epochs, maxSteps } = config;
  return totalSteps(progress, stepsPerEpochOf(config), epochs, maxSteps ?? Infinity);
}

/** The number of training images that a run's dataset has before any are set aside. */
export function wholeTrainImages({ trainImages, validationImages = 0, setAside }: DataConfig): number {
  return setAside ? trainImages + validationImages : trainImages;
}
