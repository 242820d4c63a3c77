/** Training: a model, an optimizer, and their state. */
import { checkLabelRange, checkSplits, checkStatistics } from '../data/check-dataset.js';
import { oneHot } from '../data/mixing.js';
import { type ImageDataset, type Images, imageCount, imageSize } from '../data/dataset.js';
import type { Tensors } from '../engine/session.js';
import type { ProcessGroup } from '../engine/process-group.js';
import { stateName } from '../graph/state-names.js';
import { figureOf } from '../nn/metrics.js';
import { isFileModel } from '../models/file-model-options.js';
import type { Model } from '../nn/model.js';
import { viewCount } from '../nn/test-views.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { Random } from '../random/random.js';
import { OptionError } from '../tensor/option-error.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { withCallbacks } from './callbacks/with-callbacks.js';
import { checkTrainerOptions } from './check-options.js';
import { diverged } from './divergence.js';
import { type EvaluateOptions, Evaluator, type LearnedInputs, imageInputs } from './evaluator.js';
import { type Evaluation, type TrainingEvent, evaluationOf } from './events.js';
import { initialCopies, needsImages, weightsFromImages } from './initial-state.js';
import { checkFits, firstImages } from './loaders.js';
import type {
  FitOptions,
  FitResult,
  RunOptions,
  StepOptions,
  StepResult,
  TrainerOptions,
  TrainingBatch,
} from './options.js';
import { checkStages, sizeAt } from './progressive.js';
import { type Progress, initialProgress } from './progress.js';
import { anywhere, checkSame, gathered } from './ranks.js';
import { runEntries } from './run-entries.js';
import { agreeOnState } from './state-agreement.js';
import { type StepBatch, type StepPlan, runEpochs } from './run.js';
import { StateLock } from './state-lock.js';
import { metricName } from './step-graph.js';
import { checkTrainingStages } from './stages.js';
import { TrainerStep } from './trainer-step.js';
import { emaName, learningRateName } from './training-graph.js';
import { type Standardization, StateError, type TrainingState, checkState } from './state.js';

/** Training images that initial values are computed from, at most; the first ones, as they are. */
const FIRST_IMAGES = 1000;

/** Trains a model; it owns the model's weights and the optimizer's state. */
export class Trainer {
  readonly model: Model;
  /** The model with the transforms of its gradients. */
  readonly trainable: Trainable;
  readonly batchSize: number;
  readonly options: TrainerOptions;
  readonly #step: TrainerStep;
  readonly #lock = new StateLock();
  #evaluator: Evaluator | undefined;
  #progress: Progress;
  #standardization: Standardization | undefined;
  /** Whether it starts from given weights, which bring along what images would have decided on. */
  #loaded = false;

  private constructor(given: Trainable, options: TrainerOptions, step: TrainerStep) {
    const { batchSize = 128, seed = 0, stages } = options;
    this.trainable = given;
    this.model = given.model;
    this.batchSize = batchSize;
    this.options = options;
    this.#step = step;
    const stage = stages && { index: 0, step: 0 };
    this.#progress = initialProgress(Random.fromSeed(seed, 'batches').state, stage);
    this.#standardization = options.standardization;
  }

  /**
   * Builds and compiles the training step of a model, and draws its initial weights.
   *
   * @param given the model, or what `tract` makes of it
   * @throws OptionError for an option out of range, or a parameter group that selects nothing
   * @throws GraphError when the model does not give the logits that it declares
   * @throws DeviceError where the device is not available
   */
  static create(given: Model | Trainable, options: TrainerOptions): Promise<Trainer> {
    return Trainer.createIn(0, given, options);
  }

  /** The same for a run that goes on in a stage. @internal */
  static async createIn(stage: number, given: Model | Trainable, options: TrainerOptions): Promise<Trainer> {
    checkTrainerOptions(options);
    const { stages, groups, optimizer, standardization } = options;
    const { model, transforms } = trainable(given);
    checkStages(options.progressive ?? [], model);
    if (stages) checkTrainingStages(stages, model, groups, optimizer);
    if (standardization) checkStatistics(standardization, model.imageShape[0], 'The standardization');
    const step = await TrainerStep.create({ model, transforms }, options, stage);
    return new Trainer({ model, transforms }, options, step);
  }

