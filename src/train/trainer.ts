/** Training: a model, an optimizer, and the loop. */
import { batchCount } from '../data/batches.js';
import { type ImageDataset, type Split, imageCount, imageSize } from '../data/dataset.js';
import type { Batch } from '../data/loader.js';
import { compile } from '../engine/compile.js';
import type { Program, Tensors } from '../engine/session.js';
import { Stepper } from '../engine/stepper.js';
import type { Model } from '../nn/model.js';
import { Random } from '../random/random.js';
import { type Tensor, tensor, zeros } from '../tensor/tensor.js';
import { diverged } from './divergence.js';
import { Evaluator, imageInputs, type LearnedState } from './evaluator.js';
import type { Evaluation } from './events.js';
import { initialSlots, initialWeights } from './initial-state.js';
import { checkFits, eventLoopTurn, loaderOf } from './loaders.js';
import type { FitOptions, FitResult, TrainerOptions } from './options.js';
import { type Progress, initialProgress, totalSteps } from './progress.js';
import { trainingGraph } from './step-graph.js';
import { type Standardization, type TrainingState, checkState } from './state.js';

/** Training images that a model's `fixedBuffers` are computed from, at most; the first ones, as they are. */
const FIXING_IMAGES = 1000;

/** Trains a model; it owns the model's weights and the optimizer's state. */
export class Trainer {
  readonly model: Model;
  readonly batchSize: number;
  readonly #options: TrainerOptions;
  readonly #program: Program;
  readonly #stepper: Stepper;
  /** The names of what the model holds, without the optimizer's state. */
  readonly #weightNames: readonly string[];
  #evaluator: Evaluator | undefined;
  #progress: Progress;
  #standardization: Standardization | undefined;
  /** Whether it starts from given weights, which bring the fixed buffers along. */
  #loaded = false;

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
    const traced = trainingGraph(model, { batchSize, optimizer, labelSmoothing });
    const weights = initialWeights(traced, seed);
    const state = { ...weights, ...initialSlots(traced, optimizer) };
    const program = await compile(traced.graph, { device, threads });
    return new Trainer(model, options, program, state, Object.keys(weights));
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
    this.#loaded = true;
  }

  /**
   * Trains until `epochs` are complete, from wherever the run stands.
   *
   * @throws DataError when the dataset does not fit the model or the batch size
   * @throws DivergenceError when the loss is no longer a number
   */
  async fit(dataset: ImageDataset, options: FitOptions): Promise<FitResult> {
    const { epochs, maxSteps = Infinity, augmentation = dataset.augmentation, onEvent, signal } = options;
    const { evaluateEvery = Infinity } = options;
    if (!(evaluateEvery >= 1 && (Number.isSafeInteger(evaluateEvery) || evaluateEvery === Infinity))) {
      throw new RangeError(`evaluateEvery must be a positive whole number, not ${evaluateEvery}`);
    }
    this.#adopt(dataset);
    const plan = {
      batchSize: this.batchSize,
      shuffle: true,
      last: 'drop' as const,
      ...(augmentation ? { augmentation } : {}),
    };
    const stepsPerEpoch = batchCount(imageCount(dataset.train), plan);
    const steps = totalSteps(this.#progress, stepsPerEpoch, epochs, maxSteps);
    const loader = loaderOf(dataset, dataset.train);
    let evaluation: Evaluation | undefined;
    /** Evaluates where it is due within an epoch. Returns false when that was interrupted. */
    const evaluateIfDue = async (): Promise<boolean> => {
      const { step, epoch } = this.#progress;
      if (evaluateEvery === Infinity || step % evaluateEvery !== 0) return true;
      const found = await this.#evaluate(dataset, dataset.test, signal);
      if (!found) return false;
      this.#checkEvaluation(found);
      evaluation = found;
      await onEvent?.({
        event: 'evaluation',
        step,
        epoch: epoch + 1,
        testLoss: found.loss,
        testAccuracy: found.accuracy,
      });
      return true;
    };
    try {
      if (this.#progress.step === 0 && !this.#loaded) this.#fixBuffers(dataset);
      // Before the first step; or a run was stopped between a step and the evaluation after it. After a complete
      // epoch there is an evaluation already.
      const { step: begun, stepInEpoch: inEpoch } = this.#progress;
      if ((begun === 0 || (inEpoch > 0 && inEpoch < stepsPerEpoch)) && begun < steps) {
        if (!(await evaluateIfDue())) return { interrupted: true, evaluation };
      }
      while (this.#progress.step < steps || this.#epochIsToBeClosed(steps)) {
        const started = performance.now();
        const { epoch, stepInEpoch, random } = this.#progress;
        let stepStarted = started;
        const batches =
          this.#progress.step < steps ? loader.epoch({ ...plan, random, start: stepInEpoch }) : [];
        for await (const batch of batches) {
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
          // A step blocks the event loop, and a batch that is ready does not let it turn: whoever would abort the
          // signal, or draw a progress bar, gets the chance here.
          await eventLoopTurn();
          if (signal?.aborted) return { interrupted: true, evaluation };
          if (this.#progress.step >= steps) break;
          if (this.#progress.stepInEpoch < stepsPerEpoch && !(await evaluateIfDue())) {
            return { interrupted: true, evaluation };
          }
          // An event handler may have taken its time (a checkpoint, say), which is no time of the next step.
          stepStarted = performance.now();
        }
        const { step, lossSum, correctSum, stepInEpoch: stepsDone } = this.#progress;
        const evaluated = await this.#evaluate(dataset, dataset.test, signal);
        if (!evaluated) return { interrupted: true, evaluation };
        evaluation = evaluated;
        this.#checkEvaluation(evaluation);
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
        await eventLoopTurn();
        if (signal?.aborted) return { interrupted: this.#progress.step < steps, evaluation };
      }
      return { interrupted: false, evaluation };
    } finally {
      await loader.close();
    }
  }

  /** Whether the run was stopped between its last step and the evaluation that belongs to it. */
  #epochIsToBeClosed(steps: number): boolean {
    return this.#progress.step === steps && this.#progress.stepInEpoch > 0;
  }

  /** The loss and accuracy over all images of a split, with the running statistics. */
  async evaluate(dataset: ImageDataset, split: Split = dataset.test): Promise<Evaluation> {
    this.#adopt(dataset);
    return (await this.#evaluate(dataset, split))!;
  }

  /**
   * The logits of images, with the running statistics.
   *
   * @param images uint8 [N, channels, height, width]
   * @returns float32 [N, classes]
   * @throws RangeError before the trainer has seen a dataset, which says how pixels are standardised
   */
  async predict(images: Uint8Array): Promise<Tensor<'float32'>> {
    if (!this.#standardization)
      throw new RangeError('a model predicts after training or evaluation, not before');
    return (await this.#evaluatorOf()).predict(this.#learned, images);
  }

  /** Frees the sessions. */
  async release(): Promise<void> {
    await this.#program.release();
    await this.#evaluator?.release();
  }

  async #step(batch: Batch, learningRate: number): Promise<{ loss: number; correct: number }> {
    const step = this.#progress.step + 1;
    const results = await this.#stepper.step({
      ...imageInputs(this.model, this.#standardization!, batch.images, batch.labels),
      learning_rate: tensor('float32', [], [learningRate]),
      step: tensor('float64', [], [step]),
    });
    const [loss, correct] = [Number(results.loss.data[0]), Number(results.correct.data[0])];
    if (!Number.isFinite(loss)) {
      this.#stepper.undo();
      throw diverged(`the loss became ${loss} at step ${step} (epoch ${this.#progress.epoch + 1})`);
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

  async #evaluate(
    dataset: ImageDataset,
    split: Split,
    signal?: AbortSignal,
  ): Promise<Evaluation | undefined> {
    const evaluator = await this.#evaluatorOf();
    return evaluator.evaluate(this.#learned, dataset, { split, ...(signal && { signal }) });
  }

  /** @throws DivergenceError */
  #checkEvaluation({ loss }: Evaluation): void {
    const { step, epoch } = this.#progress;
    if (Number.isFinite(loss)) return;
    throw diverged(`the test loss became ${loss} after step ${step} (epoch ${epoch + 1})`);
  }

  /** Computes the buffers that a model takes from the training images. */
  #fixBuffers({ train, imageShape }: ImageDataset): void {
    const { fixedBuffers } = this.model;
    if (!fixedBuffers) return;
    const count = Math.min(imageCount(train), FIXING_IMAGES);
    const { mean, deviation } = this.#standardization!;
    const [channels, height, width] = imageShape;
    const values = Float32Array.from({ length: count * imageSize(imageShape) }, (_, i) => {
      const channel = Math.floor(i / (height * width)) % channels;
      return (train.images[i] / 255 - mean[channel]) / deviation[channel];
    });
    this.#stepper.set(fixedBuffers(tensor('float32', [count, ...imageShape], values)));
  }

  /** Made when it is first needed. */
  async #evaluatorOf(): Promise<Evaluator> {
    const { device, threads } = this.#options;
    this.#evaluator ??= await Evaluator.create(this.model, { batchSize: this.batchSize, device, threads });
    return this.#evaluator;
  }

  get #learned(): LearnedState {
    return { weights: this.weights, standardization: this.#standardization! };
  }

  /** Checks that the dataset fits the model, and takes over how its pixels are standardised. */
  #adopt(dataset: ImageDataset): void {
    checkFits(dataset, this.model);
    // A run keeps the standardisation it was begun with.
    this.#standardization ??= { mean: dataset.mean, deviation: dataset.deviation };
  }
}

/** The generator at the beginning of the next epoch. */
function nextEpoch(random: Progress['random']): Progress['random'] {
  return Random.fromState(random).fork('next epoch').state;
}
