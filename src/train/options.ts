/** What a trainer and its loop are told. */
import type { Augmentation } from '../data/loader.js';
import type { Device } from '../engine/device.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { Schedule } from '../optim/schedule.js';
import type { Evaluation, TrainingEvent } from './events.js';

export interface TrainerOptions {
  /** Such as `sgd({ momentum: 0.9 })`. */
  readonly optimizer: Optimizer;
  /** Such as `cosine({ lr: 0.08 })`. */
  readonly schedule: Schedule;
  /** Images of a step. Default 128. */
  readonly batchSize?: number;
  /** Of initial weights, order and augmentation. Default 0. */
  readonly seed?: number;
  /** Default 0. */
  readonly labelSmoothing?: number;
  /** Default `cpu`. */
  readonly device?: Device;
  /** Threads of one operator. Default: one a core. */
  readonly threads?: number;
}

export interface FitOptions {
  /** Passes over the training split, those before a resumption included. */
  readonly epochs: number;
  /** Ends the run after this many steps, if it is not over before. */
  readonly maxSteps?: number;
  /** Default: the dataset's own; `null` for none. */
  readonly augmentation?: Augmentation | null;
  /**
   * Evaluates on the validation split (where there is none, on the test split) every so many steps, too, and before the first; each is reported by an `evaluation`
   * event, but for those at the end of an epoch. It changes nothing of the training. A run that is resumed where an
   * evaluation was due reports it again. Default: at the end of epochs only.
   */
  readonly evaluateEvery?: number;
  /** Called after every step, evaluation and epoch, and waited for. */
  readonly onEvent?: (event: TrainingEvent) => void | Promise<void>;
  /** Aborting finishes the step and returns. */
  readonly signal?: AbortSignal;
}

export interface FitResult {
  /** Whether the run was stopped by its signal before its end. */
  readonly interrupted: boolean;
  /**
   * The last evaluation, if an epoch was completed: on the validation split, where there is one. The test split is then
   * left for one look at the end (`Trainer.evaluate`, or `Trainer.evaluateWeights` with those of the best epoch).
   */
  readonly evaluation?: Evaluation;
}
