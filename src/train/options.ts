/** What a trainer and its loop are told. */
import type { ImageTransform } from '../data/image-transform.js';
import type { Mixing } from '../data/mixing.js';
import type { Device } from '../engine/device.js';
import type { ProcessGroup } from '../engine/process-group.js';
import type { Metric } from '../nn/metrics.js';
import type { TestViews } from '../nn/test-views.js';
import type { ParameterGroups } from '../optim/model-groups.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { Evaluation, TrainingEvent } from './events.js';
import type { ResolutionStage } from './progressive.js';
import type { TrainingStage } from './stages.js';
import type { Standardization } from './state.js';

/** How a model is trained. */
export interface TrainerOptions {
  /** Such as `sgd({ learningRate: cosine(0.08), momentum: 0.9 })`. */
  readonly optimizer: Optimizer;
  /** Which parameters are trained, and how, where that is not alike for all; `groupsFor` makes them of settings. */
  readonly groups?: ParameterGroups;
  /**
   * Keeps an exponential moving average of the weights, above 0 and below 1, such as 0.999; early in a run it is shorter
   * (see `averaged` in src/optim/ema.ts). The mean is what is evaluated, given out and exported; training goes on with the
   * weights themselves. Running statistics are averaged as well. Default: none is kept.
   */
  readonly emaDecay?: number;
  /** Images of a step. Default 128. */
  readonly batchSize?: number;
  /**
   * Into how many shards a batch is cut, which are computed one after the other and added: gradient accumulation. What
   * is computed differs by rounding alone, but for batch norm, whose statistics are then those of a shard. Default 1.
   */
  readonly shards?: number;
  /**
   * The processes that train together, each of which makes a trainer with the same options. Each computes its share of
   * the shards, whose number is a multiple of theirs; what is computed is the same for any number of processes. Default:
   * this one alone.
   */
  readonly group?: ProcessGroup;
  /** Of initial weights, order and augmentation. Default 0. */
  readonly seed?: number;
  /** Default 0. */
  readonly labelSmoothing?: number;
  /**
   * How much each class counts in the training loss, in the order of the classes: `balancedClassWeights(dataset)`, or numbers
   * above 0. The loss is then torch.nn.CrossEntropyLoss's with `weight`: a weighted mean, with mixed images a mean of
   * weighted losses. Evaluation is without them. Default: all alike.
   */
  readonly classWeights?: readonly number[];
  /**
   * Mixes the images of training batches, and their labels with them: the loss is then of class probabilities, and the
   * accuracy of the class that most of an image is of. Shards are mixed by themselves. Default nothing.
   */
  readonly mixing?: Mixing;
  /**
   * Which parameters are trained in which epochs: `[{ parameters: 'head', epochs: 3 }, { epochs: 7 }]` trains the head
   * first, then everything. Of what is not trained in a stage no gradient is computed. For `run` and `fit`. Default: all in
   * all epochs.
   */
  readonly stages?: readonly TrainingStage[];
  /**
   * Progressive resizing: sizes of images in parts of the run, in their order, such as `[{ size: 24, until: 0.5 }]`; after
   * them, and in evaluation, images have their own size. For models that take images of any size, such as ResNets. Needs
   * the length of the run (`steps`, where the loop is your own). Default: their own size throughout.
   */
  readonly progressive?: readonly ResolutionStage[];
  /**
   * In which views a model is evaluated: `flip` is the mean over an image and its mirror image, `flip-shift` over six (see
   * `testViews`). A classifier of the run and an exported model answer in the same way. Default `none`.
   */
  readonly testViews?: TestViews;
  /** What is measured beside loss and accuracy. Default nothing. */
  readonly metrics?: readonly Metric[];
  /** How pixels are standardised. Default: as the first dataset says; needed by `step` without a dataset. */
  readonly standardization?: Standardization;
  /** The length of a run whose loop is your own, for schedules that depend on it. */
  readonly steps?: number;
  /** Default `cpu`. */
  readonly device?: Device;
  /** Threads of one operator. Default: one a core. */
  readonly threads?: number;
  /** For measurements: where ONNX Runtime writes its profile, and who is told of the stages of compiling. */
  readonly compile?: {
    /** A prefix of the profile's file name. */
    readonly profile?: string;
    /** Called when the step is built, lowered, and has a session. */
    readonly onStage?: (stage: 'built' | 'lowered' | 'session') => void;
  };
}

