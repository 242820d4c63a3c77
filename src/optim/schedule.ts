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

/** An epoch of a small dataset is too short for a warm-up. */
const WARMUP_AT_LEAST = 100;

/**
 * A warm-up for a run that is not told of any, as the command has it: a fifth of the run, but no more than an epoch or 100
 * steps, whichever is more.
 *
 * In the first steps a rate that is right for the run is too high: without a warm-up the loss may rise to a multiple of what
 * it began with, and how soon a run recovers is luck (docs/results.md).
 *
 * @param steps of the whole run
 * @param stepsPerEpoch of a pass over the training images
 * @returns a whole number of steps
 */
export const usualWarmup = (steps: number, stepsPerEpoch: number): number =>
  Math.floor(Math.min(steps / 5, Math.max(stepsPerEpoch, WARMUP_AT_LEAST)));

function schedule(
  name: string,
  lr: number,
  { warmup = 0 }: ScheduleOptions,
  shape: (progress: number, step: number, length: number) => number,
  config: Readonly<Record<string, number>> = {},
): Schedule {
  checkRate(lr);
  if (!(Number.isSafeInteger(warmup) && warmup >= 0)) {
    throw new OptionError(`warm-up takes a whole number of steps, not ${warmup}`);
  }
  return {
    name,
    config: { lr, warmup, ...config },
    rate(step, total) {
      if (step < warmup) return (lr * (step + 1)) / warmup;
      const length = Math.max(total - warmup, 1);
      return lr * shape((step - warmup) / length, step - warmup, length);
    },
  };
}

function checkRate(lr: number): void {
  if (!(Number.isFinite(lr) && lr >= 0))
    throw new OptionError(`the learning rate must be finite and not negative, not ${lr}`);
}

function checkOption(
  schedule: string,
  option: string,
  value: number,
  accepts: (value: number) => boolean,
  range: string,
): void {
  if (!(Number.isFinite(value) && accepts(value)))
    throw new OptionError(`${schedule}: ${option} must be ${range}, not ${value}`);
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

/** Options of `linear`. */
export interface LinearScheduleOptions extends ScheduleOptions {
  /** What is left of the rate at the end, as a share of it, 0 to 1. Default 0. */
  readonly final?: number;
  /** The share of the steps after the warm-up in which it falls, above 0 and at most 1; then it stays. Default 1. */
  readonly share?: number;
}

/**
 * A straight line from the given rate to `final` times it over the steps after the warm-up, or a share of them.
 *
 * @throws OptionError for an option out of range
 */
export function linear(learningRate: number, options: LinearScheduleOptions = {}): Schedule {
  const { final = 0, share = 1 } = options;
  checkOption('linear', 'final', final, (value) => value >= 0 && value <= 1, 'from 0 to 1');
  checkOption('linear', 'share', share, (value) => value > 0 && value <= 1, 'above 0 and at most 1');
  const shape = (progress: number): number => 1 - (1 - final) * Math.min(progress / share, 1);
  return schedule('linear', learningRate, options, shape, { final, share });
}

/** Options of `stepDecay`. */
export interface StepScheduleOptions extends ScheduleOptions {
  /** Steps between two falls. Default 0: a third of the steps after the warm-up, so that there are two falls. */
  readonly stepSize?: number;
  /** What the rate is multiplied by, above 0 and at most 1. Default 0.1. */
  readonly gamma?: number;
}

/**
 * The given rate after the warm-up, multiplied by `gamma` after every `stepSize` steps, as torch.optim.lr_scheduler.StepLR.
 *
 * @throws OptionError for an option out of range
 */
export function stepDecay(learningRate: number, options: StepScheduleOptions = {}): Schedule {
  const { stepSize = 0, gamma = 0.1 } = options;
  checkOption(
    'step',
    'stepSize',
    stepSize,
    (value) => Number.isSafeInteger(value) && value >= 0,
    'a whole number of steps, or 0 for a third of the run',
  );
  checkOption('step', 'gamma', gamma, (value) => value > 0 && value <= 1, 'above 0 and at most 1');
  const shape = (_progress: number, step: number, length: number): number =>
    gamma ** Math.floor(step / (stepSize === 0 ? Math.ceil(length / 3) : stepSize));
  return schedule('step', learningRate, options, shape, { stepSize, gamma });
}

/** Options of `oneCycle`, torch.optim.lr_scheduler.OneCycleLR's. */
export interface OneCycleOptions {
  /** The share of the run in which the rate grows, above 0 and below 1. Default 0.3. */
  readonly pctStart?: number;
  /** The first rate is the highest divided by this; at least 1. Default 25. */
  readonly divFactor?: number;
  /** The last rate is the first divided by this; at least 1. Default 10,000. */
  readonly finalDivFactor?: number;
}

/**
 * One cycle (Smith and Topin, 2018): up to the given rate and down again, each along half a cosine wave, as PyTorch's
 * OneCycleLR. Momentum stays as it is (`cycle_momentum=False`).
 *
 * @throws OptionError for an option out of range
 */
export function oneCycle(learningRate: number, options: OneCycleOptions = {}): Schedule {
  const { pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4 } = options;
  checkRate(learningRate);
  checkOption('one-cycle', 'pctStart', pctStart, (value) => value > 0 && value < 1, 'above 0 and below 1');
  checkOption('one-cycle', 'divFactor', divFactor, (value) => value >= 1, 'at least 1');
  checkOption('one-cycle', 'finalDivFactor', finalDivFactor, (value) => value >= 1, 'at least 1');
  const first = learningRate / divFactor;
  const last = first / finalDivFactor;
  const wave = (from: number, to: number, progress: number): number =>
    to + ((from - to) / 2) * (1 + Math.cos(Math.PI * Math.min(progress, 1)));
  return {
    name: 'one-cycle',
    config: { lr: learningRate, pctStart, divFactor, finalDivFactor },
    rate(step, total) {
      const top = pctStart * total - 1;
      if (top > 0 && step <= top) return wave(first, learningRate, step / top);
      return wave(learningRate, last, (step - top) / (total - 1 - top));
    },
  };
}

export function scheduleOf(learningRate: LearningRate): Schedule {
  return typeof learningRate === 'number' ? constant(learningRate) : learningRate;
}
