/** Evaluation and prediction: a model's forward pass over images, with given weights. */
import { checkImages, checkStatistics } from '../data/check-dataset.js';
import { imageCount, type ImageDataset, type Images, imageSize } from '../data/dataset.js';
import { compile } from '../engine/compile.js';
import type { Device } from '../engine/device.js';
import { type Program, type RuntimeTensors, type Tensors, toRuntime } from '../engine/session.js';
import { stateName } from '../graph/state-names.js';
import { type Metric, figureOf } from '../nn/metrics.js';
import type { Model } from '../nn/model.js';
import { type TestViews, withTestViews } from '../nn/test-views.js';
import { type Tensor, tensor } from '../tensor/tensor.js';
import { checkTrainerOptions } from './check-options.js';
import type { Evaluation } from './events.js';
import { checkFits, eventLoopTurn, loaderOf } from './loaders.js';
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
}

/** Which images are evaluated. */
export interface EvaluateOptions {
  /** Default: the test split. */
  readonly split?: Images;
  /** Called with the logits [images, classes] of each batch, in the order of the split. */
  readonly onLogits?: (logits: Float32Array, labels: Int32Array) => void;
  /** Aborting finishes the batch and gives up. */
  readonly signal?: AbortSignal;
}

/** Evaluates a model; the weights come with every call, because those of a model in training change. */
export class Evaluator {
  readonly model: Model;
  readonly batchSize: number;
  readonly #metrics: readonly Metric[];
  readonly #program: Program;

  private constructor(model: Model, batchSize: number, metrics: readonly Metric[], program: Program) {
    this.model = model;
    this.batchSize = batchSize;
    this.#metrics = metrics;
    this.#program = program;
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
    return new Evaluator(model, batchSize, metrics, program);
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
    const { batchSize, model } = this;
    checkFits(dataset, model);
    checkImages(dataset, nameOf(split, dataset), split);
    const inputs = this.#inputsOf(learned);
    const loader = loaderOf(dataset, split);
    let [loss, correct] = [0, 0];
    const sums = this.#metrics.map((): number[] => []);
    try {
      // Without shuffling and augmentation nothing depends on the generator.
      const plan = { batchSize, shuffle: false, last: 'pad' as const, random: [1, 0, 0, 0] as const };
      for await (const { images, labels, count } of loader.epoch(plan)) {
        await eventLoopTurn();
        if (signal?.aborted) return undefined;
        const results = await this.#run(inputs, learned.standardization, images, labels);
        // The rows behind `count` are padding.
        for (let row = 0; row < count; row++) {
          loss += Number(results.losses.data[row]);
          correct += Number(results.correct.data[row]);
        }
        this.#metrics.forEach((metric, i) => {
          addRows(sums[i], results[metricName(metric)], count);
        });
        const logits = results.logits.data as Float32Array;
        onLogits?.(logits.subarray(0, count * model.classes), labels.subarray(0, count));
      }
    } finally {
      await loader.close();
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
