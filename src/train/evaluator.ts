/** Evaluation and prediction: a model's forward pass over images, with given weights. */
import { checkImages, checkStatistics } from '../data/check-dataset.js';
import { imageCount, type ImageDataset, type Images, imageSize } from '../data/dataset.js';
import { compile } from '../engine/compile.js';
import type { Device } from '../engine/device.js';
import type { ProcessGroup } from '../engine/process-group.js';
import { type Program, type RuntimeTensors, type Tensors, toRuntime } from '../engine/session.js';
import type { Graph } from '../graph/graph.js';
import { stateName } from '../graph/state-names.js';
import { type Metric, figureOf } from '../nn/metrics.js';
import type { Model } from '../nn/model.js';
import { type TestViews, withTestViews } from '../nn/test-views.js';
import type { Batch } from '../data/loader.js';
import { type Shape, type Tensor, elementCount, tensor } from '../tensor/tensor.js';
import { checkTrainerOptions } from './check-options.js';
import type { Evaluation } from './events.js';
import { checkFits, evaluationPlan, eventLoopTurn, loaderOf } from './loaders.js';
import { gathered } from './ranks.js';
import { type Standardization, checkState } from './state.js';
import { evaluationGraph, metricName, modelTensors } from './step-graph.js';

/** What a model has learned, and the pixels it learned it on. */
export interface LearnedState {
  /** Parameters and running statistics by PyTorch's names. */
  readonly weights: Tensors;
  readonly standardization: Standardization;
}

/** The same where the weights are inputs of ONNX Runtime's already, wherever they lie. */
export interface LearnedInputs {
  readonly inputs: RuntimeTensors;
  readonly standardization: Standardization;
}

/** How a model is evaluated. */
export interface EvaluatorOptions {
  /** Images at once. Default 128. */
  readonly batchSize?: number;
  /** What is measured beside loss and accuracy. Default nothing. */
  readonly metrics?: readonly Metric[];
  /** In which views an image is shown; what is answered is the mean over them. Default `none`: as it is. */
  readonly testViews?: TestViews;
  /** Default `cpu`. */
  readonly device?: Device;
  /** Threads of one operator. Default: one a core. */
  readonly threads?: number;
  /** The processes that share the batches, and all get the figures; the same for any number. Default: this one alone. */
  readonly group?: ProcessGroup;
}

/** Which images are evaluated. */
export interface EvaluateOptions {
  /** Default: the test split. */
  readonly split?: Images;
  /** Called with the logits [images, classes] of each batch, in the order of the split; of several processes not. */
  readonly onLogits?: (logits: Float32Array, labels: Int32Array) => void;
  /** Aborting finishes the batch and gives up; of several processes any one of them ends it for all. */
  readonly signal?: AbortSignal;
}

/** Evaluates a model; the weights come with every call, because those of a model in training change. */
export class Evaluator {
  readonly model: Model;
  readonly batchSize: number;
  readonly #metrics: readonly Metric[];
  readonly #program: Program;
  readonly #group: ProcessGroup | undefined;
  /** The results that are summed, with their shapes. */
  readonly #summed: readonly (readonly [name: string, shape: Shape])[];

  private constructor(model: Model, options: EvaluatorOptions, graph: Graph, program: Program) {
    const { batchSize = 128, metrics = [], group } = options;
    this.model = model;
    this.batchSize = batchSize;
    this.#metrics = metrics;
    this.#program = program;
    this.#group = group;
    const summed = ['losses', 'correct', ...metrics.map(metricName)];
    this.#summed = summed.map((name) => [name, graph.outputs.get(name)!.shape]);
  }

  /**
   * Builds and compiles a model's forward pass.
   *
   * @throws OptionError for a batch size or number of threads out of range
   * @throws DeviceError where the device is not available
   */
  static async create(model: Model, options: EvaluatorOptions = {}): Promise<Evaluator> {
    checkTrainerOptions(options);
    const { batchSize = 128, metrics = [], testViews = 'none', device, threads } = options;
    const { graph } = evaluationGraph(withTestViews(model, testViews), batchSize, metrics);
    const program = await compile(graph, { device, threads });
    return new Evaluator(model, options, graph, program);
  }

