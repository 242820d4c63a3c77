/**
 * Operators that choose elements by their positions: each has another one that puts the gradient back. A position is a
 * whole number, constant almost everywhere in what it was computed of, so nothing flows through it.
 */
import { rowMajorStrides } from '../../graph/broadcast.js';
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { elementCount, tensor, toNumbers } from '../../tensor/tensor.js';
import { type BackwardRule, numberOf, perInput } from '../rule.js';
import { scatter } from './scatter.js';

/** The constant indices of a part of an axis that is in order and without gaps; undefined for others. */
const range = (indices: Value, length: number): { start: number; end: number } | undefined => {
  if (!indices.constant) return undefined;
  const [start, ...rest] = toNumbers(indices.constant).map((index) => (index + length) % length);
  return rest.every((index, i) => index === start + i + 1)
    ? { start, end: start + rest.length + 1 }
    : undefined;
};

/** Each element's gradient added to the one that it was gathered from. */
const ungather = (g: Value, [x, indices]: readonly Value[], node: Node): Value => {
  const axis = numberOf(node, 'axis');
  const count = elementCount(indices.shape);
  const rows = op.reshape(g, x.shape.with(axis, count));
  const part = axis > 0 || indices.shape.length === 0 ? range(indices, x.shape[axis]) : undefined;
  if (part) {
    const zeros = x.shape.map(() => 0);
    return op.pad(rows, zeros.with(axis, part.start), zeros.with(axis, x.shape[axis] - part.end));
  }
  const alongAxis = op.reshape(
    op.cast(indices, 'int64'),
    rows.shape.map((_, i) => (i === axis ? count : 1)),
  );
  return op.scatterAdd(x.shape[axis], op.expand(alongAxis, rows.shape), rows, axis);
};

const axisOf = (node: Node): number => numberOf(node, 'axis');

/** The coordinates of the batch in front of those that GatherND is told: ScatterND has no axes of a batch. */
const withBatch = (indices: Value, batchDimensions: number): Value => {
  if (batchDimensions === 0) return indices;
  const batch = indices.shape.slice(0, batchDimensions);
  const strides = rowMajorStrides(batch);
  const coordinates = Array.from({ length: elementCount(batch) }, (_, i) =>
    batch.map((length, axis) => Math.floor(i / strides[axis]) % length),
  ).flat();
  const inner = indices.shape.slice(batchDimensions, -1);
  const shape = [...batch, ...inner.map(() => 1), batchDimensions];
  const constant = indices.graph.constant(tensor('int64', shape, coordinates));
  return op.concat([op.expand(constant, [...batch, ...inner, batchDimensions]), indices], -1);
};

export const indexing: Readonly<Record<string, BackwardRule>> = {
  ...scatter,
  Gather: perInput([ungather, null]),
  GatherElements: perInput([
    (g, [x, indices], node) =>
      op.scatterElements(op.zerosLike(x), indices, g, { axis: axisOf(node), reduction: 'add' }),
    null,
  ]),
  GatherND: perInput([
    (g, [x, indices], node) =>
      op.scatterND(op.zerosLike(x), withBatch(indices, numberOf(node, 'batch_dims')), g, 'add'),
    null,
  ]),
};
