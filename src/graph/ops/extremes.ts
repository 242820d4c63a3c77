/** Operators of any number of values, limits, and the remainder of a division. */
import { elementCount } from '../../tensor/tensor.js';
import { int } from '../attributes.js';
import { broadcastShape } from '../broadcast.js';
import { GraphError, type Value, describe } from '../graph.js';
import { type Operand, binary, isFloat, operands, scalarLike } from './build.js';
import { div } from './elementwise.js';

function variadic(opType: string, values: readonly Value[]): Value {
  if (values.length === 0) throw new GraphError(`${opType}: there are no values`);
  const [first] = values;
  if (values.length === 1) return first;
  let shape: readonly number[] | undefined = first.shape;
  for (const value of values) {
    shape = shape && value.dtype === first.dtype ? broadcastShape(shape, value.shape) : undefined;
  }
  if (!shape) throw new GraphError(`${opType}: ${describe(...values)} do not broadcast together`);
  return first.graph.add(opType, values, {}, [{ dtype: first.dtype, shape }])[0];
}

/** ONNX Min-13 of values that broadcast; the gradient is shared equally among the least. */
export const min = (values: readonly Value[]): Value => variadic('Min', values);
/** ONNX Max-13 of values that broadcast; the gradient is shared equally among the greatest. */
export const max = (values: readonly Value[]): Value => variadic('Max', values);
/** ONNX Sum-13 of values that broadcast. */
export const sum = (values: readonly Value[]): Value => variadic('Sum', values);
/** ONNX Mean-13 of values that broadcast, as their sum divided by their number. */
export const mean = (values: readonly Value[]): Value =>
  values.length === 1 ? values[0] : div(sum(values), values.length);

/**
 * ONNX Clip-13: x cut to at least `least` and at most `greatest`; null for no limit. At a limit the gradient passes, as
 * in PyTorch's clamp.
 */
export function clip(x: Value, least: Operand | null, greatest: Operand | null): Value {
  const limits = [least, greatest].map((limit) => (typeof limit === 'number' ? scalarLike(x, limit) : limit));
  for (const limit of limits)
    if (limit && (limit.dtype !== x.dtype || elementCount(limit.shape) !== 1 || limit.shape.length > 0))
      throw new GraphError(`Clip: the limit ${describe(limit)} is no number for ${describe(x)}`);
  if (limits.every((limit) => limit === null)) return x;
  return x.graph.add('Clip', [x, ...limits], {}, [x])[0];
}

/**
 * ONNX Mod-13: the remainder of a division. Of floating-point numbers it has the sign of a (C's fmod), of integers
 * that of b unless `fmod` is set.
 */
export function mod(a: Operand, b: Operand, fmod?: boolean): Value {
  const [left, right] = operands('Mod', a, b);
  const ofFloats = isFloat(left);
  if (ofFloats && fmod === false)
    throw new GraphError(`Mod: ONNX has only fmod for floating-point numbers: ${describe(left, right)}`);
  return binary('Mod', left, right, undefined, { fmod: int((fmod ?? ofFloats) ? 1 : 0) });
}
