/** A rate finder: short runs from the same weights on the same batches, one for each learning rate. */
import { batchCount } from '../data/batches.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import type { Model } from '../nn/model.js';
import type { ParameterGroup } from '../optim/groups.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { Schedule } from '../optim/schedule.js';
import type { Trainable } from '../optim/trainable.js';
import { OptionError } from '../tensor/option-error.js';
import { checkPositive } from './check-options.js';
import { DivergenceError } from './divergence.js';
import type { RunOptions, TrainerOptions } from './options.js';
import type { Tensors } from '../engine/session.js';
import { Trainer } from './trainer.js';

/** What a short run at one rate came to. */
export interface RateResult {
  readonly rate: number;
  /** Mean loss over the last quarter of its steps; `null` where it diverged. */
  readonly loss: number | null;
  /** The standard error of that mean. */
  readonly error: number | null;
}

/** Which learning rate, and why. */
export interface RateFinding {
  /** In the order of the rates. */
  readonly results: readonly RateResult[];
  /** Of each run. */
  readonly steps: number;
  /** Absent where every run diverged. */
  readonly suggestion?: { readonly rate: number; readonly reason: string };
}

/** How rates are tried. */
export interface FindRateOptions extends Pick<RunOptions, 'augmentation' | 'signal'> {
  /** Default: from 1/316 of the optimizer's own to 32 times it, in nine equal ratios. */
  readonly rates?: readonly number[];
  /** Of each run; no more than an epoch has. Default 40. */
  readonly steps?: number;
  /** Steps in which the rate first grows. Default 0. */
  readonly warmup?: number;
  /** Weights to begin with, instead of random ones. */
  readonly weights?: Tensors;
  /** Called after every step of every run. */
  readonly onStep?: (event: RateStep) => void;
  /** Called after every run. */
  readonly onResult?: (result: RateResult) => void;
}

/** A step of one of the runs. */
export interface RateStep {
  readonly rate: number;
  readonly loss: number;
  /** Steps of all runs so far, and of all that there will be. */
  readonly done: number;
  readonly total: number;
}

/** Rates around the given one: nine, √10 apart. */
export function ratesAround(rate: number): number[] {
  return Array.from({ length: 9 }, (_, i) => Number((rate * 10 ** ((i - 5) / 2)).toPrecision(2)));
}

/**
 * Tries learning rates: a short run at each, all from the same weights on the same batches, in one session. What trains
 * some parameters by an optimizer of their own keeps the ratio of its rate to the common one. Of a run in stages the first
 * is tried.
 *
 * @returns undefined when the signal was aborted before the end
 * @throws OptionError for rates that are none; otherwise as `Trainer.create` and `Trainer.run`
 */
export async function findLearningRate(
  given: Model | Trainable,
  options: TrainerOptions,
  dataset: ImageDataset,
  find: FindRateOptions = {},
): Promise<RateFinding | undefined> {
  const { optimizer, groups = [], batchSize = 128, stages } = options;
  const { rates = ratesAround(optimizer.schedule.config.lr), warmup = 0, augmentation, signal } = find;
  const { steps: wanted = 40, weights, onStep, onResult } = find;
  checkRates(rates);
  checkPositive('steps', wanted);
  const epoch = batchCount(imageCount(dataset.train), { batchSize, last: 'drop' });
  const steps = Math.min(wanted, epoch);
  let rate = 0;
  const at = (step: number): number => rate * Math.min(1, (step + 1) / Math.max(warmup, 1));
  const settable = settableRates(optimizer, at);
  const trainer = await Trainer.create(given, {
    ...options,
    progressive: [],
    ...(stages && { stages: [{ ...stages[0], epochs: 1 }] }),
    optimizer: settable(optimizer),
    groups: (model) =>
      (typeof groups === 'function' ? groups(model) : groups).map((group): ParameterGroup => ({
        ...group,
        ...(group.optimizer && { optimizer: settable(group.optimizer) }),
      })),
  });
  try {
    if (weights) trainer.load(weights);
    const initial = await trainer.state();
    const results: RateResult[] = [];
    for (rate of rates) {
      trainer.restore(initial);
      const losses: number[] = [];
      const run = { epochs: 1, maxSteps: steps, ...(augmentation !== undefined && { augmentation }) };
      try {
        for await (const event of trainer.run(dataset, { ...run, ...(signal && { signal }) })) {
          if (event.event !== 'step') continue;
          losses.push(event.loss);
          const done = results.length * steps + losses.length;
          onStep?.({ rate, loss: event.loss, done, total: rates.length * steps });
          // Before the evaluation that belongs to the end of a run.
          if (losses.length === steps) break;
        }
      } catch (error) {
        if (!(error instanceof DivergenceError)) throw error;
        losses.push(Infinity);
      }
      if (signal?.aborted) return undefined;
      const result = { rate, ...ending(losses, steps) };
      results.push(result);
      onResult?.(result);
    }
    const suggestion = suggest(results, steps);
    return { results, steps, ...(suggestion && { suggestion }) };
  } finally {
    await trainer.release();
  }
}

