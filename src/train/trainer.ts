/** Training: a model, an optimizer, and the loop. */
import { InlineLoader, batchCount } from '../data/batches.js';
import type { Batch, BatchLoader } from '../data/loader.js';
import { type ImageDataset, type ImageShape, type Split, imageCount } from '../data/dataset.js';
import type { Augmentation } from '../data/loader.js';
import { compile } from '../engine/compile.js';
import type { Program, Tensors } from '../engine/session.js';
import type { Device } from '../engine/device.js';
import { Stepper } from '../engine/stepper.js';
import type { Model } from '../nn/model.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { Schedule } from '../optim/schedule.js';
import { Random } from '../random/random.js';
import { type Tensor, elementCount, tensor, zeros } from '../tensor/tensor.js';
import type { Evaluation, TrainingEvent } from './events.js';
import { type Progress, initialProgress } from './progress.js';
import { evaluationGraph, slotName, trainingGraph } from './step-graph.js';
import { type Standardization, type TrainingState, checkState } from './state.js';

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
  /** Called after every step and every epoch, and waited for. */
  readonly onEvent?: (event: TrainingEvent) => void | Promise<void>;
  /** Aborting finishes the step and returns. */
  readonly signal?: AbortSignal;
}

export interface FitResult {
  /** Whether the run was stopped by its signal before its end. */
  readonly interrupted: boolean;
  /** The last evaluation, if an epoch was completed. */
  readonly evaluation?: Evaluation;
}

/** The loss is no number any more; the message says at which step. The trainer's state is that of the step before. */
export class DivergenceError extends Error {
  override name = 'DivergenceError';
}

/** Makes loaders of splits; a dataset that brings its own way (a worker thread) is read in that way. */
function loaderOf(dataset: ImageDataset, split: Split): BatchLoader {
  return dataset.createLoader?.(split, dataset.imageShape) ?? new InlineLoader(split, dataset.imageShape);
}

export class Trainer {
  readonly model: Model;
  readonly batchSize: number;
  readonly #options: TrainerOptions;
  readonly #program: Program;
  readonly #stepper: Stepper;
  /** The names of what the model holds, without the optimizer's state. */
  readonly #weightNames: readonly string[];
  #evaluation: Program | undefined;
  #progress: Progress;
  #standardization: Standardization | undefined;

  private constructor(
    model: Model,
    options: TrainerOptions,
    program: Program,
    state: Tensors,
    weightNames: readonly string[],
  ) {
    const { batchSize = 128, seed = 0 } = options;
    this.model = model;
    this.batchSize = batchSize;
    this.#options = options;
    this.#program = program;
    this.#weightNames = weightNames;
    const results = { loss: zeros('float32', []), correct: zeros('float32', []) };
    this.#stepper = new Stepper(program, state, results);
    this.#progress = initialProgress(Random.fromSeed(seed, 'batches').state);
  }

