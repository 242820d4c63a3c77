/** Activation functions beyond ReLU, sigmoid, tanh and GELU, which stand among the elementwise operators. */
import { sameShape } from '../../tensor/tensor.js';
import { float } from '../attributes.js';
import { broadcastShape } from '../broadcast.js';
import { GraphError, type Value, describe } from '../graph.js';
import { checkNumber, unaryOfFloats } from './build.js';

function withNumbers(opType: string, x: Value, numbers: Readonly<Record<string, number>>): Value {
  for (const [name, value] of Object.entries(numbers)) checkNumber(opType, name, value);
  return unaryOfFloats(
    opType,
    x,
    Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, float(value)])),
  );
}

/** ONNX LeakyRelu-16: x where positive, else αx. */
export const leakyRelu = (x: Value, alpha = 0.01): Value => withNumbers('LeakyRelu', x, { alpha });
/** ONNX Elu-6: x where positive, else α(eˣ - 1). */
export const elu = (x: Value, alpha = 1): Value => withNumbers('Elu', x, { alpha });
/** ONNX Selu-6: γ times ELU, with the constants of self-normalizing networks. */
export const selu = (x: Value, alpha = 1.6732631921768188, gamma = 1.0507010221481323): Value =>
  withNumbers('Selu', x, { alpha, gamma });
/** ONNX ThresholdedRelu-10: x where it is greater than α, else 0. */
export const thresholdedRelu = (x: Value, alpha = 1): Value => withNumbers('ThresholdedRelu', x, { alpha });
/** ONNX HardSigmoid-6: αx + β, cut to [0, 1]. */
export const hardSigmoid = (x: Value, alpha = 0.2, beta = 0.5): Value =>
  withNumbers('HardSigmoid', x, { alpha, beta });
/** ONNX HardSwish-14: x times the hard sigmoid with α = 1/6 and β = 1/2. */
export const hardSwish = (x: Value): Value => unaryOfFloats('HardSwish', x);
/** ONNX Mish-18: x tanh(ln(1 + eˣ)). */
export const mish = (x: Value): Value => unaryOfFloats('Mish', x);
/** ONNX Softplus-1: ln(1 + eˣ). */
export const softplus = (x: Value): Value => unaryOfFloats('Softplus', x);
/** ONNX Softsign-1: x / (1 + |x|). */
export const softsign = (x: Value): Value => unaryOfFloats('Softsign', x);
/** ONNX Shrink-9: 0 for |x| ≤ λ, else moved by `bias` towards 0. */
export const shrink = (x: Value, lambda = 0.5, bias = 0): Value =>
  withNumbers('Shrink', x, { lambd: lambda, bias });

/** ONNX Celu-12: max(0, x) + min(0, α(exp(x/α) - 1)). @throws GraphError for an α of 0 */
export function celu(x: Value, alpha = 1): Value {
  if (alpha === 0) throw new GraphError('Celu: alpha must not be 0');
  return withNumbers('Celu', x, { alpha });
}

/**
 * ONNX PRelu-16: x where positive, else slope · x.
 *
 * @param slope broadcasts to the shape of x
 */
export function pRelu(x: Value, slope: Value): Value {
  const shape = broadcastShape(x.shape, slope.shape);
  if (!shape || !sameShape(shape, x.shape) || slope.dtype !== x.dtype)
    throw new GraphError(`PRelu: a slope of ${describe(slope)} does not broadcast to ${describe(x)}`);
  return x.graph.add('PRelu', [x, slope], {}, [x])[0];
}
