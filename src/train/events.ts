/** What a training run reports while it goes on. */

/** After every step. */
export interface StepEvent {
  readonly event: 'step';
  /** Steps since the beginning of the run, counted from 1. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Counted from 1. */
  readonly epoch: number;
  /** Mean loss of the step's batch. */
  readonly loss: number;
  /** Share of the batch that was classified right, 0 to 1. */
  readonly accuracy: number;
  readonly learningRate: number;
  /** Images trained on per second, this step alone, waiting for data included. */
  readonly imagesPerSecond: number;
}

/** After every epoch. */
export interface EpochEvent {
  readonly event: 'epoch';
  /** Counted from 1. */
  readonly epoch: number;
  readonly step: number;
  /** Means over the epoch's training batches, as they were trained on. */
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  /** Over the whole test split; without label smoothing. */
  readonly testLoss: number;
  readonly testAccuracy: number;
  /** Time spent on training and evaluation since the beginning of the epoch (or since it was resumed). */
  readonly seconds: number;
}

/** After every `evaluateEvery` steps, if asked for, where no epoch ends; and before the first step. */
export interface EvaluationEvent {
  readonly event: 'evaluation';
  /** Steps since the beginning of the run; 0 before the first. */
  readonly step: number;
  /** The epoch it is in, counted from 1. */
  readonly epoch: number;
  /** Over the whole test split; without label smoothing. */
  readonly testLoss: number;
  readonly testAccuracy: number;
}

export type TrainingEvent = StepEvent | EvaluationEvent | EpochEvent;

export interface Evaluation {
  /** Mean cross entropy, without label smoothing. */
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
}
