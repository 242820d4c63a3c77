/** Batch and layer normalisation: x̂ = (x - mean)/σ with σ = √(variance + ε), y = scale · x̂ + bias. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, allResults, numberOf, perInput, total } from '../rule.js';

/** One number a channel, to broadcast along all axes of x but the second. */
const perChannel = (value: Value, x: Value): Value =>
  op.reshape(value, [1, -1, ...x.shape.slice(2).map(() => 1)]);

const otherAxes = (x: Value): number[] => x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));

const perChannelSum = (x: Value): Value => op.reduceSum(x, otherAxes(x));

/** 1/σ of each channel, of the inference form. */
const inverseDeviation = (variance: Value, node: Node): Value =>
  op.reciprocal(op.sqrt(op.add(variance, numberOf(node, 'epsilon'))));

/** x̂ of the inference form. */
const normalized = ([x, , , mean, variance]: readonly Value[], node: Node): Value =>
  op.mul(op.sub(x, perChannel(mean, x)), perChannel(inverseDeviation(variance, node), x));

/** The inference form: an affine map of each channel. */
const batchNormalization = perInput([
  (g, [x, scale, , , variance], node) =>
    op.mul(g, perChannel(op.mul(scale, inverseDeviation(variance, node)), x)),
  (g, inputs, node) => perChannelSum(op.mul(g, normalized(inputs, node))),
  (g) => perChannelSum(g),
  // -scale/σ Σg
  (g, [, scale, , , variance], node) =>
    op.neg(op.mul(perChannelSum(g), op.mul(scale, inverseDeviation(variance, node)))),
  // -scale/2σ² Σg x̂
  (g, inputs, node) => {
    const inverse = inverseDeviation(inputs[4], node);
    const sum = perChannelSum(op.mul(g, normalized(inputs, node)));
    return op.mul(op.mul(sum, op.mul(inputs[1], op.mul(inverse, inverse))), -0.5);
  },
]);

/** The gradients of y alone; the fused operator is one node, however often it is asked for. */
const batchNormTrainingGrad = (g: Value, node: Node): readonly [Value, Value, Value] => {
  const [x, scale] = node.inputs as readonly Value[];
  const [, mean, variance] = node.outputs;
  return op.batchNormTrainingGrad(g, x, scale, mean, variance, numberOf(node, 'epsilon'));
};

/** Results y, mean and variance: ∂mean/∂x = 1/n, ∂variance/∂x = 2 (x - mean)/n. */
const batchNormTraining = allResults([
  ([g, ofMean, ofVariance], [x], node) => {
    const n = otherAxes(x).reduce((product, axis) => product * x.shape[axis], 1);
    const spread = (value: Value): Value => op.expand(perChannel(value, x), x.shape);
    const centred = (): Value => op.sub(x, perChannel(node.outputs[1], x));
    return total(
      g && batchNormTrainingGrad(g, node)[0],
      ofMean && spread(op.div(ofMean, n)),
      ofVariance && op.mul(centred(), perChannel(op.mul(ofVariance, 2 / n), x)),
    );
  },
  ([g], _inputs, node) => g && batchNormTrainingGrad(g, node)[1],
  ([g], _inputs, node) => g && batchNormTrainingGrad(g, node)[2],
]);

const rows = (value: Value): Value => op.reshape(value, [-1, value.shape.at(-1)!]);

/** x̂ and 1/σ of all rows: the same normalisation with scale 1 and bias 0. */
const normalizedRows = (x: Value, node: Node): { normalized: Value; inverse: Value } => {
  const filled = (value: number): Value =>
    op.expand(op.reshape(op.scalarLike(x, value), [1]), [x.shape.at(-1)!]);
  const epsilon = numberOf(node, 'epsilon');
  const { y, inverseDeviation } = op.layerNormalization(rows(x), filled(1), filled(0), epsilon);
  return { normalized: y, inverse: op.cast(inverseDeviation, x.dtype) };
};

/**
 * Over the last axis: ∂x = (h - mean(h) - x̂ mean(h x̂))/σ for h = g · scale. Means over the features and sums over the
 * rows are matrix products, which read their operands once.
 */
const layerNormalizationByInput = (g: Value, x: Value, scale: Value, node: Node): Value => {
  const features = x.shape.at(-1)!;
  const { normalized, inverse } = normalizedRows(x, node);
  const gradient = rows(g);
  const product = op.mul(gradient, normalized);
  const weights = op.reshape(op.div(scale, features), [features, 1]);
  const projection = op.mul(normalized, op.matMul(product, weights));
  const difference = op.sub(op.sub(op.mul(gradient, scale), op.matMul(gradient, weights)), projection);
  return op.reshape(op.mul(difference, inverse), x.shape);
};

/** Results y, mean and 1/σ: ∂mean/∂x = 1/n, ∂(1/σ)/∂x = -x̂/(n σ²). */
const layerNormalization = allResults([
  ([g, ofMean, ofInverse], [x, scale], node) => {
    const share = (value: Value): Value => op.div(op.cast(value, x.dtype), x.shape.at(-1)!);
    const { normalized, inverse } = normalizedRows(x, node);
    const slope = (value: Value): Value =>
      op.mul(normalized, op.mul(op.neg(rows(share(value))), op.mul(inverse, inverse)));
    return total(
      g && layerNormalizationByInput(g, x, scale, node),
      ofMean && op.expand(share(ofMean), x.shape),
      ofInverse && op.reshape(slope(ofInverse), x.shape),
    );
  },
  ([g], [x], node) => g && op.reduceSum(op.mul(rows(g), normalizedRows(x, node).normalized), [0]),
  ([g]) => g && op.reduceSum(rows(g), [0]),
]);

export const normalization: Readonly<Record<string, BackwardRule>> = {
  BatchNormalization: batchNormalization,
  'tract.BatchNormTraining': batchNormTraining,
  LayerNormalization: layerNormalization,
};
