/** TrAct in the graph: the transformed gradient of a first layer's weights. */
import { GraphError, type Node, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { matrixTrace, regularizedInverse } from './inverse.js';
import { type Lambda, RELATIVE_FLOOR, checkLambda } from './lambda.js';

/**
 * The gradient that TrAct hands to the optimizer in place of the vanilla one:
 * `∇W = gᵀ x (xᵀx / b + λI)⁻¹` (paper, equation 5), or the dual form `gᵀ (xxᵀ / b + λI)⁻¹ x` where b < n.
 *
 * The Gram matrix and its inverse are computed in float64; both are small. A relative λ is relative to the mean of the
 * diagonal of `xᵀx / b` of this very batch; each group of a convolution has its own.
 *
 * @param layer the tract.Linear or Conv node of the layer
 * @param gradZ the gradient of the mean loss towards the layer's result
 * @returns a value of the shape of the weights
 */
export function tractWeightGradient(layer: Node, gradZ: Value, lambda: Lambda): Value {
  checkLambda(lambda);
  if (layer.opType === 'Conv') return convGradient(layer, gradZ, lambda);
  if (layer.opType === 'Linear') return linearGradient(layer, gradZ, lambda);
  throw new GraphError(`TrAct is defined for linear layers and convolutions, not for ${layer.opType}`);
}

function linearGradient(layer: Node, gradZ: Value, lambda: Lambda): Value {
  const x = op.reshape(layer.inputs[0]!, [-1, layer.inputs[0]!.shape.at(-1)!]);
  const g = op.reshape(gradZ, [-1, gradZ.shape.at(-1)!]);
  const [rows, features] = x.shape;
  const regularization = { rows, features, lambda };
  if (rows < features) {
    const gram = op.matMul(x, op.matrixTranspose(x));
    return op.matMul(op.matrixTranspose(g), inverseTimes(gram, x, regularization));
  }
  const gram = op.matMul(op.matrixTranspose(x), x);
  return timesInverse(op.matMul(op.matrixTranspose(g), x), gram, regularization);
}

function convGradient(layer: Node, gradZ: Value, lambda: Lambda): Value {
  const [x, weight] = layer.inputs as [Value, Value];
  const geometry = op.geometryOf(layer);
  const { groups } = geometry;
  const kernel = weight.shape.slice(2);
  const [batch, out, height, width] = gradZ.shape;
  const rows = batch * height * width;
  const features = weight.shape[1] * kernel[0] * kernel[1];
  const regularization = { rows, features, lambda };
  if (rows < features) {
    const patches = op.convPatches(x, kernel, geometry);
    const gram = op.matMul(op.matrixTranspose(patches), patches);
    const g = op.reshape(op.transpose(gradZ, [1, 0, 2, 3]), [groups, out / groups, rows]);
    return op.reshape(
      op.matMul(g, inverseTimes(gram, op.matrixTranspose(patches), regularization)),
      weight.shape,
    );
  }
  const vanilla = op.reshape(op.convGradWeight(x, gradZ, weight.shape, geometry), [
    groups,
    out / groups,
    features,
  ]);
  return op.reshape(timesInverse(vanilla, op.convGram(x, kernel, geometry), regularization), weight.shape);
}

/** How a Gram matrix comes about: b, the n features of a row, and λ. */
interface Regularization {
  readonly rows: number;
  readonly features: number;
  readonly lambda: Lambda;
}

/** value · (gram / rows + λI)⁻¹ */
function timesInverse(value: Value, gram: Value, regularization: Regularization): Value {
  const inverse = inverseGram(gram, regularization);
  return op.cast(op.matMul(op.cast(value, 'float64'), inverse), value.dtype);
}

/** (gram / rows + λI)⁻¹ · value */
function inverseTimes(gram: Value, value: Value, regularization: Regularization): Value {
  const inverse = inverseGram(gram, regularization);
  return op.cast(op.matMul(inverse, op.cast(value, 'float64')), value.dtype);
}

function inverseGram(gram: Value, { rows, features, lambda }: Regularization): Value {
  const mean = op.div(op.cast(gram, 'float64'), rows);
  if (typeof lambda === 'number') return regularizedInverse(mean, lambda);
  // xxᵀ has the trace of xᵀx, so that both forms divide by n.
  const diagonal = op.div(matrixTrace(mean), features);
  return regularizedInverse(mean, op.add(op.mul(diagonal, lambda.relative), RELATIVE_FLOOR));
}
