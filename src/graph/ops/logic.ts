/** Comparisons, and what is made of their results. */
import { int } from '../attributes.js';
import { GraphError, type Value, describe } from '../graph.js';
import { type Operand, binary, isFloat } from './build.js';

/** ONNX Equal-19. */
export const equal = (a: Operand, b: Operand): Value => binary('Equal', a, b, 'bool');
/** ONNX Greater-13. */
export const greater = (a: Operand, b: Operand): Value => binary('Greater', a, b, 'bool');
/** ONNX GreaterOrEqual-16. */
export const greaterOrEqual = (a: Operand, b: Operand): Value => binary('GreaterOrEqual', a, b, 'bool');
/** ONNX Less-13. */
export const less = (a: Operand, b: Operand): Value => binary('Less', a, b, 'bool');
/** ONNX LessOrEqual-16. */
export const lessOrEqual = (a: Operand, b: Operand): Value => binary('LessOrEqual', a, b, 'bool');

function logical(opType: string, a: Value, b: Value): Value {
  if (a.dtype !== 'bool') throw new GraphError(`${opType}: ${describe(a, b)} are not of bool`);
  return binary(opType, a, b, 'bool');
}

/** ONNX And-7, of booleans that broadcast. */
export const and = (a: Value, b: Value): Value => logical('And', a, b);
/** ONNX Or-7, of booleans that broadcast. */
export const or = (a: Value, b: Value): Value => logical('Or', a, b);
/** ONNX Xor-7, of booleans that broadcast. */
export const xor = (a: Value, b: Value): Value => logical('Xor', a, b);

/** ONNX Not-1, of booleans. */
export function not(x: Value): Value {
  if (x.dtype !== 'bool') throw new GraphError(`Not: ${describe(x)} is not of bool`);
  return x.graph.add('Not', [x], {}, [x])[0];
}

/** ONNX IsNaN-20. */
export function isNaN(x: Value): Value {
  if (!isFloat(x)) throw new GraphError(`IsNaN: ${describe(x)} is not floating-point`);
  return x.graph.add('IsNaN', [x], {}, [{ dtype: 'bool', shape: x.shape }])[0];
}

/** ONNX IsInf-20: whether an element is infinite, of the signs that are asked for (default both). */
export function isInf(
  x: Value,
  { negative = true, positive = true }: { readonly negative?: boolean; readonly positive?: boolean } = {},
): Value {
  if (!isFloat(x)) throw new GraphError(`IsInf: ${describe(x)} is not floating-point`);
  const attributes = { detect_negative: int(negative ? 1 : 0), detect_positive: int(positive ? 1 : 0) };
  return x.graph.add('IsInf', [x], attributes, [{ dtype: 'bool', shape: x.shape }])[0];
}
