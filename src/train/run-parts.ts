/** What a configuration describes, made again: model, transforms, options of trainer and loop. */
import type { ImageTransform } from '../data/image-transform.js';
import { transformsOf } from '../data/image-transforms.js';
import { GraphError } from '../graph/graph.js';
import { createModel } from '../models/registry.js';
import type { Model } from '../nn/model.js';
import type { Selector } from '../optim/groups.js';
import type { Optimizer } from '../optim/optimizer.js';
import { createOptimizer, createSchedule } from '../optim/registry.js';
import type { Schedule } from '../optim/schedule.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import type { GradientTransform } from '../optim/transform.js';
import { createTransform } from './transforms.js';
import { FirstLayerError } from '../tract/first-layer.js';
import { tract } from '../tract/tract.js';
import * as check from './json-check.js';
import { checkStages } from './progressive.js';
import type { RunOptions, TrainerOptions } from './options.js';
import type { ModelMaker, RunConfig } from './run-config.js';

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

/** @throws CheckpointError for a schedule that is none of this package's, or values it cannot take */
export const scheduleOf = ({ schedule: { name, config } }: Pick<RunConfig, 'schedule'>): Schedule => {
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