  /**
   * The loss and accuracy over all images of a split, with the running statistics.
   *
   * @returns undefined when the signal was aborted before the end
   * @throws DataError when the dataset does not fit the model, or a label of the split names no class
   * @throws StateError naming the first weight that does not
   */
  async evaluate(
    learned: LearnedState | LearnedInputs,
    dataset: ImageDataset,
    options: EvaluateOptions = {},
  ): Promise<Evaluation | undefined> {
    const { split = dataset.test, onLogits, signal } = options;
    const { model } = this;
    checkFits(dataset, model);
    checkImages(dataset, nameOf(split, dataset), split);
    const inputs = this.#inputsOf(learned);
    let [loss, correct] = [0, 0];
    const sums = this.#metrics.map((): number[] => []);
    const evaluate = async ({ images, labels, count }: Batch): Promise<Tensors> => {
      const results = await this.#run(inputs, learned.standardization, images, labels);
      const logits = results.logits.data as Float32Array;
      if (!this.#group) onLogits?.(logits.subarray(0, count * model.classes), labels.subarray(0, count));
      return results;
    };
    for await (const { results, count } of this.#batches(dataset, split, evaluate, signal)) {
      if (!results) return undefined;
      // The rows behind `count` are padding.
      for (let row = 0; row < count; row++) {
        loss += Number(results.losses.data[row]);
        correct += Number(results.correct.data[row]);
      }
      this.#metrics.forEach((metric, i) => {
        addRows(sums[i], results[metricName(metric)], count);
      });
    }
    const images = imageCount(split);
    const figures = this.#metrics.map((metric, i) => [metric.name, figureOf(metric, sums[i], images)]);
    return {
      loss: loss / images,
      accuracy: correct / images,
      ...(figures.length > 0 && { metrics: Object.fromEntries(figures) as Evaluation['metrics'] }),
    };
  }

  /**
   * The logits of images.
   *
   * @param images uint8 [N, channels, height, width], any number of them
   * @returns float32 [N, classes]
   * @throws StateError naming the first weight that does not fit the model
   */
  async predict(learned: LearnedState | LearnedInputs, images: Uint8Array): Promise<Tensor<'float32'>> {
    const { batchSize, model } = this;
    const inputs = this.#inputsOf(learned);
    const size = imageSize(model.imageShape);
    if (images.length === 0 || images.length % size !== 0) {
      throw new RangeError(
        `${images.length} bytes are not a whole number of images [${model.imageShape.join(', ')}]`,
      );
    }
    const count = images.length / size;
    const logits = new Float32Array(count * model.classes);
    for (let first = 0; first < count; first += batchSize) {
      const rows = Math.min(batchSize, count - first);
      const batch = new Uint8Array(batchSize * size);
      batch.set(images.subarray(first * size, (first + rows) * size));
      const results = await this.#run(inputs, learned.standardization, batch, new Int32Array(batchSize));
      const part = (results.logits.data as Float32Array).subarray(0, rows * model.classes);
      logits.set(part, first * model.classes);
    }
    return tensor('float32', [count, model.classes], logits);
  }

  /** Frees the session. */
  async release(): Promise<void> {
    await this.#program.release();
  }

  /**
   * What comes of each batch of a split, in order: of several processes each evaluates one, in turn, and gets the
   * others'.
   *
   * @returns without results, and nothing more, where the signal was aborted
   */
  async *#batches(
    dataset: ImageDataset,
    split: Images,
    evaluate: (batch: Batch) => Promise<Tensors>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ readonly results: Tensors | undefined; readonly count: number }> {
    const { batchSize } = this;
    const { rank, size } = this.#group ?? { rank: 0, size: 1 };
    const images = imageCount(split);
    const batches = Math.ceil(images / batchSize);
    const loader = loaderOf(dataset, split);
    try {
      const plan = { batchSize, last: 'pad' as const, ...evaluationPlan(dataset) };
      const own = loader.epoch({ ...plan, start: Math.min(rank, batches), stride: size });
      const iterator = own[Symbol.asyncIterator]();
      for (let first = 0; first < batches; first += size) {
        const next = await iterator.next();
        await eventLoopTurn();
        const stopped = signal?.aborted ?? false;
        const results = next.done || stopped ? undefined : await evaluate(next.value);
        const all = this.#group ? await this.#shared(this.#group, results, stopped) : [results];
        for (const [i, one] of all.entries()) {
          const count = Math.min(batchSize, images - (first + i) * batchSize);
          if (count > 0) yield { results: one, count };
        }
      }
    } finally {
      await loader.close();
    }
  }

  /** The results of one batch of each rank; undefined where one of them was stopped. */
  async #shared(
    group: ProcessGroup,
    results: Tensors | undefined,
    stopped: boolean,
  ): Promise<(Tensors | undefined)[]> {
    let total = 0;
    const places = this.#summed.map(([name, shape]) => {
      const from = total;
      total += elementCount(shape);
      return { name, shape, from, end: total };
    });
    const own = new Float32Array(total + 1);
    if (results) for (const { name, from } of places) own.set(results[name].data as Float32Array, from);
    own[total] = stopped ? 1 : 0;
    const all = await gathered(group, own);
    if (all.some((one) => one[total] !== 0)) return [undefined];
    return all.map((one) =>
      Object.fromEntries(
        places.map(({ name, shape, from, end }) => [name, tensor('float32', shape, one.subarray(from, end))]),
      ),
    );
  }

  #inputsOf(learned: LearnedState | LearnedInputs): RuntimeTensors {
    const { imageShape, name } = this.model;
    checkStatistics(learned.standardization, imageShape[0], `What ${name} has learned`);
    if ('inputs' in learned) return learned.inputs;
    checkState(modelTensors(this.model), learned.weights);
    return toRuntime(learned.weights, stateName);
  }

  #run(
    weights: RuntimeTensors,
    standardization: Standardization,
    images: Uint8Array,
    labels: Int32Array,
  ): Promise<Record<string, Tensor>> {
    return this.#program.run(imageInputs(this.model, standardization, images, labels), weights);
  }
}

/** Adds the first rows of [N] or [N, k] to one number or k. */
function addRows(sums: number[], { shape, data }: Tensor, count: number): void {
  const width = shape[1] ?? 1;
  for (let i = 0; i < count * width; i++) sums[i % width] = (sums[i % width] ?? 0) + Number(data[i]);
}

/** What a split of a dataset is called; `chosen` where it is none of the dataset's own. */
function nameOf(split: Images, { train, validation, test }: ImageDataset): string {
  if (split === test) return 'test';
  if (split === train) return 'training';
  return split === validation ? 'validation' : 'chosen';
}

/** A batch as the inputs that every graph over images has. */
export function imageInputs(
  { imageShape }: Model,
  { mean, deviation }: Standardization,
  images: Uint8Array,
  labels: Int32Array,
): Tensors {
  return {
    images: tensor('uint8', [labels.length, ...imageShape], images),
    labels: tensor('int32', [labels.length], labels),
    mean: tensor('float32', [mean.length], mean),
    deviation: tensor('float32', [deviation.length], deviation),
  };
}