/** How long a run is, and what it does on its way. */
export interface RunOptions {
  /** Passes over the training split, those before a resumption included. */
  readonly epochs: number;
  /** Ends the run after this many steps, if it is not over before. */
  readonly maxSteps?: number;
  /** What training images go through; default the dataset's own, `null` for nothing. */
  readonly augmentation?: readonly ImageTransform[] | null;
  /**
   * Evaluates on the validation split (where there is none, on the test split) every so many steps, too, and before the
   * first; each is reported by an `evaluation` event, but for those at the end of an epoch. It changes nothing of the
   * training. A run that is resumed where an evaluation was due reports it again. Default: at the end of epochs only.
   */
  readonly evaluateEvery?: number;
  /** Aborting finishes the step and returns; of several processes any one of them ends the run of all. */
  readonly signal?: AbortSignal;
}

/**
 * Called after every step, evaluation and epoch, and waited for where it gives a promise. `'stop'`, or a promise of it, ends
 * the run there; whatever else it gives is ignored. A function is enough.
 */
export interface Callback {
  (event: TrainingEvent): unknown;
  /** Called by `fit` before the run: what throws here, throws before anything is computed. */
  readonly begin?: () => void | Promise<void>;
  /** Called by `fit` when the run is over, however it ended; without a result where it failed. */
  readonly end?: (result?: FitResult) => void | Promise<void>;
}

/** What `Trainer.fit` is told: how long it trains, and who follows it; of several processes on rank 0 alone. */
export interface FitOptions extends RunOptions {
  readonly onEvent?: Callback;
  /** Called one after the other, after `onEvent`. */
  readonly callbacks?: readonly Callback[];
}

/** How a run ended. */
export interface FitResult {
  /** Whether the run was stopped by its signal or a callback before its end. */
  readonly interrupted: boolean;
  /**
   * The last evaluation, if an epoch was completed: on the validation split, where there is one. The test split is then
   * left for one look at the end (`Trainer.evaluate`, or `Trainer.evaluateWeights` with those of the best epoch).
   */
  readonly evaluation?: Evaluation;
}

/** A batch of one's own; of several processes each gives its rows, equally many. */
export interface TrainingBatch {
  /** uint8 [rows, channels, height, width] */
  readonly images: Uint8Array;
  /** The class of each image. */
  readonly labels: ArrayLike<number>;
  /**
   * float32 [batchSize, classes]: the probability of each class, for a trainer that was made with `mixing`. A batch of
   * your own is taken as it is. Default: 1 for the label.
   */
  readonly targets?: Float32Array;
}

/** What a single step may be told. */
export interface StepOptions {
  /**
   * Default: what the optimizer's schedule says. Those of the optimizers that groups have of their own keep their ratio to
   * it: that of the highest rates of the two schedules.
   */
  readonly learningRate?: number;
}

/** Figures of a step. */
export interface StepResult {
  /** Steps since the beginning of the run, counted from 1. */
  readonly step: number;
  /** Mean loss of the batch. */
  readonly loss: number;
  /** Share of the batch that was classified right, 0 to 1. */
  readonly accuracy: number;
  readonly learningRate: number;
  /** Seconds of it that this process waited for others, where there are several. */
  readonly waitingSeconds?: number;
  /** Seconds of it that sums were on their way, where there are several processes. */
  readonly communicationSeconds?: number;
  /** By their names, where there are any. */
  readonly metrics?: Readonly<Record<string, number | readonly number[]>>;
}