function checkRates(rates: readonly number[]): void {
  const fits = rates.every(
    (rate, i) => Number.isFinite(rate) && rate > 0 && (i === 0 || rate > rates[i - 1]),
  );
  if (rates.length > 0 && fits) return;
  throw new OptionError(
    `rates must be positive numbers, each larger than the one before, not ${rates.join(', ')}`,
  );
}

/** Optimizers whose rate is that of the moment, each at its ratio to the common one's. */
function settableRates(common: Optimizer, at: (step: number) => number): (given: Optimizer) => Optimizer {
  const made = new Map<Optimizer, Optimizer>();
  return (given) => {
    const known = made.get(given);
    if (known) return known;
    const ratio = given === common ? 1 : given.schedule.config.lr / common.schedule.config.lr;
    // A schedule of one's own need not say its highest rate.
    if (!Number.isFinite(ratio))
      throw new OptionError(
        `the rates of ${given.name} and ${common.name} have no ratio; give them by numbers`,
      );
    const schedule: Schedule = { name: 'constant', config: { lr: 0 }, rate: (step) => ratio * at(step) };
    const settable = { ...given, schedule };
    made.set(given, settable);
    return settable;
  };
}

/** Mean and standard error over the last quarter. */
function ending(losses: readonly number[], steps: number): Pick<RateResult, 'loss' | 'error'> {
  const last = losses.slice(-Math.max(1, Math.round(steps / 4)));
  const loss = last.reduce((sum, value) => sum + value, 0) / last.length;
  if (!Number.isFinite(loss)) return { loss: null, error: null };
  const squares = last.reduce((sum, value) => sum + (value - loss) ** 2, 0);
  return { loss, error: Math.sqrt(squares / Math.max(last.length - 1, 1) / last.length) };
}

/** The rate with the lowest loss, and what is known of those beside it. */
export function suggest(results: readonly RateResult[], steps: number): RateFinding['suggestion'] {
  const finished = results.flatMap(({ rate, loss, error }) =>
    loss === null || error === null ? [] : [{ rate, loss, error }],
  );
  if (finished.length === 0) return undefined;
  const best = finished.reduce((a, b) => (b.loss < a.loss ? b : a));
  const from = steps - Math.max(1, Math.round(steps / 4)) + 1;
  const alike = finished.filter(
    ({ rate, loss, error }) => rate !== best.rate && loss - best.loss < 2 * Math.hypot(error, best.error),
  );
  const diverged = results.find(({ loss }) => loss === null);
  const many = results.length > 1;
  const parts = [
    many
      ? `of ${results.length} rates ${best.rate} has the lowest loss after so few steps, ${best.loss.toFixed(3)} over steps ${from} to ${steps}`
      : `${best.rate} is the only rate that was tried`,
    ...(alike.length > 0
      ? [`${alike.map(({ rate }) => rate).join(' and ')} cannot be told from it by these runs`]
      : []),
    ...(diverged ? [`training diverges from ${diverged.rate} on`] : []),
    ...(many && best.rate === results[0].rate
      ? ['it is the lowest that was tried: try lower ones, too']
      : []),
    ...(many && best.rate === results.at(-1)!.rate
      ? ['it is the highest that was tried: try higher ones, too']
      : []),
  ];
  return { rate: best.rate, reason: `${parts.join('; ')}.` };
}
