/** Optimizers and schedules by name, as the command and checkpoints know them. */
import { OptionError } from '../tensor/option-error.js';
import { adam, adamw } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { type LearningRate, type Schedule, constant, cosine } from './schedule.js';
import { sgd } from './sgd.js';

/** The options of an optimizer, as it keeps them. */
export type OptimizerConfig = Readonly<Record<string, number | boolean>>;

/** Adam's two betas are one option, but two entries of its configuration. */
function adamOptions({ beta1 = 0.9, beta2 = 0.999, ...others }: OptimizerConfig): object {
  return { ...others, betas: [beta1, beta2] };
}

/** The names `createOptimizer` takes. */
export const optimizers = ['sgd', 'adam', 'adamw'] as const;
/** One of `optimizers`. */
export type OptimizerName = (typeof optimizers)[number];

/** The names `createSchedule` takes. */
export const schedules = ['cosine', 'constant'] as const;
/** One of `schedules`. */
export type ScheduleName = (typeof schedules)[number];

/** How each optimizer is made from its configuration. */
const makers: Readonly<
  Record<OptimizerName, (learningRate: LearningRate, config: OptimizerConfig) => Optimizer>
> = {
  sgd: (learningRate, config) => sgd({ ...config, learningRate }),
  adam: (learningRate, config) => adam({ ...adamOptions(config), learningRate }),
  adamw: (learningRate, config) => adamw({ ...adamOptions(config), learningRate }),
};

/**
 * Makes an optimizer from the `name` and the `config` of another; options left out take their defaults.
 *
 * @throws OptionError for a name that does not exist, an option the optimizer does not have, or a value out of range
 */
export function createOptimizer(
  name: string,
  learningRate: LearningRate,
  config: OptimizerConfig = {},
): Optimizer {
  if (!Object.hasOwn(makers, name)) {
    throw new OptionError(`there is no optimizer "${name}"; there are ${optimizers.join(', ')}`);
  }
  const make = makers[name as OptimizerName];
  checkOptions(name, config, make(learningRate, {}).config);
  return make(learningRate, config);
}

/** @throws OptionError for an option that is not among the defaults, or is of another type */
function checkOptions(
  name: string,
  config: Readonly<Record<string, number | boolean | undefined>>,
  defaults: OptimizerConfig,
): void {
  for (const [option, value] of Object.entries(config)) {
    if (!Object.hasOwn(defaults, option)) {
      throw new OptionError(`${name} has no option "${option}"; it has ${Object.keys(defaults).join(', ')}`);
    }
    if (value !== undefined && typeof value !== typeof defaults[option]) {
      throw new OptionError(`${name}: ${option} must be a ${typeof defaults[option]}, not ${value}`);
    }
  }
}

/**
 * Makes a schedule from the `name` and the `config` of another.
 *
 * @throws OptionError for a name that does not exist, an option the schedule does not have, or a value out of range
 */
export function createSchedule(
  name: string,
  config: { readonly lr: number; readonly warmup?: number },
): Schedule {
  const make = { cosine, constant } as const;
  if (!Object.hasOwn(make, name)) {
    throw new OptionError(`there is no schedule "${name}"; there are ${schedules.join(', ')}`);
  }
  checkOptions(name, config, constant(0).config);
  const { lr, ...options } = config;
  return make[name as ScheduleName](lr, options);
}