  /** Where the run stands. */
  get progress(): Progress {
    return this.#progress;
  }

  /** How pixels are standardised; undefined before the first dataset or batch has said so. */
  get standardization(): Standardization | undefined {
    return this.#standardization;
  }

  /** The processes that train together; undefined where this one is alone. */
  get group(): ProcessGroup | undefined {
    return this.options.group;
  }

  /** Images of a step that this process computes. */
  get rows(): number {
    return this.batchSize / (this.group?.size ?? 1);
  }

  /** The names of the parameters and buffers, PyTorch's. */
  get weightNames(): readonly string[] {
    return this.#step.weightNames;
  }

  /**
   * A copy of the parameters and buffers by PyTorch's names: with an `emaDecay` of their means.
   *
   * @param wanted some of them; the others stay where they are, on a GPU, say. Default: all
   * @throws RangeError for a name that the model does not have
   */
  async weights(wanted?: readonly string[]): Promise<Tensors> {
    const stored = this.#evaluated;
    const names = wanted ?? [...stored.keys()];
    const unknown = names.find((name) => !stored.has(name));
    if (unknown !== undefined) throw new RangeError(`${this.model.name} has no weights "${unknown}"`);
    const read = await this.#step.store.read(names.map((name) => stored.get(name)!));
    return Object.fromEntries(names.map((name) => [name, read[stored.get(name)!]]));
  }

