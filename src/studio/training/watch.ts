/** How far an update of the first layer has moved each image of its batch: ‖Δz‖ with Δz = x (W′ − W)ᵀ. */
import { compile } from '../../engine/compile.js';
import { type Program, type Tensors } from '../../engine/session.js';
import { Graph } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { stateAmong, stateFeeds } from '../../graph/state-names.js';
import { trace } from '../../nn/model.js';
import type { Trainable } from '../../optim/trainable.js';
import { type Tensor, tensor, toNumbers } from '../../tensor/tensor.js';
import { firstLayer, layerOf } from '../../tract/first-layer.js';
import { tractSetting } from '../../tract/tract.js';
import { imageInputs } from '../../train/evaluator.js';
import type { Standardization } from '../../train/state.js';
import { standardize } from '../../train/step-graph.js';

/** Follows the first layer of one model. */
export class UpdateWatch {
  /** The name of the first layer's weights. */
  readonly weightName: string;
  /** Those, and the weights between them and the pixels: all that is looked at. */
  readonly names: readonly string[];
  readonly #given: Trainable;
  readonly #program: Program;

  private constructor(given: Trainable, weightName: string, program: Program) {
    this.#given = given;
    this.weightName = weightName;
    this.#program = program;
    this.names = [...new Set([weightName, ...stateAmong(program.inputs)])];
  }

  /** @throws FirstLayerError for a model without a single first layer */
  static async create(given: Trainable, batchSize: number, threads: number): Promise<UpdateWatch> {
    const { model } = given;
    const graph = new Graph();
    const pixels = graph.input('images', 'uint8', [batchSize, ...model.imageShape]);
    const [mean, deviation] = ['mean', 'deviation'].map((name) =>
      graph.input(name, 'float32', [model.imageShape[0]]),
    );
    const images = standardize(pixels, mean, deviation);
    const { parameters } = trace(model, images, { training: true });
    const weightName =
      tractSetting(given)?.weights[0] ?? firstLayer(images, graph.nodes, parameters).weightName;
    const values = new Map([...parameters].map(([name, { value }]) => [name, value]));
    const { node, transposed } = layerOf(weightName, graph.nodes, values);
    const weight = parameters.get(weightName)!.value;
    const difference = graph.input('change', 'float32', weight.shape);
    const change = transposed ? op.transpose(difference, [1, 0]) : difference;
    const x = node.inputs[0]!;
    const moved =
      node.opType === 'Conv' ? op.conv(x, change, null, op.geometryOf(node)) : op.linear(x, change);
    const axes = moved.shape.map((_, axis) => axis).slice(1);
    graph.output('moved', op.sqrt(op.reduceSum(op.mul(moved, moved), axes)));
    return new UpdateWatch(given, weightName, await compile(graph, { threads }));
  }

  /**
   * @param weights before the update, those of `names`
   * @param after the first layer's weights behind it
   * @param images uint8, the batch
   */
  async moved(
    weights: Tensors,
    after: Tensor,
    standardization: Standardization,
    images: Uint8Array,
    labels: Int32Array,
  ): Promise<Float32Array> {
    const before = toNumbers(weights[this.weightName]);
    const change = tensor(
      'float32',
      after.shape,
      toNumbers(after).map((value, i) => value - before[i]),
    );
    const { moved } = await this.#program.run({
      ...stateFeeds(weights),
      ...imageInputs(this.#given.model, standardization, images, labels),
      change,
    });
    return moved.data as Float32Array;
  }

  release(): Promise<void> {
    return this.#program.release();
  }
}
