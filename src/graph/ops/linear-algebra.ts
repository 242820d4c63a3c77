/** Matrix products. */
import { int } from '../attributes.js';
import { GraphError, type Value, TRACT_DOMAIN, describe } from '../graph.js';
import { broadcastShape } from '../broadcast.js';

/** ONNX MatMul-13: [..., m, k] times [..., k, n], leading dimensions broadcast. */
export function matMul(a: Value, b: Value): Value {
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

/** ONNX Gemm-13 with the second matrix transposed: [m, k] times [n, k]ᵀ plus a bias of [n]. */
export function gemm(a: Value, b: Value, bias: Value | null): Value {
  const fits =
    a.shape.length === 2 && b.shape.length === 2 && a.shape[1] === b.shape[1] && a.dtype === b.dtype;
  if (!fits || (bias && !isBias(bias, a, b.shape[0]))) {
    throw new GraphError(`Gemm: ${bias ? describe(a, b, bias) : describe(a, b)} cannot be multiplied`);
  }
  const inputs = bias ? [a, b, bias] : [a, b];
  return a.graph.add('Gemm', inputs, { transB: int(1) }, [
    { dtype: a.dtype, shape: [a.shape[0], b.shape[0]] },
  ])[0];
}
