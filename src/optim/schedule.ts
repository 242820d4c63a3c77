/** Learning rates over the steps of a run. */
import { OptionError } from '../tensor/option-error.js';

/** The learning rate of every step of a run. */
export interface Schedule {
  /** Such as `cosine`. */
  readonly name: string;
  readonly config: Readonly<Record<string, number>>;
  /**
   * The learning rate of a step.
   *
   * @param step counted from 0
   * @param total the number of steps of the whole run
   */
  rate(step: number, total: number): number;
}

/** What schedules have in common. */
export interface ScheduleOptions {
  /** Steps in which the rate first grows linearly from learningRate / warmup to learningRate. Default 0. */
  readonly warmup?: number;
}

/** A number stands for the same rate throughout. */
export type LearningRate = number | Schedule;

function schedule(
  name: string,
  lr: number,
  { warmup = 0 }: ScheduleOptions,
  shape: (progress: number) => number,
): Schedule {
  if (!(Number.isFinite(lr) && lr >= 0))
    throw new OptionError(`the learning rate must be finite and not negative, not ${lr}`);
  if (!(Number.isSafeInteger(warmup) && warmup >= 0)) {
    throw new OptionError(`warm-up takes a whole number of steps, not ${warmup}`);
  }
  return {
    name,
    config: { lr, warmup },
    rate(step, total) {
      if (step < warmup) return (lr * (step + 1)) / warmup;
      return lr * shape((step - warmup) / Math.max(total - warmup, 1));
    },
  };
}

/**
 * The same rate throughout, after the warm-up.
 *
 * @throws OptionError for a rate or a warm-up out of range
 */
export const constant = (learningRate: number, options: ScheduleOptions = {}): Schedule =>
  schedule('constant', learningRate, options, () => 1);

/**
 * Half a cosine wave from the given rate to 0 over the steps after the warm-up (Loshchilov and Hutter, 2017).
 *
 * @throws OptionError for a rate or a warm-up out of range
 */
export const cosine = (learningRate: number, options: ScheduleOptions = {}): Schedule =>
  schedule('cosine', learningRate, options, (progress) => (1 + Math.cos(Math.PI * progress)) / 2);

export function scheduleOf(learningRate: LearningRate): Schedule {
  return typeof learningRate === 'number' ? constant(learningRate) : learningRate;
}
