/** Optimizers and schedules by name, as the command and checkpoints know them. */
import { adam, adamw } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { type LearningRate, type Schedule, type ScheduleOptions, constant, cosine } from './schedule.js';
import { sgd } from './sgd.js';

type Config = Readonly<Record<string, number | boolean>>;

/** Adam's two betas are one option, but two entries of its configuration. */
function adamOptions({ beta1 = 0.9, beta2 = 0.999, ...others }: Config): object {
  return { ...others, betas: [beta1, beta2] };
}

/** The names `createOptimizer` takes. */
export const optimizers = ['sgd', 'adam', 'adamw'] as const;
export type OptimizerName = (typeof optimizers)[number];

/** The names `createSchedule` takes. */
export const schedules = ['cosine', 'constant'] as const;
export type ScheduleName = (typeof schedules)[number];

/**
 * Makes an optimizer from the `name` and the `config` of another; options left out take their defaults.
 *
 * @throws RangeError for a name that does not exist, or a value out of range
 */
export function createOptimizer(name: string, learningRate: LearningRate, config: Config = {}): Optimizer {
  switch (name as OptimizerName) {
    case 'sgd':
      return sgd({ ...config, learningRate });
    case 'adam':
      return adam({ ...adamOptions(config), learningRate });
    case 'adamw':
      return adamw({ ...adamOptions(config), learningRate });
    default:
      throw new RangeError(`there is no optimizer "${name}"; there are ${optimizers.join(', ')}`);
  }
}

/**
 * Makes a schedule from the `name` and the `config` of another.
 *
 * @throws RangeError for a name that does not exist, or a value out of range
 */
export function createSchedule(
  name: string,
  { lr, ...options }: { readonly lr: number } & ScheduleOptions,
): Schedule {
  switch (name as ScheduleName) {
    case 'cosine':
      return cosine(lr, options);
    case 'constant':
      return constant(lr, options);
    default:
      throw new RangeError(`there is no schedule "${name}"; there are ${schedules.join(', ')}`);
  }
}
