/** Matrix products. */
import { sameShape } from '../../tensor/tensor.js';
import { type Attributes, float, int } from '../attributes.js';
import { GraphError, type Value, TRACT_DOMAIN, describe } from '../graph.js';
import { broadcastShape } from '../broadcast.js';
import { checkNumber } from './build.js';
import { reshape } from './shape.js';

/**
 * ONNX MatMul-13: [..., m, k] times [..., k, n], leading dimensions broadcast. A vector on the left is a row, one on the
 * right a column, and its axis is left out of the result.
 */
export function matMul(a: Value, b: Value): Value {
  if (a.shape.length === 1 || b.shape.length === 1) return withVectors(a, b);
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (
    a.shape.length < 2 ||
    b.shape.length < 2 ||
    !batch ||
    a.shape.at(-1) !== b.shape.at(-2) ||
    a.dtype !== b.dtype
  ) {
    throw new GraphError(`MatMul: ${describe(a, b)} cannot be multiplied`);
  }
  const shape = [...batch, a.shape.at(-2)!, b.shape.at(-1)!];
  return a.graph.add('MatMul', [a, b], {}, [{ dtype: a.dtype, shape }])[0];
}

function withVectors(a: Value, b: Value): Value {
  const [row, column] = [a.shape.length === 1, b.shape.length === 1];
  if (a.shape.length === 0 || b.shape.length === 0)
    throw new GraphError(`MatMul: ${describe(a, b)} cannot be multiplied`);
  const product = matMul(row ? reshape(a, [1, a.shape[0]]) : a, column ? reshape(b, [b.shape[0], 1]) : b);
  const batch = product.shape.slice(0, -2);
  return reshape(product, [
    ...batch,
    ...(row ? [] : [product.shape.at(-2)!]),
    ...(column ? [] : [product.shape.at(-1)!]),
  ]);
}

/**
 * `x Wᵀ + bias` over the last axis, with PyTorch's layout of the weight.
 *
 * A node of its own (tract.Linear), so that a layer can be found again in the graph.
 *
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [..., out]
 */
export function linear(x: Value, weight: Value, bias: Value | null = null): Value {
  const [out, features] = weight.shape;
  const fits =
    x.shape.length >= 2 &&
    weight.shape.length === 2 &&
    x.shape.at(-1) === features &&
    x.dtype === weight.dtype;
  if (!fits || (bias && !isBias(bias, x, out))) {
    const shapes = bias ? describe(x, weight, bias) : describe(x, weight);
    throw new GraphError(`Linear: input, weight and bias do not fit: ${shapes}`);
  }
  const shape = [...x.shape.slice(0, -1), out];
  return x.graph.add('Linear', [x, weight, bias], {}, [{ dtype: x.dtype, shape }], TRACT_DOMAIN)[0];
}

/** Whether a value is one number for each of `length` features, in the element type of `like`. */
function isBias(bias: Value, like: Value, length: number): boolean {
  return bias.shape.length === 1 && bias.shape[0] === length && bias.dtype === like.dtype;
}

/** The forms of a Gemm; ONNX's names. */
export interface GemmOptions {
  /** Whether the first matrix is transposed. Default false. */
  readonly transA?: boolean;
  /** Whether the second matrix is transposed, as PyTorch's layout of weights needs it. Default true. */
  readonly transB?: boolean;
  /** A factor of the product. Default 1. */
  readonly alpha?: number;
  /** A factor of the bias. Default 1. */
  readonly beta?: number;
}

/**
 * ONNX Gemm-13: `α a b + β bias`, of matrices [m, k] and [k, n] once they are transposed as it is said.
 *
 * @param bias broadcasts to [m, n]; null for none
 */
export function gemm(a: Value, b: Value, bias: Value | null, options: GemmOptions = {}): Value {
  const { transA = false, transB = true, alpha = 1, beta = 1 } = options;
  checkNumber('Gemm', 'alpha', alpha);
  checkNumber('Gemm', 'beta', beta);
  const [m, k] = transA ? a.shape.toReversed() : a.shape;
  const [n, features] = transB ? b.shape : b.shape.toReversed();
  const fits = a.shape.length === 2 && b.shape.length === 2 && k === features && a.dtype === b.dtype;
  const shape = [m, n];
  const biasFits =
    !bias || (bias.dtype === a.dtype && sameShape(broadcastShape(bias.shape, shape) ?? [], shape));
  if (!fits || !biasFits) {
    const how = transA || !transB ? ` with transA ${transA} and transB ${transB}` : '';
    throw new GraphError(`Gemm: ${bias ? describe(a, b, bias) : describe(a, b)} cannot be multiplied${how}`);
  }
  const attributes: Attributes = {
    ...(transA && { transA: int(1) }),
    ...(transB && { transB: int(1) }),
    ...(alpha !== 1 && { alpha: float(alpha) }),
    ...(beta !== 1 && { beta: float(beta) }),
  };
  return a.graph.add('Gemm', bias ? [a, b, bias] : [a, b], attributes, [{ dtype: a.dtype, shape }])[0];
}