  /** A copy of everything it takes to continue the run elsewhere to the same bits. */
  async state(): Promise<TrainingState> {
    const [progress, standardization] = [this.#progress, this.#standardization];
    const { weightNames } = this;
    const tensors = await this.#step.store.read();
    return { tensors, weightNames, progress, ...(standardization && { standardization }) };
  }

  /**
   * Takes a run up where it stood when `state` was read.
   *
   * @throws StateError naming the first tensor that another model or optimizer has otherwise
   * @throws DataError for a standardisation that is none
   * @throws BusyError while the trainer is training or evaluating
   */
  restore(state: TrainingState): void {
    this.#lock.checkFree('restore()');
    const { stages } = this.options;
    const { stage } = state.progress;
    if (stages === undefined ? stage : !(stage && stage.index < stages.length))
      throw new StateError('the state is of a run with other stages');
    const { standardization } = state;
    if (standardization) checkStatistics(standardization, this.model.imageShape[0], 'The state of the run');
    this.#step.restore(stage?.index ?? 0, state.tensors);
    this.#progress = state.progress;
    this.#standardization = standardization ?? this.options.standardization;
  }

  /**
   * Starts from the given weights (a pretrained model, say) instead of the random ones.
   *
   * @throws StateError naming the first tensor that is missing or has another shape
   * @throws BusyError while the trainer is training or evaluating
   */
  load(weights: Tensors): void {
    this.#lock.checkFree('load()');
    const { types } = this.#step.store;
    checkState(Object.fromEntries(this.weightNames.map((name) => [name, types[name]])), weights);
    this.#step.store.write({ ...weights, ...initialCopies(this.#step.graph, weights) });
    this.#loaded = true;
  }

  /**
   * Makes one step on a batch of your own: the loop is yours.
   *
   * @throws RangeError where the batch does not fit
   * @throws OptionError where the learning rate is not known: with a schedule that depends on the length of the run,
   *   give `steps` to `create`, or the rate here
   * @throws DataError for a label that names no class
   * @throws DivergenceError when the loss is no longer a number; the state is then that of the step before
   * @throws BusyError while a run of this trainer goes on
   */
  async step(batch: TrainingBatch, { learningRate }: StepOptions = {}): Promise<StepResult> {
    this.#lock.checkFree('step()');
    const { rows, model } = this;
    const size = rows * imageSize(model.imageShape);
    if (batch.labels.length !== rows || batch.images.length !== size) {
      throw new RangeError(
        `a step takes ${rows} images [${model.imageShape.join(', ')}] and labels, that is ${size} bytes, not ${batch.labels.length} labels and ${batch.images.length} bytes`,
      );
    }
    checkLabelRange(batch.labels, model.classes, 'The batch');
    if (!this.#standardization) {
      throw new OptionError(
        'a step needs to know how pixels are standardised; give standardization: { mean, deviation } to Trainer.create',
      );
    }
    const labels = batch.labels instanceof Int32Array ? batch.labels : Int32Array.from(batch.labels);
    const { images, targets } = batch;
    if (targets && !this.options.mixing)
      throw new OptionError('a step takes targets where Trainer.create was given mixing, and only there');
    if (targets && targets.length !== rows * model.classes) {
      throw new RangeError(
        `targets are [${rows}, ${model.classes}], ${rows * model.classes} numbers, not ${targets.length}`,
      );
    }
    const { steps } = this.options;
    const plan = steps === undefined ? {} : { steps };
    return this.makeStep({ images, labels, ...(targets && { targets }) }, plan, learningRate);
  }

  /**
   * Trains until `epochs` are complete, from wherever the run stands, and tells what happens as it goes on. Between two
   * events the trainer waits; leaving the loop ends the run there.
   *
   * Follows the run on the validation images of a dataset that has some, and then never looks at the test images;
   * without them it follows the run on the test images, and chooses nothing.
   *
   * @throws OptionError for an option out of range
   * @throws DataError when the dataset does not fit the model or the batch size, or is not what it says: an empty
   *   split, a label that names no class, statistics of other pixels
   * @throws DivergenceError when the loss is no longer a number
   * @throws BusyError while another run of this trainer goes on
   * @throws ProcessGroupError where the run is one of several processes, which were not given the same, or of which one
   *   does not answer
   */
  async *run(
    dataset: ImageDataset,
    options: RunOptions,
  ): AsyncGenerator<TrainingEvent, FitResult, undefined> {
    await this.#lock.begin();
    try {
      checkFits(dataset, this.model);
      checkSplits(dataset);
      this.#adopt(dataset);
      if (this.group) await checkSame(this.group, await runEntries(this, dataset, options));
      if (this.#progress.step === 0 && !this.#loaded) await this.#computeFromImages(dataset);
      const events = runEpochs(this, dataset, options);
      try {
        for (;;) {
          const { done, value } = await events.next();
          if (done) return value;
          this.#lock.wait();
          yield value;
          await this.#lock.goOn();
        }
      } finally {
        await events.return({ interrupted: true });
      }
    } finally {
      this.#lock.end();
    }
  }

  /** `run` to its end, with the events handed to callbacks. @throws as `run` does, and what a callback throws */
  async fit(dataset: ImageDataset, options: FitOptions): Promise<FitResult> {
    const { onEvent, callbacks = [], ...runOptions } = options;
    const { group } = this;
    const all = group && group.rank > 0 ? [] : onEvent ? [onEvent, ...callbacks] : callbacks;
    return withCallbacks(all, async (tell) => {
      const events = this.run(dataset, runOptions);
      let evaluation: Evaluation | undefined;
      try {
        for (;;) {
          const { done, value } = await events.next();
          if (done) return value;
          if (value.event !== 'step') evaluation = evaluationOf(value);
          if (await anywhere(group, await tell(value)))
            return { interrupted: true, ...(evaluation && { evaluation }) };
        }
      } finally {
        await events.return({ interrupted: true });
      }
    });
  }

  /**
   * The loss and accuracy over all images of a split, with the running statistics.
   *
   * @throws DataError when the dataset does not fit the model, or a label of the split names no class
   * @throws BusyError while a run goes on, except while one of its events is handled
   */
  async evaluate(dataset: ImageDataset, split: Images = dataset.test): Promise<Evaluation> {
    return this.#lock.read('evaluate()', async () => {
      checkFits(dataset, this.model);
      this.#adopt(dataset);
      return (await this.evaluateSplit(dataset, split))!;
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
      return evaluator.evaluate({ weights, standardization: this.#standardization! }, dataset, options);
    });
  }

  /**
   * The logits of images, with the running statistics.
   *
   * @param images uint8 [N, channels, height, width]
   * @returns float32 [N, classes]
   * @throws RangeError before the trainer knows how pixels are standardised, which a dataset says
   * @throws BusyError while a run goes on, except while one of its events is handled
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
    await this.#step.release();
    await this.#evaluator?.release();
  }

  /**
   * What `step` and `run` have in common: a step on images and labels that are known to fit.
   *
   * @param plan where it is in the run, as far as that is known
   * @internal
   */
  async makeStep(
    { images, labels, targets }: StepBatch,
    { steps, stage }: StepPlan,
    learningRate?: number,
  ): Promise<StepResult> {
    const { stages } = this.options;
    if (stages) {
      if (!stage)
        throw new OptionError(
          'stages are counted in epochs, of run() and fit(); for a loop of your own make a trainer for each',
        );
      if (this.#progress.stage!.index !== stage.index) await this.#enter(stage.index);
    }
    const begun = this.#progress.stage?.step ?? 0;
    const step = this.#progress.step + 1;
    const factor = stages?.[this.#step.stage].learningRateFactor ?? 1;
    const { metrics = [] } = this.options;
    const [common] = this.#step.graph.optimizers;
    const rates = this.#step.graph.optimizers.map(({ schedule, name }, i) => {
      if (learningRate !== undefined) {
        const ratio = i === 0 ? 1 : schedule.config.lr / common.schedule.config.lr;
        // A schedule of one's own need not say its highest rate, and a rate of 0 has no ratio to others.
        if (Number.isFinite(ratio)) return learningRate * ratio;
      }
      if (steps === undefined && schedule.name !== 'constant') {
        throw new OptionError(
          `the ${schedule.name} schedule of ${name} depends on the length of the run; give steps to Trainer.create, or learningRate to step()`,
        );
      }
      return factor * schedule.rate(step - begun - 1, (stage?.end ?? steps ?? Infinity) - begun);
    });
    const runner = await this.#step.runnerOf(this.#sizeAt(step, steps));
    this.group?.takeTimes();
    const results = await runner.step(this.#step.store, {
      ...imageInputs(this.model, this.#standardization!, images, labels),
      ...(this.options.mixing && { targets: this.#targetsOf(labels, targets) }),
      ...Object.fromEntries(rates.map((rate, i) => [learningRateName(i), tensor('float32', [], [rate])])),
      step: tensor('float64', [], [step - begun]),
      ...(await this.#labelWeight(labels)),
    });
    const [loss, correct] = [Number(results.loss.data[0]), Number(results.correct.data[0])];
    if (!Number.isFinite(loss)) {
      this.#step.store.undo();
      throw diverged(`the loss became ${loss} at step ${step} (epoch ${this.#progress.epoch + 1})`);
    }
    const times = this.group?.takeTimes();
    const { lossSum, correctSum, stepInEpoch } = this.#progress;
    this.#progress = {
      ...this.#progress,
      step,
      stepInEpoch: stepInEpoch + 1,
      lossSum: lossSum + loss,
      correctSum: correctSum + correct,
    };
    const figures = metrics.map((metric) => {
      const sums = toNumbers(results[metricName(metric)]);
      return [metric.name, figureOf(metric, sums, this.batchSize)];
    });
    return {
      step,
      loss,
      accuracy: correct / this.batchSize,
      learningRate: rates[0],
      ...(times && { waitingSeconds: times.waiting, communicationSeconds: times.communication }),
      ...(figures.length > 0 && { metrics: Object.fromEntries(figures) as StepResult['metrics'] }),
    };
  }

  /** What the losses of several shards are divided by, where classes have weights: that of all labels of the batch. */
  async #labelWeight(labels: Int32Array): Promise<Tensors> {
    const { classWeights, shards = 1, mixing } = this.options;
    if (!classWeights || shards === 1 || mixing) return {};
    const counts = new Int32Array(classWeights.length);
    for (const label of labels) counts[label]++;
    const all = this.group ? await gathered(this.group, counts) : [counts];
    const total = classWeights.reduce(
      (sum, weight, label) => sum + weight * all.reduce((count, own) => count + own[label], 0),
      0,
    );
    return { label_weight: tensor('float32', [], [total]) };
  }

  #targetsOf(labels: Int32Array, targets?: Float32Array): Tensor<'float32'> {
    const { classes } = this.model;
    return tensor('float32', [labels.length, classes], targets ?? oneHot(labels, classes));
  }

  /** The size of images in a step; undefined for their own. */
  #sizeAt(step: number, steps: number | undefined): number | undefined {
    const { progressive = [] } = this.options;
    if (progressive.length === 0) return undefined;
    if (steps !== undefined) return sizeAt(progressive, step - 1, steps);
    throw new OptionError(
      'progressive resizing depends on the length of the run; give steps to Trainer.create',
    );
  }

  /** Begins a stage with the weights of the one before. */
  async #enter(index: number): Promise<void> {
    await this.#step.enter(index);
    this.#progress = { ...this.#progress, stage: { index, step: this.#progress.step } };
  }

