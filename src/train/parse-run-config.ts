/** Configurations of runs, read from a file: checked before they are believed. */
import { checkClassWeights } from '../data/class-weights.js';
import type { StoredAugmentation } from '../data/image-transforms.js';
import { type Mixing, checkMixing } from '../data/mixing.js';
import { models } from '../models/registry.js';
import type { ConfigValue } from '../nn/model.js';
import { testViews } from '../nn/test-views.js';
import { createOptimizer, isOptimizerName, schedules } from '../optim/registry.js';
import { quote } from '../tensor/shorten.js';
import type { Lambda } from '../tract/lambda.js';
import { checkOverTime, overTimeOf } from '../tract/over-time.js';
import { LARGEST_OPTION, describedAt, json } from './described.js';
import * as check from './json-check.js';
import { parseDataConfig, parseTransform } from './parse-data-config.js';
import type { ResolutionStage } from './progressive.js';
import type { Described, GroupConfig, RunConfig, StageConfig, TractSetting } from './run-config.js';
import { building, modelOf, scheduleOf } from './run-parts.js';

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
    data: parseDataConfig(data, trainImages),
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

/** Until first layers were exchanged from outside, they were an option of the model. */
function modelAt({ name, config: { firstLayer = 'plain', ...config } }: Described<ConfigValue>) {
  return { name: firstLayer === 'plain' ? name : `${name}+${firstLayer}`, config };
}

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

function parseTract(value: unknown, place: string): TractSetting {
  const { layer, lambda, ...others } = check.record(value, place);
  const overTime = overTimeOf(others);
  for (const [name, number] of Object.entries(overTime)) check.number(number, `tract.${name}`);
  building('tract', () => {
    checkOverTime(overTime);
  });
  return {
    layer: Array.isArray(layer)
      ? check.list(layer, 'tract.layer', check.text)
      : check.text(layer, 'tract.layer'),
    lambda: parseStoredLambda(lambda),
    ...overTime,
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
