/** How builders add a node of one or two operands; no builder itself. */
import { type DType, tensor } from '../../tensor/tensor.js';
import type { Attributes } from '../attributes.js';
import { broadcastShape } from '../broadcast.js';
import { GraphError, type Value, describe } from '../graph.js';

/** A value, or a number that becomes a constant of the other operand's element type. */
export type Operand = Value | number;

/** A scalar constant of the element type of `like`. */
export function scalarLike(like: Value, value: number): Value {
  return like.graph.constant(tensor(like.dtype, [], [value]));
}

/** Both operands as values. */
export function operands(opType: string, a: Operand, b: Operand): readonly [Value, Value] {
  if (typeof a === 'number' && typeof b === 'number')
    throw new GraphError(`${opType}: one operand must be a graph value`);
  const left = typeof a === 'number' ? scalarLike(b as Value, a) : a;
  return [left, typeof b === 'number' ? scalarLike(left, b) : b];
}

/** An operator of two operands that broadcast. */
export function binary(
  opType: string,
  a: Operand,
  b: Operand,
  result?: DType,
  attributes: Attributes = {},
): Value {
  const [left, right] = operands(opType, a, b);
  const shape = broadcastShape(left.shape, right.shape);
  if (!shape || left.dtype !== right.dtype) {
    throw new GraphError(`${opType}: ${describe(left, right)} do not broadcast together`);
  }
  return left.graph.add(opType, [left, right], attributes, [{ dtype: result ?? left.dtype, shape }])[0];
}

/** An operator of one operand whose result is like it. */
export function unary(opType: string, x: Value, attributes: Attributes = {}): Value {
  return x.graph.add(opType, [x], attributes, [x])[0];
}

export function isFloat({ dtype }: Pick<Value, 'dtype'>): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

/** As `unary`, for operators of real numbers alone. */
export function unaryOfFloats(opType: string, x: Value, attributes: Attributes = {}): Value {
  if (!isFloat(x)) throw new GraphError(`${opType}: ${describe(x)} is not floating-point`);
  return unary(opType, x, attributes);
}

/** @throws GraphError for a number that is not finite, or below the least one */
export function checkNumber(opType: string, name: string, value: number, least = -Infinity): void {
  if (!Number.isFinite(value) || value < least)
    throw new GraphError(
      `${opType}: ${name} must be finite${least > -Infinity ? ` and at least ${least}` : ''}, but is ${value}`,
    );
}
