/** Optimizers and schedules by name, as the command and checkpoints know them. */
import { OptionError } from '../tensor/option-error.js';
import { adam, adamw } from './adam.js';
import { lamb } from './lamb.js';
import { lion } from './lion.js';
import { LOOKAHEAD, lookahead } from './lookahead.js';
import { muon } from './muon.js';
import type { Optimizer } from './optimizer.js';
import {
  type LearningRate,
  type Schedule,
  constant,
  cosine,
  linear,
  oneCycle,
  stepDecay,
} from './schedule.js';
import { sgd } from './sgd.js';

/** The options of an optimizer, as it keeps them. */
export type OptimizerConfig = Readonly<Record<string, number | boolean>>;

/** Two betas are one option, but two entries of a configuration. */
function withBetas(config: OptimizerConfig, beta2Default = 0.999): object {
  const { beta1 = 0.9, beta2 = beta2Default, ...others } = config;
  return { ...others, betas: [beta1, beta2] };
}

/** The names `createOptimizer` takes; each also after `lookahead+`. */
export const optimizers = ['sgd', 'adam', 'adamw', 'lion', 'lamb', 'muon'] as const;
/** One of `optimizers`. */
export type OptimizerName = (typeof optimizers)[number];

/** The names `createSchedule` takes. */
export const schedules = ['cosine', 'constant', 'linear', 'step', 'one-cycle'] as const;
/** One of `schedules`. */
export type ScheduleName = (typeof schedules)[number];

/** How each optimizer is made from its configuration. */
const makers: Readonly<
  Record<OptimizerName, (learningRate: LearningRate, config: OptimizerConfig) => Optimizer>
> = {
  sgd: (learningRate, config) => sgd({ ...config, learningRate }),
  adam: (learningRate, config) => adam({ ...withBetas(config), learningRate }),
  adamw: (learningRate, config) => adamw({ ...withBetas(config), learningRate }),
  lion: (learningRate, config) => lion({ ...withBetas(config, 0.99), learningRate }),
  lamb: (learningRate, config) => lamb({ ...withBetas(config), learningRate }),
  muon: (learningRate, config) => muon({ ...config, learningRate }),
};

/** Whether `createOptimizer` takes a name. */
export function isOptimizerName(name: string): boolean {
  return Object.hasOwn(makers, name.startsWith(LOOKAHEAD) ? name.slice(LOOKAHEAD.length) : name);
}

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
  if (!isOptimizerName(name)) {
    throw new OptionError(`there is no optimizer "${name}"; there are ${optimizers.join(', ')}`);
  }
  if (name.startsWith(LOOKAHEAD)) {
    const { lookaheadEvery = 5, lookaheadAlpha = 0.5, ...inner } = config;
    checkOptions(name, { lookaheadEvery, lookaheadAlpha }, { lookaheadEvery: 5, lookaheadAlpha: 0.5 });
    return lookahead(createOptimizer(name.slice(LOOKAHEAD.length), learningRate, inner), {
      every: Number(lookaheadEvery),
      alpha: Number(lookaheadAlpha),
    });
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

/** Each checks the values that it is given. */
const scheduleMakers: Readonly<
  Record<ScheduleName, (lr: number, options: Readonly<Record<string, number>>) => Schedule>
> = { cosine, constant, linear, step: stepDecay, 'one-cycle': oneCycle };

/**
 * Makes a schedule from the `name` and the `config` of another.
 *
 * @throws OptionError for a name that does not exist, an option the schedule does not have, or a value out of range
 */
export function createSchedule(
  name: string,
  config: { readonly lr: number } & Readonly<Record<string, number>>,
): Schedule {
  if (!Object.hasOwn(scheduleMakers, name)) {
    throw new OptionError(`there is no schedule "${name}"; there are ${schedules.join(', ')}`);
  }
  const make = scheduleMakers[name as ScheduleName];
  checkOptions(name, config, make(0, {}).config);
  const { lr, ...options } = config;
  return make(lr, options);
}
