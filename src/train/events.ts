/** What a training run reports while it goes on. */

/** What a model gives on the images of a split. */
export interface Evaluation {
  /** Mean cross entropy, without label smoothing. */
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
  /** Those that were asked for, by their names. */
  readonly metrics?: Metrics;
}

/** Figures beside loss and accuracy, by their names. */
export type Metrics = Readonly<Record<string, number | readonly number[]>>;

/** Of test images. */
export interface TestFigures {
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly validationLoss?: never;
  readonly validationAccuracy?: never;
}

/** Of validation images. */
export interface ValidationFigures {
  readonly validationLoss: number;
  readonly validationAccuracy: number;
  readonly testLoss?: never;
  readonly testAccuracy?: never;
}

/** What was asked for beside loss and accuracy. */
export interface MetricFigures {
  /** Of the same images; absent where none were asked for. */
  readonly metrics?: Metrics;
}

/**
 * An evaluation under the name of the images it was made on, all of them: the validation images of a dataset that has
 * some, else the test images.
 */
export type EvaluationFigures = (TestFigures | ValidationFigures) & MetricFigures;

/** An evaluation of `kind` images, as events report it. */
export function figuresOf(
  kind: 'validation' | 'test',
  { loss, accuracy, metrics }: Evaluation,
): EvaluationFigures {
  return {
    ...(kind === 'validation'
      ? { validationLoss: loss, validationAccuracy: accuracy }
      : { testLoss: loss, testAccuracy: accuracy }),
    ...(metrics && { metrics }),
  };
}

/** The evaluation that an event reports, and of which images it is. */
export function evaluationOf(
  figures: EvaluationFigures,
): Evaluation & { readonly kind: 'validation' | 'test' } {
  const { metrics } = figures;
  return {
    ...(figures.validationLoss === undefined
      ? { kind: 'test', loss: figures.testLoss, accuracy: figures.testAccuracy }
      : { kind: 'validation', loss: figures.validationLoss, accuracy: figures.validationAccuracy }),
    ...(metrics && { metrics }),
  };
}

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
  /** Of the batch; absent where none were asked for. */
  readonly metrics?: Metrics;
  /** Images trained on per second, this step alone, waiting for data included. */
  readonly imagesPerSecond: number;
  /** Seconds of the step that this process waited for others, where there are several. */
  readonly waitingSeconds?: number;
  /** Seconds of the step that sums were on their way, where there are several processes. */
  readonly communicationSeconds?: number;
}

/** After every epoch. */
export type EpochEvent = EvaluationFigures & {
  readonly event: 'epoch';
  /** Counted from 1. */
  readonly epoch: number;
  readonly step: number;
  /** Means over the epoch's training batches, as they were trained on. */
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  /** Time spent on training and evaluation since the beginning of the epoch (or since it was resumed). */
  readonly seconds: number;
};

/** After every `evaluateEvery` steps, if asked for, where no epoch ends; and before the first step. */
export type EvaluationEvent = EvaluationFigures & {
  readonly event: 'evaluation';
  /** Steps since the beginning of the run; 0 before the first. */
  readonly step: number;
  /** The epoch it is in, counted from 1. */
  readonly epoch: number;
};

/** What a run tells, told apart by `event`. */
export type TrainingEvent = StepEvent | EvaluationEvent | EpochEvent;
