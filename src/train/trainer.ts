/** Training: a model, an optimizer, and the loop. */
import { batchCount } from '../data/batches.js';
import { checkSplits, checkStatistics } from '../data/check-dataset.js';
import { type ImageDataset, type Split, followedSplit, imageCount, imageSize } from '../data/dataset.js';
import type { Batch } from '../data/loader.js';
import { compile } from '../engine/compile.js';
import type { Program, Tensors } from '../engine/session.js';
import { Stepper } from '../engine/stepper.js';
import type { Model } from '../nn/model.js';
import { Random } from '../random/random.js';
import { type Tensor, tensor, zeros } from '../tensor/tensor.js';
import { checkFitOptions, checkTrainerOptions } from './check-options.js';
import { diverged } from './divergence.js';
import { type EvaluateOptions, Evaluator, imageInputs, type LearnedState } from './evaluator.js';
import { type Evaluation, type TrainingEvent, figuresOf } from './events.js';
import { initialSlots, initialWeights } from './initial-state.js';
import { checkFits, eventLoopTurn, loaderOf } from './loaders.js';
import type { FitOptions, FitResult, TrainerOptions } from './options.js';
import { type Progress, initialProgress, totalSteps } from './progress.js';
import { StateLock } from './state-lock.js';
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
  readonly #lock = new StateLock();
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
   * @throws RangeError for a batch size, number of threads, seed or label smoothing out of range
   * @throws GraphError when the model does not give the logits that it declares
   * @throws DeviceError where the device is not available
   */
  static async create(model: Model, options: TrainerOptions): Promise<Trainer> {
    checkTrainerOptions(options);
    const { batchSize = 128, seed = 0, optimizer, labelSmoothing, device, threads } = options;
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
   * @throws DataError for a standardisation that is none
   * @throws BusyError while the trainer is fitting or evaluating
   */
  restore(state: TrainingState): void {
    this.#lock.checkFree('restore()');
    checkState(this.#stepper.state, state.tensors);
    const { standardization } = state;
    if (standardization) checkStatistics(standardization, this.model.imageShape[0], 'The state of the run');
    this.#stepper.set(state.tensors);
    this.#progress = state.progress;
    this.#standardization = standardization;
  }

  /**
   * Starts from the given weights (a pretrained model, say) instead of the random ones.
   *
   * @throws StateError naming the first tensor that is missing or has another shape
   * @throws BusyError while the trainer is fitting or evaluating
   */
  load(weights: Tensors): void {
    this.#lock.checkFree('load()');
    checkState(this.weights, weights);
    this.#stepper.set(weights);
    this.#loaded = true;
  }

  /**
   * Trains until `epochs` are complete, from wherever the run stands.
   *
   * Follows the run on the validation images of a dataset that has some, and then never looks at the test images;
   * without them it follows the run on the test images, and chooses nothing.
   *
   * @throws RangeError for an option out of range
   * @throws DataError when the dataset does not fit the model or the batch size, or is not what it says: an empty
   *   split, a label that names no class, statistics of other pixels
   * @throws DivergenceError when the loss is no longer a number
   * @throws BusyError while another fit of this trainer goes on
   */
  async fit(dataset: ImageDataset, options: FitOptions): Promise<FitResult> {
    return this.#lock.fit(() => this.#fit(dataset, options));
  }

  async #fit(dataset: ImageDataset, options: FitOptions): Promise<FitResult> {
    checkFitOptions(options);
    const { epochs, maxSteps = Infinity, augmentation = dataset.augmentation, signal } = options;
    const { evaluateEvery = Infinity } = options;
    const report = async (event: TrainingEvent): Promise<void> => {
      if (options.onEvent) await this.#lock.handle(() => options.onEvent?.(event));
    };
    checkFits(dataset, this.model);
    checkSplits(dataset);
    this.#adopt(dataset);
    const followed = followedSplit(dataset);
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
      const found = await this.#evaluate(dataset, followed.split, signal);
      if (!found) return false;
      this.#checkEvaluation(found, followed.kind);
      evaluation = found;
      await report({ event: 'evaluation', step, epoch: epoch + 1, ...figuresOf(followed.kind, found) });
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
          await report({
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
        const evaluated = await this.#evaluate(dataset, followed.split, signal);
        if (!evaluated) return { interrupted: true, evaluation };
        evaluation = evaluated;
        this.#checkEvaluation(evaluation, followed.kind);
        const { bestAccuracy } = this.#progress;
        this.#progress = {
          ...initialProgress(nextEpoch(random)),
          epoch: epoch + 1,
          step,
          // On the test images nothing is chosen.
          ...(dataset.validation && { bestAccuracy: Math.max(bestAccuracy, evaluation.accuracy) }),
        };
        await report({
          event: 'epoch',
          epoch: epoch + 1,
          step,
          trainLoss: lossSum / stepsDone,
          trainAccuracy: correctSum / (stepsDone * this.batchSize),
          ...figuresOf(followed.kind, evaluation),
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

  /**
   * The loss and accuracy over all images of a split, with the running statistics.
   *
   * @throws DataError when the dataset does not fit the model, or a label of the split names no class
   * @throws BusyError while a fit goes on, except in its `onEvent`
   */
  async evaluate(dataset: ImageDataset, split: Split = dataset.test): Promise<Evaluation> {
    return this.#lock.read('evaluate()', async () => {
      checkFits(dataset, this.model);
      this.#adopt(dataset);
      return (await this.#evaluate(dataset, split))!;
    });
  }

  /**
   * The same with other weights of the model than the trainer's own, such as those of the run's best epoch.
   *
   * @param weights parameters and running statistics by PyTorch's names
   * @returns undefined when the signal was aborted before the end
   * @throws StateError naming the first weight that does not fit the model; otherwise as `evaluate`
   */
  async evaluateWeights(
    weights: Tensors,
    dataset: ImageDataset,
    options: EvaluateOptions = {},
  ): Promise<Evaluation | undefined> {
    return this.#lock.read('evaluateWeights()', async () => {
      checkFits(dataset, this.model);
      this.#adopt(dataset);
      const evaluator = await this.#evaluatorOf();
      return evaluator.evaluate({ ...this.#learned, weights }, dataset, options);
    });
  }

  /**
   * The logits of images, with the running statistics.
   *
   * @param images uint8 [N, channels, height, width]
   * @returns float32 [N, classes]
   * @throws RangeError before the trainer has seen a dataset, which says how pixels are standardised
   * @throws BusyError while a fit goes on, except in its `onEvent`
   */
  async predict(images: Uint8Array): Promise<Tensor<'float32'>> {
    if (!this.#standardization)
      throw new RangeError('a model predicts after training or evaluation, not before');
    return this.#lock.read('predict()', async () => {
      const evaluator = await this.#evaluatorOf();
      return evaluator.predict(this.#learned, images);
    });
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
  #checkEvaluation({ loss }: Evaluation, kind: 'validation' | 'test'): void {
    const { step, epoch } = this.#progress;
    if (Number.isFinite(loss)) return;
    throw diverged(`the ${kind} loss became ${loss} after step ${step} (epoch ${epoch + 1})`);
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

  /** Takes over how the pixels of a dataset are standardised; a run keeps the standardisation it was begun with. */
  #adopt({ mean, deviation }: ImageDataset): void {
    this.#standardization ??= { mean, deviation };
  }
}

/** The generator at the beginning of the next epoch. */
function nextEpoch(random: Progress['random']): Progress['random'] {
  return Random.fromState(random).fork('next epoch').state;
}
