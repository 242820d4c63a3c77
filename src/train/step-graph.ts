/** The graphs of evaluation and inference: a model with all that surrounds it. */
import type { Tensors } from '../engine/session.js';
import { Graph, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { stateName } from '../graph/state-names.js';
import { correct, crossEntropy } from '../nn/loss.js';
import { type Metric, checkMetrics } from '../nn/metrics.js';
import { type Model, type TracedModel, trace, traceAlone } from '../nn/model.js';
import type { RandomSource } from '../nn/random-bits.js';
import { Scope } from '../nn/scope.js';
import type { TensorType } from '../tensor/tensor.js';
import { checkState, checkTensor } from './state.js';

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
  const scope = Scope.root(graph, {
    training: false,
    weights(name, shape) {
      wanted[name] = { dtype: 'float32', shape };
      checkTensor(name, wanted[name], weights);
      return graph.input(stateName(name), 'float32', shape);
    },
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

/** The output that holds a metric's contributions, or their sum. */
export function metricName({ name }: Metric): string {
  return `metric_${name}`;
}

/** The inputs every graph over images has, and what the model sees of them. */
function pixels(graph: Graph, { imageShape }: Model, batchSize: number, prefix = ''): Value {
  const images = graph.input('images', 'uint8', [batchSize, ...imageShape]);
  const mean = graph.input(`${prefix}mean`, 'float32', [imageShape[0]]);
  const deviation = graph.input(`${prefix}deviation`, 'float32', [imageShape[0]]);
  return standardize(images, mean, deviation);
}

/**
 * A model's forward pass on a batch with its labels.
 *
 * @param options.random what draws in training depend on
 * @param options.isFrozen which parameters are not trained
 */
export function forward(
  model: Model,
  batchSize: number,
  training: boolean,
  {
    random,
    isFrozen,
  }: { readonly random?: (graph: Graph) => RandomSource; readonly isFrozen?: (name: string) => boolean } = {},
): TracedModel & { labels: Value } {
  const graph = new Graph();
  const seen = pixels(graph, model, batchSize);
  const labels = graph.input('labels', 'int32', [batchSize]);
  const traced = trace(model, seen, {
    training,
    ...(random && { random: () => random(graph) }),
    ...(isFrozen && { isFrozen }),
  });
  return { labels, ...traced };
}

/**
 * Evaluation of a batch: outputs `losses` and `correct`, float32 [N], `logits` [N, classes], and for each metric
 * `metric_<name>` [N] or [N, k].
 */
export function evaluationGraph(
  model: Model,
  batchSize: number,
  metrics: readonly Metric[] = [],
): TracedModel {
  checkMetrics(metrics);
  const traced = forward(model, batchSize, false);
  const { graph, logits, labels } = traced;
  graph.output('losses', crossEntropy(logits, labels));
  graph.output('correct', correct(logits, labels));
  graph.output('logits', logits);
  for (const metric of metrics) graph.output(metricName(metric), metric.contributions(logits, labels));
  return traced;
}

/**
 * A model for inference: output `logits` float32 [N, classes]. Inputs are `images` uint8 [N, C, H, W], the parameters
 * and buffers by their names (see `inferenceName`), and `standardize/mean` and `standardize/deviation` float32 [C].
 */
export function inferenceGraph(model: Model, batchSize: number): TracedModel {
  const graph = new Graph();
  const seen = pixels(graph, model, batchSize, 'standardize/');
  const traced = trace(model, seen, {
    training: false,
    weights: (name, shape) => graph.input(inferenceName(name), 'float32', shape),
  });
  graph.output('logits', traced.logits);
  return traced;
}

/** What a parameter or buffer is called in a graph for inference: by its own name, where nothing else has it. */
export function inferenceName(name: string): string {
  return name === 'images' || name === 'logits' ? stateName(name) : name;
}
