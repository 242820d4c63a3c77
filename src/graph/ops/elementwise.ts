/** Elementwise operators: arithmetic with broadcasting, functions of one value, comparison and selection. */
import { type DType, sameShape } from '../../tensor/tensor.js';
import { broadcastShape } from '../broadcast.js';
import { int } from '../attributes.js';
import { GraphError, TRACT_DOMAIN, type Value, describe } from '../graph.js';
import { type Operand, binary, operands, unary } from './build.js';

export { type Operand, scalarLike } from './build.js';

/** ONNX Add-14. */
export const add = (a: Operand, b: Operand): Value => binary('Add', a, b);
/** ONNX Sub-14. */
export const sub = (a: Operand, b: Operand): Value => binary('Sub', a, b);
/** ONNX Mul-14. */
export const mul = (a: Operand, b: Operand): Value => binary('Mul', a, b);
/** ONNX Div-14. */
export const div = (a: Operand, b: Operand): Value => binary('Div', a, b);
/** ONNX Pow-15, `aᵇ`, with the exponent in the type of the base. */
export const pow = (a: Operand, b: Operand): Value => binary('Pow', a, b);
/** ONNX Neg-13. */
export const neg = (x: Value): Value => unary('Neg', x);
/** ONNX Abs-13. */
export const abs = (x: Value): Value => unary('Abs', x);
/** ONNX Sign-13: -1, 0 or 1. */
export const sign = (x: Value): Value => unary('Sign', x);
/** ONNX Exp-13. */
export const exp = (x: Value): Value => unary('Exp', x);
/** ONNX Log-13: the natural logarithm. */
export const log = (x: Value): Value => unary('Log', x);
/** ONNX Sqrt-13. */
export const sqrt = (x: Value): Value => unary('Sqrt', x);
/** ONNX Reciprocal-13. */
export const reciprocal = (x: Value): Value => unary('Reciprocal', x);
/** ONNX Erf-13: the error function. */
export const erf = (x: Value): Value => unary('Erf', x);
/** ONNX Tanh-13. */
export const tanh = (x: Value): Value => unary('Tanh', x);
/** ONNX Sigmoid-13. */
export const sigmoid = (x: Value): Value => unary('Sigmoid', x);
/** ONNX Relu-14. */
export const relu = (x: Value): Value => unary('Relu', x);
/**
 * The gradient of ReLU (tract.ReluGrad): g where the result is positive, else 0.
 *
 * @param g, y alike in shape; y is the result of ReLU
 */
export function reluGrad(g: Value, y: Value): Value {
  if (g.dtype !== y.dtype || !sameShape(g.shape, y.shape))
    throw new GraphError(`ReluGrad: ${describe(g, y)} are not alike`);
  return g.graph.add('ReluGrad', [g, y], {}, [g], TRACT_DOMAIN)[0];
}
/** ONNX Identity-19. */
export const identity = (x: Value): Value => unary('Identity', x);

/** ONNX Gelu-20: the exact form x·Φ(x), or its tanh approximation. */
export function gelu(x: Value, approximate: 'none' | 'tanh' = 'none'): Value {
  return x.graph.add('Gelu', [x], { approximate: { type: 'string', value: approximate } }, [x])[0];
}

/** ONNX Where-16: `condition ? a : b`, elementwise with broadcasting. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  const [left, right] = operands('Where', a, b);
  const inner = broadcastShape(left.shape, right.shape);
  const shape = inner && broadcastShape(condition.shape, inner);
  if (!shape || condition.dtype !== 'bool' || left.dtype !== right.dtype) {
    throw new GraphError(`Where: cannot choose with ${describe(condition)} between ${describe(left, right)}`);
  }
  return left.graph.add('Where', [condition, left, right], {}, [{ dtype: left.dtype, shape }])[0];
}

const onnxTypeNumber: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};

/** ONNX Cast-19; returns the value itself when it has the type already. */
export function cast(x: Value, to: DType): Value {
  if (x.dtype === to) return x;
  return x.graph.add('Cast', [x], { to: int(onnxTypeNumber[to]) }, [{ dtype: to, shape: x.shape }])[0];
}