  /** An epoch is complete. @internal */
  closeEpoch(progress: Progress): void {
    this.#progress = progress;
  }

  /** Makes sure that all processes have the same state: that of rank 0, where they differ. @internal */
  async agree(): Promise<void> {
    if (this.group) await agreeOnState(this.group, this.#step.store, this.#progress.step);
  }

  /** @internal */
  async evaluateSplit(
    dataset: ImageDataset,
    split: Images,
    signal?: AbortSignal,
  ): Promise<Evaluation | undefined> {
    const evaluator = await this.#evaluatorOf();
    return evaluator.evaluate(this.#learned, dataset, { split, ...(signal && { signal }) });
  }

  /** Computes the initial values that images decide on. */
  async #computeFromImages(dataset: ImageDataset): Promise<void> {
    if (!needsImages(this.#step.graph)) return;
    const { train, imageShape } = dataset;
    const batchSize = Math.min(imageCount(train), FIRST_IMAGES);
    const { images } = await firstImages(dataset, train, batchSize);
    const { mean, deviation } = this.#standardization!;
    const [channels, height, width] = imageShape;
    const values = Float32Array.from({ length: images.length }, (_, i) => {
      const channel = Math.floor(i / (height * width)) % channels;
      return (images[i] / 255 - mean[channel]) / deviation[channel];
    });
    const first = tensor('float32', [batchSize, ...imageShape], values);
    const weights = weightsFromImages(this.#step.graph, first);
    this.#step.store.write({ ...weights, ...initialCopies(this.#step.graph, weights) });
  }

  /** Made when it is first needed. */
  async #evaluatorOf(): Promise<Evaluator> {
    const { device, threads, metrics, testViews = 'none', group } = this.options;
    this.#evaluator ??= await Evaluator.create(this.model, {
      // As many images in memory as in a step, all views counted.
      batchSize: Math.max(1, Math.floor(this.batchSize / viewCount[testViews])),
      testViews,
      ...(group && { group }),
      ...(metrics && { metrics }),
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
    });
    return this.#evaluator;
  }

  /** The weights' names, and those of what is evaluated in their place. */
  get #evaluated(): Map<string, string> {
    const averaged = new Set(this.#step.graph.averaged);
    return new Map(this.weightNames.map((name) => [name, averaged.has(name) ? emaName(name) : name]));
  }

  get #learned(): LearnedInputs {
    const names = this.#evaluated;
    const inputs = this.#step.store.inputs([...names.values()]);
    return {
      inputs: Object.fromEntries(
        [...names].map(([name, stored]) => [stateName(name), inputs[stateName(stored)]]),
      ),
      standardization: this.#standardization!,
    };
  }

  /**
   * Takes over how the pixels of a dataset are standardised, where the model does not say so; a run keeps the
   * standardisation it was begun with.
   */
  #adopt({ mean, deviation }: ImageDataset): void {
    const own = isFileModel(this.model) ? this.model.file.standardization : undefined;
    this.#standardization ??= own ?? { mean, deviation };
  }
}
