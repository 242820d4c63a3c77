/** Where a run stands: everything but the tensors that it takes to continue to the same bits. */
import type { RandomState } from '../random/random.js';

/** Where a run stands among its stages. */
export interface StageProgress {
  /** Which stage the state is of, counted from 0. */
  readonly index: number;
  /** Steps of the run before it. */
  readonly step: number;
}

/** Where a run stands, but for its tensors. */
export interface Progress {
  /** Epochs that are complete. */
  readonly epoch: number;
  /** Steps of the epoch that has begun. */
  readonly stepInEpoch: number;
  /** Steps since the beginning of the run. */
  readonly step: number;
  /** Sums over the steps of the epoch that has begun: the losses, and the numbers of correct answers. */
  readonly lossSum: number;
  readonly correctSum: number;
  /**
   * The best accuracy on the validation images after a complete epoch, 0 to 1; -1 before the first, and where there are
   * none.
   */
  readonly bestAccuracy: number;
  /** The generator of batches, as it was at the beginning of the epoch. */
  readonly random: RandomState;
  /** Absent where the run has no stages. */
  readonly stage?: StageProgress;
}

export function initialProgress(random: RandomState, stage?: StageProgress): Progress {
  const none = { epoch: 0, stepInEpoch: 0, step: 0, lossSum: 0, correctSum: 0 };
  return { ...none, bestAccuracy: -1, random, ...(stage && { stage }) };
}

/**
 * Steps of the whole run: those of complete epochs, and of all that are still to come.
 *
 * An epoch that `maxSteps` ended early counts as one all the same, so that a run that is extended after it makes whole
 * epochs again.
 *
 * @param epochs passes over the training images, those before included
 * @param maxSteps ends the run, if it is not over before; default: no limit
 */
export function totalSteps(
  { epoch, step, stepInEpoch }: Pick<Progress, 'epoch' | 'step' | 'stepInEpoch'>,
  stepsPerEpoch: number,
  epochs: number,
  maxSteps = Infinity,
): number {
  return Math.min(step - stepInEpoch + (epochs - epoch) * stepsPerEpoch, maxSteps);
}
