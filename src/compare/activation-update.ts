/**
 * How far one update of the first layer moves the pre-activations of each image of a batch: the picture that
 * motivates TrAct.
 *
 * With the gradient of one batch, a plain step of stochastic gradient descent changes the first layer's weights by
 * ΔW = -η ∇W, and the pre-activations of image i by Δzᵢ = xᵢ ΔWᵀ. For vanilla training ∇W = gᵀx; for TrAct it is
 * `gᵀ x (xᵀx / b + λI)⁻¹` (Petersen, Borgelt and Ermon, 2024, section 3).
 *
 * A ΔW that knows nothing of the images, drawn at random, is the yardstick: how far it moves an image depends on the
 * size of the image's pixels alone.
 */
import { grad } from '../autodiff/grad.js';
import { compile } from '../engine/compile.js';
import type { Device } from '../engine/device.js';
import type { Tensors } from '../engine/session.js';
import { Graph, type Node, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { stateFeeds } from '../graph/state-names.js';
import { normal } from '../nn/init.js';
import { crossEntropy } from '../nn/loss.js';
import { type Model, trace } from '../nn/model.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { Random } from '../random/random.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { firstLayer, namedLayer } from '../tract/first-layer.js';
import { DEFAULT_LAMBDA, type Lambda } from '../tract/lambda.js';
import { tractSetting } from '../tract/tract.js';
import { tractWeightGradient } from '../tract/transform.js';
import { imageInputs } from '../train/evaluator.js';
import type { Standardization } from '../train/state.js';
import { standardize } from '../train/step-graph.js';
import { mean } from './statistics.js';

/** A trained model and a batch, whose updates of the first layer are looked at. */
export interface UpdateProblem {
  /** With a plain first layer; whether it trains with TrAct makes no difference, but for the layer and λ. */
  readonly model: Model | Trainable;
  /** Parameters and running statistics by PyTorch's names. */
  readonly weights: Tensors;
  readonly standardization: Standardization;
  /** uint8 [N, C, H, W], the batch that the gradient is taken of. */
  readonly images: Uint8Array;
  /** The class of each. */
  readonly labels: ArrayLike<number>;
  /** Default: that of the model, else 0.1. */
  readonly lambda?: Lambda;
  /** Default `cpu`. */
  readonly device?: Device;
  /** Threads of one operator. Default: one a core. */
  readonly threads?: number;
}

/** What is known of each image of the batch; arrays of one number an image. */
export interface ActivationUpdates {
  /** Of pixel values in [0, 1]: their mean over the image. */
  readonly brightness: number[];
  /** Of pixel values in [0, 1]: their standard deviation over the image. */
  readonly contrast: number[];
  /** The brightness that the model sees as 0: the mean of all training images, if pixels are standardised. */
  readonly zero: number;
  /** ‖Δzᵢ‖ of one vanilla step, over all positions and channels, for the learning rate 1. */
  readonly vanilla: number[];
  /** ‖Δzᵢ‖ of one TrAct step, for the learning rate 1. */
  readonly tract: number[];
  /** ‖Δzᵢ‖ of a change of the weights in a random direction (normal, deviation 1). */
  readonly random: number[];
}

/**
 * Computes ‖Δz‖ of each image under both methods, from the same weights and the same gradient of the loss.
 *
 * @throws FirstLayerError for a model without a single first layer
 */
export async function activationUpdates(problem: UpdateProblem): Promise<ActivationUpdates> {
  const { weights, standardization, device, threads } = problem;
  const { model } = trainable(problem.model);
  // ONNX Runtime takes no shared memory, which datasets live in.
  const images = problem.images.slice();
  const labels = Int32Array.from(problem.labels);
  const graph = updateGraph(problem.model, labels.length, problem.lambda);
  const program = await compile(graph, {
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
  });
  try {
    const { vanilla, tract, random } = await program.run({
      ...stateFeeds(weights),
      ...imageInputs(model, standardization, images, labels),
    });
    return {
      ...pixelStatistics(images, labels.length),
      zero: mean(standardization.mean),
      vanilla: toNumbers(vanilla),
      tract: toNumbers(tract),
      random: toNumbers(random),
    };
  } finally {
    await program.release();
  }
}

/** Outputs `vanilla`, `tract` and `random`, float32 [N]. */
function updateGraph(given: Model | Trainable, batchSize: number, ownLambda?: Lambda): Graph {
  const { model } = trainable(given);
  const setting = tractSetting(given);
  const lambda = ownLambda ?? setting?.lambda ?? DEFAULT_LAMBDA;
  const graph = new Graph();
  const pixels = graph.input('images', 'uint8', [batchSize, ...model.imageShape]);
  const labels = graph.input('labels', 'int32', [batchSize]);
  const statistic = (name: string): Value => graph.input(name, 'float32', [model.imageShape[0]]);
  const images = standardize(pixels, statistic('mean'), statistic('deviation'));
  const step = graph.constant(tensor('float64', [], [1]));
  // What is dropped at random is so here, too.
  const { logits, parameters } = trace(model, images, { training: true, random: () => ({ seed: 0, step }) });
  const loss = op.reduceMean(crossEntropy(logits, labels), [0]);
  const { node, weightName } = setting
    ? namedLayer(setting.weights[0], graph.nodes, parameters)
    : firstLayer(images, graph.nodes, parameters);
  const weight = parameters.get(weightName)!.value;
  const [gradWeight, gradZ] = grad(loss, [weight, node.outputs[0]]);
  const direction = normal(1)(weight.shape, Random.fromSeed(0, 'random direction'));
  graph.output('vanilla', moved(node, gradWeight));
  graph.output('tract', moved(node, tractWeightGradient(node, gradZ, gradWeight, lambda)));
  graph.output('random', moved(node, graph.constant(tensor('float32', weight.shape, direction))));
  return graph;
}

/** ‖x ΔWᵀ‖ of each image: [N]. */
function moved(layer: Node, change: Value): Value {
  const x = layer.inputs[0]!;
  const z = layer.opType === 'Conv' ? op.conv(x, change, null, op.geometryOf(layer)) : op.linear(x, change);
  const axes = z.shape.map((_, axis) => axis).slice(1);
  return op.sqrt(op.reduceSum(op.mul(z, z), axes));
}

/** Mean and standard deviation of the pixels of each image, scaled to [0, 1]. */
export function pixelStatistics(
  images: Uint8Array,
  count: number,
): { brightness: number[]; contrast: number[] } {
  const size = images.length / count;
  const brightness: number[] = [];
  const contrast: number[] = [];
  for (let start = 0; start < images.length; start += size) {
    let [sum, squares] = [0, 0];
    for (let i = start; i < start + size; i++) {
      sum += images[i];
      squares += images[i] ** 2;
    }
    const mean = sum / size;
    brightness.push(mean / 255);
    contrast.push(Math.sqrt(Math.max(squares / size - mean * mean, 0)) / 255);
  }
  return { brightness, contrast };
}
