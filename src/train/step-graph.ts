/** The graphs of training, evaluation and inference: a model with all that surrounds it. */
import { grad } from '../autodiff/grad.js';
import type { Tensors } from '../engine/session.js';
import { nextName } from '../engine/stepper.js';
import { Graph, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { correct, crossEntropy } from '../nn/loss.js';
import { type Model, type TracedModel, trace, traceAlone } from '../nn/model.js';
import { Scope } from '../nn/scope.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { TensorType } from '../tensor/tensor.js';
import { namedLayer } from '../tract/first-layer.js';
import { tractWeightGradient } from '../tract/transform.js';
import { checkState, checkTensor } from './state.js';

/** The name of an optimizer's state for a parameter, such as `conv1.weight/momentum_buffer`. */
export function slotName(parameter: string, slot: string): string {
  return `${parameter}/${slot}`;
}

/** The types of all parameters and running statistics of a model, by PyTorch's names. */
export function modelTensors(model: Model): Record<string, TensorType> {
  const { parameters, buffers } = traceAlone(model, 1, false);
  return Object.fromEntries(
    [...parameters, ...buffers].map(([name, { value }]) => [
      name,
      { dtype: value.dtype, shape: value.shape },
    ]),
  );
}

/**
 * Checks that weights are those of a model. The model is built tensor by tensor, and no further than to the first that
 * differs: what a file claims of its model costs no more than what the file holds.
 *
 * @throws StateError naming the first tensor that differs
 */
export function checkWeights(model: Model, weights: Tensors): void {
  const graph = new Graph();
  const wanted: Record<string, TensorType> = {};
  const scope = Scope.root(graph, false, (name, shape) => {
    wanted[name] = { dtype: 'float32', shape };
    checkTensor(name, wanted[name], weights);
    return graph.input(name, 'float32', shape);
  });
  model.forward(scope, graph.input('images', 'float32', [1, ...model.imageShape]));
  checkState(wanted, weights);
}

/**
 * Pixels as the model sees them: uint8 in [0, 255] are scaled to [0, 1] and standardised per channel.
 *
 * @param images uint8 [N, C, H, W]
 * @param mean, deviation float32 [C], of pixel values scaled to [0, 1]
 */
export function standardize(images: Value, mean: Value, deviation: Value): Value {
  return images.graph.inScope('standardize', () => {
    const perChannel = (value: Value): Value => op.reshape(op.mul(value, 255), [1, -1, 1, 1]);
    return op.div(op.sub(op.cast(images, 'float32'), perChannel(mean)), perChannel(deviation));
  });
}

/** The inputs every graph over images has, and what the model sees of them. */
function pixels(graph: Graph, { imageShape }: Model, batchSize: number): Value {
  const images = graph.input('images', 'uint8', [batchSize, ...imageShape]);
  const mean = graph.input('mean', 'float32', [imageShape[0]]);
  const deviation = graph.input('deviation', 'float32', [imageShape[0]]);
  return standardize(images, mean, deviation);
}

/** A model's forward pass on a batch with its labels. */
function forward(model: Model, batchSize: number, training: boolean): TracedModel & { labels: Value } {
  const graph = new Graph();
  const seen = pixels(graph, model, batchSize);
  const labels = graph.input('labels', 'int32', [batchSize]);
  return { labels, ...trace(model, seen, training) };
}

export interface TrainingGraphOptions {
  readonly batchSize: number;
  readonly optimizer: Optimizer;
  /** Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * One training step, a pure function: the state (parameters, running statistics, optimizer state), a batch, the
 * learning rate and the step's number go in; the next state, the mean loss and the number of correct answers come
 * out.
 *
 * Inputs beside the state: `images` uint8 [N, C, H, W], `labels` int32 [N], `mean` and `deviation` float32 [C],
 * `learning_rate` float32 [], `step` float64 [] counted from 1. Outputs beside it: `loss` and `correct`, float32 [].
 */
export function trainingGraph(model: Model, options: TrainingGraphOptions): TracedModel {
  const { batchSize, optimizer, labelSmoothing = 0 } = options;
  const traced = forward(model, batchSize, true);
  const { graph, logits, parameters, buffers, labels } = traced;
  const learningRate = graph.input('learning_rate', 'float32', []);
  const step = graph.input('step', 'float64', []);
  const loss = graph.inScope('loss', () => op.reduceMean(crossEntropy(logits, labels, labelSmoothing), [0]));
  graph.output('loss', loss);
  graph.output(
    'correct',
    graph.inScope('loss', () => op.reduceSum(correct(logits, labels), [0])),
  );

  const gradients = parameterGradients(model, traced, loss);
  for (const [name, { value }] of parameters) {
    const slots = optimizer.slots.map((slot) => graph.input(slotName(name, slot), 'float32', value.shape));
    const next = graph.inScope(`optimizer/${name}`, () =>
      optimizer.update(value, gradients.get(name)!, slots, { learningRate, step }),
    );
    graph.output(nextName(name), next.parameter);
    optimizer.slots.forEach((slot, i) => {
      graph.output(nextName(slotName(name, slot)), next.slots[i]);
    });
  }
  for (const [name, { value, next }] of buffers) graph.output(nextName(name), next ?? value);
  return traced;
}

/** The gradient of every parameter: vanilla, but for the weights of the layer that TrAct is for. */
function parameterGradients(
  model: Model,
  { graph, parameters }: TracedModel,
  loss: Value,
): Map<string, Value> {
  const names = [...parameters.keys()];
  const values = [...parameters.values()].map(({ value }) => value);
  const layer = model.tract && namedLayer(model.tract.layer, graph.nodes, parameters);
  const gradients = grad(loss, layer ? [...values, layer.node.outputs[0]] : values);
  const result = new Map(names.map((name, i) => [name, gradients[i]]));
  if (model.tract && layer) {
    const { lambda } = model.tract;
    const gradZ = gradients[values.length];
    const weightGradient = graph.inScope(`${layer.layer}/tract`, () =>
      tractWeightGradient(layer.node, gradZ, lambda),
    );
    result.set(layer.weightName, weightGradient);
  }
  return result;
}

/** Evaluation of a batch: outputs `losses` and `correct`, float32 [N], and `logits` [N, classes]. */
export function evaluationGraph(model: Model, batchSize: number): TracedModel {
  const traced = forward(model, batchSize, false);
  const { graph, logits, labels } = traced;
  graph.output('losses', crossEntropy(logits, labels));
  graph.output('correct', correct(logits, labels));
  graph.output('logits', logits);
  return traced;
}

/**
 * A model for inference: output `logits` float32 [N, classes]. Inputs are `images` uint8 [N, C, H, W], the parameters
 * and running statistics by PyTorch's names, and `mean` and `deviation` float32 [C].
 */
export function inferenceGraph(model: Model, batchSize: number): TracedModel {
  const traced = trace(model, pixels(new Graph(), model, batchSize), false);
  traced.graph.output('logits', traced.logits);
  return traced;
}
