/** A training step that is made to be compared with that of another engine. */
import { type CompileOptions, compile } from '../engine/compile.js';
import type { Tensors } from '../engine/session.js';
import type { StepRunner } from '../engine/step-runner.js';
import { stateNames } from '../graph/state-names.js';
import type { Model } from '../nn/model.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { Trainable } from '../optim/trainable.js';
import { Random } from '../random/random.js';
import { type Tensor, elementCount, tensor, zeros } from '../tensor/tensor.js';
import { Evaluator, imageInputs } from './evaluator.js';
import type { TrainingBatch } from './options.js';
import type { Standardization } from './state.js';
import { type PreparedStep, compileStep, prepareStep } from './step-maker.js';
import { gradientGraph, learningRateName } from './training-graph.js';

export interface StepProbeOptions extends CompileOptions {
  readonly batchSize: number;
  readonly optimizer: Optimizer;
  /** Of the initial weights. Default 0. */
  readonly seed?: number;
  /** How pixels are standardised. Default: as noise is. */
  readonly standardization?: Standardization;
}

/** Of pixels that are evenly distributed. */
const NOISE = { mean: 0.5, deviation: 0.289 };

/** Steps of a model from weights that depend on the seed alone, on one device. */
export class StepProbe {
  readonly #given: Trainable;
  readonly #options: StepProbeOptions;
  readonly #step: PreparedStep;
  readonly #runner: StepRunner;
  /** Reading the smallest parameter tells that a step is over. */
  readonly #smallest: string;
  readonly #largest: string;
  #count = 0;

  private constructor(given: Trainable, options: StepProbeOptions, step: PreparedStep, runner: StepRunner) {
    this.#given = given;
    this.#options = options;
    this.#step = step;
    this.#runner = runner;
    const parameters = [...step.graph.parameters]
      .map(([name, { value }]) => ({ name, size: elementCount(value.shape) }))
      .sort((one, other) => one.size - other.size);
    this.#smallest = parameters[0].name;
    this.#largest = parameters.at(-1)!.name;
  }

  /** @throws DeviceError where the device is not available */
  static async create(given: Trainable, options: StepProbeOptions): Promise<StepProbe> {
    const { seed = 0 } = options;
    const whole = { ...options, seed };
    const step = prepareStep(given, whole);
    return new StepProbe(given, options, step, await compileStep(step, whole));
  }

  /** The loss of a batch and the gradients of all parameters, by the parameters' names. */
  async gradients(batch: TrainingBatch): Promise<{ readonly loss: number; readonly gradients: Tensors }> {
    const { graph } = gradientGraph(this.#given, this.#options);
    const program = await compile(graph, this.#options);
    try {
      const state = this.#step.store.inputs(stateNames(graph).state);
      const sums = await program.run(this.#inputs(batch), state);
      const prefix = 'sum/gradient/';
      return {
        loss: Number(sums['sum/loss'].data[0]),
        gradients: Object.fromEntries(
          Object.entries(sums).flatMap(([name, value]) =>
            name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
          ),
        ),
      };
    } finally {
      await program.release();
    }
  }

  /** Makes a step, waits until the new weights are there, and gives its loss. */
  async step(batch: TrainingBatch): Promise<number> {
    this.#count++;
    const results = await this.#runner.step(this.#step.store, this.#inputs(batch));
    const loss = Number(results.loss.data[0]);
    await this.#step.store.read([this.#smallest]);
    return loss;
  }

  /** The logits of a batch in evaluation, with weights that are given. */
  async logits({ images, labels }: TrainingBatch, weights: Tensors): Promise<Tensor> {
    const { device, threads } = this.#options;
    const evaluator = await Evaluator.create(this.#given.model, {
      batchSize: labels.length,
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
    });
    try {
      return await evaluator.predict({ weights, standardization: this.#standardization }, images);
    } finally {
      await evaluator.release();
    }
  }

  /** A copy of the parameters and buffers. */
  weights(): Promise<Tensors> {
    return this.#step.store.read(this.#step.weightNames);
  }

  /** Where the state lies, unless it was read since the last step: `cpu`, or a device's `gpu-buffer`. */
  get location(): string {
    return Object.values(this.#step.store.inputs([this.#largest]))[0].location;
  }

  async release(): Promise<void> {
    await this.#runner.release();
    this.#step.store.release();
  }

  get #standardization(): Standardization {
    const noise = (value: number): number[] =>
      Array.from({ length: this.#given.model.imageShape[0] }, () => value);
    return this.#options.standardization ?? { mean: noise(NOISE.mean), deviation: noise(NOISE.deviation) };
  }

  #inputs({ images, labels }: TrainingBatch): Tensors {
    const step = Math.max(this.#count, 1);
    return {
      ...imageInputs(this.#given.model, this.#standardization, images, Int32Array.from(labels)),
      ...Object.fromEntries(
        this.#step.graph.optimizers.map(({ schedule }, i) => [
          learningRateName(i),
          tensor('float32', [], [schedule.rate(step - 1, Infinity)]),
        ]),
      ),
      step: tensor('float64', [], [step]),
    };
  }
}

/** Images of noise, and labels in turn. */
export function noiseBatch({ imageShape, classes }: Model, batchSize: number): TrainingBatch {
  const random = Random.fromSeed(0, 'probe');
  const { data } = zeros('uint8', [batchSize, ...imageShape]);
  return {
    images: data.map(() => random.integer(256)),
    labels: Int32Array.from({ length: batchSize }, (_, i) => i % classes),
  };
}