  /**
   * Builds and compiles the training step of a model, and draws its initial weights.
   *
   * @throws RangeError for a batch size, seed or label smoothing out of range
   * @throws DeviceError where the device is not available
   */
  static async create(model: Model, options: TrainerOptions): Promise<Trainer> {
    const { batchSize = 128, seed = 0, optimizer, labelSmoothing, device, threads } = options;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`the batch size must be a positive whole number, not ${batchSize}`);
    }
    const { graph, parameters, buffers } = trainingGraph(model, { batchSize, optimizer, labelSmoothing });
    const state: Record<string, Tensor> = {};
    for (const [name, { value, initializer }] of parameters) {
      // A stream for each parameter: adding one to a model changes no other's initial values.
      state[name] = tensor(
        'float32',
        value.shape,
        initializer(value.shape, Random.fromSeed(seed, `init/${name}`)),
      );
    }
    for (const [name, { value, fill }] of buffers) {
      state[name] = tensor('float32', value.shape, new Float32Array(elementCount(value.shape)).fill(fill));
    }
    const weightNames = Object.keys(state);
    for (const [name, { value }] of parameters) {
      for (const slot of optimizer.slots) state[slotName(name, slot)] = zeros('float32', value.shape);
    }
    const program = await compile(graph, { device, threads });
    return new Trainer(model, options, program, state, weightNames);
  }

  /** Where the run stands. */
  get progress(): Progress {
    return this.#progress;
  }

  /** The parameters and running statistics by PyTorch's names. Valid until the next step: copy what has to last. */
  get weights(): Tensors {
    return Object.fromEntries(this.#weightNames.map((name) => [name, this.#stepper.state[name]]));
  }

  /** Everything it takes to continue the run elsewhere to the same bits. Valid until the next step. */
  get state(): TrainingState {
    return { tensors: this.#stepper.state, progress: this.#progress, standardization: this.#standardization };
  }

  /**
   * Takes a run up where it stood when `state` was read.
   *
   * @throws StateError naming the first tensor that another model or optimizer has otherwise
   */
  restore(state: TrainingState): void {
    checkState(this.#stepper.state, state.tensors);
    this.#stepper.set(state.tensors);
    this.#progress = state.progress;
    this.#standardization = state.standardization;
  }

  /**
   * Starts from the given weights (a pretrained model, say) instead of the random ones.
   *
   * @throws StateError naming the first tensor that is missing or has another shape
   */
  load(weights: Tensors): void {
    checkState(this.weights, weights);
    this.#stepper.set(weights);
  }

  /**
   * Trains until `epochs` are complete, from wherever the run stands.
   *
   * @throws DataError when the dataset does not fit the model or the batch size
   * @throws DivergenceError when the loss is no longer a number
   */
  async fit(dataset: ImageDataset, options: FitOptions): Promise<FitResult> {
    const { epochs, maxSteps = Infinity, augmentation = dataset.augmentation, onEvent, signal } = options;
    this.#adopt(dataset);
    const plan = {
      batchSize: this.batchSize,
      shuffle: true,
      last: 'drop' as const,
      ...(augmentation ? { augmentation } : {}),
    };
    const stepsPerEpoch = batchCount(imageCount(dataset.train), { ...plan, random: this.#progress.random });
    const steps = Math.min(epochs * stepsPerEpoch, maxSteps);
    const loader = loaderOf(dataset, dataset.train);
    const testLoader = loaderOf(dataset, dataset.test);
    let evaluation: Evaluation | undefined;
    try {
      while (this.#progress.step < steps || this.#epochIsToBeClosed(steps)) {
        const started = performance.now();
        const { epoch, stepInEpoch, random } = this.#progress;
        let stepStarted = started;
        for await (const batch of loader.epoch({ ...plan, random, start: stepInEpoch })) {
          if (this.#progress.step >= steps) break;
          const learningRate = this.#options.schedule.rate(this.#progress.step, steps);
          const { loss, correct } = await this.#step(batch, learningRate);
          const now = performance.now();
          await onEvent?.({
            event: 'step',
            step: this.#progress.step,
            steps,
            epoch: epoch + 1,
            loss,
            accuracy: correct / this.batchSize,
            learningRate,
            imagesPerSecond: (1000 * this.batchSize) / (now - stepStarted),
          });
          if (signal?.aborted) return { interrupted: true, evaluation };
          // An event handler may have taken its time (a checkpoint, say), which is no time of the next step.
          stepStarted = performance.now();
        }
        const { step, lossSum, correctSum, stepInEpoch: stepsDone } = this.#progress;
        evaluation = await this.#evaluate(testLoader, imageCount(dataset.test));
        this.#progress = {
          ...initialProgress(nextEpoch(random)),
          epoch: epoch + 1,
          step,
          bestAccuracy: Math.max(this.#progress.bestAccuracy, evaluation.accuracy),
        };
        await onEvent?.({
          event: 'epoch',
          epoch: epoch + 1,
          step,
          trainLoss: lossSum / stepsDone,
          trainAccuracy: correctSum / (stepsDone * this.batchSize),
          testLoss: evaluation.loss,
          testAccuracy: evaluation.accuracy,
          seconds: (performance.now() - started) / 1000,
        });
        if (signal?.aborted) return { interrupted: this.#progress.step < steps, evaluation };
      }
      return { interrupted: false, evaluation };
    } finally {
      await Promise.all([loader.close(), testLoader.close()]);
    }
  }

  /** Whether the run was stopped between its last step and the evaluation that belongs to it. */
  #epochIsToBeClosed(steps: number): boolean {
    return this.#progress.step === steps && this.#progress.stepInEpoch > 0;
  }

  /** The loss and accuracy over all images of a split, with the running statistics. */
  async evaluate(dataset: ImageDataset, split: Split = dataset.test): Promise<Evaluation> {
    this.#adopt(dataset);
    const loader = loaderOf(dataset, split);
    try {
      return await this.#evaluate(loader, imageCount(split));
    } finally {
      await loader.close();
    }
  }

  /** Frees the sessions. */
  async release(): Promise<void> {
    await this.#program.release();
    await this.#evaluation?.release();
  }

  async #step(batch: Batch, learningRate: number): Promise<{ loss: number; correct: number }> {
    const step = this.#progress.step + 1;
    const results = await this.#stepper.step({
      ...this.#inputs(batch),
      learning_rate: tensor('float32', [], [learningRate]),
      step: tensor('float64', [], [step]),
    });
    const [loss, correct] = [Number(results.loss.data[0]), Number(results.correct.data[0])];
    if (!Number.isFinite(loss)) {
      this.#stepper.undo();
      throw new DivergenceError(
        `the loss became ${loss} at step ${step} (epoch ${this.#progress.epoch + 1}): training has diverged; a lower learning rate or a warm-up may help`,
      );
    }
    const { lossSum, correctSum, stepInEpoch } = this.#progress;
    this.#progress = {
      ...this.#progress,
      step,
      stepInEpoch: stepInEpoch + 1,
      lossSum: lossSum + loss,
      correctSum: correctSum + correct,
    };
    return { loss, correct };
  }

  async #evaluate(loader: BatchLoader, images: number): Promise<Evaluation> {
    const { device, threads } = this.#options;
    this.#evaluation ??= await compile(evaluationGraph(this.model, this.batchSize).graph, {
      device,
      threads,
    });
    let [loss, correct] = [0, 0];
    const plan = {
      batchSize: this.batchSize,
      shuffle: false,
      last: 'pad' as const,
      random: this.#progress.random,
    };
    for await (const batch of loader.epoch(plan)) {
      const results = await this.#evaluation.run({ ...this.weights, ...this.#inputs(batch) });
      // The rows behind `count` are padding.
      for (let row = 0; row < batch.count; row++) {
        loss += Number(results.losses.data[row]);
        correct += Number(results.correct.data[row]);
      }
    }
    return { loss: loss / images, accuracy: correct / images };
  }

  #inputs({ images, labels }: Batch): Tensors {
    const { mean, deviation } = this.#standardization!;
    return {
      images: tensor('uint8', [this.batchSize, ...this.model.imageShape], images),
      labels: tensor('int32', [this.batchSize], labels),
      mean: tensor('float32', [mean.length], mean),
      deviation: tensor('float32', [deviation.length], deviation),
    };
  }

  /** Checks that the dataset fits the model, and takes over how its pixels are standardised. */
  #adopt({ name, imageShape, classNames, mean, deviation }: ImageDataset): void {
    const { model } = this;
    if (!sameImageShape(imageShape, model.imageShape) || classNames.length !== model.classes) {
      throw new RangeError(
        `${name} has ${classNames.length} classes of images [${imageShape.join(', ')}], but this ${model.name} takes ${model.classes} classes of images [${model.imageShape.join(', ')}]`,
      );
    }
    // A run keeps the standardisation it was begun with.
    this.#standardization ??= { mean, deviation };
  }
}

function sameImageShape(a: ImageShape, b: ImageShape): boolean {
  return a.every((length, axis) => length === b[axis]);
}

/** The generator at the beginning of the next epoch. */
function nextEpoch(random: Progress['random']): Progress['random'] {
  return Random.fromState(random).fork('next epoch').state;
}
