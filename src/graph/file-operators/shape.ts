/** Operators that move elements without computing. */
import { broadcastShape } from '../broadcast.js';
import { GraphError, describe } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

const reshape: FileOperator = (node) => {
  const x = node.input(0);
  const keepsZero = node.int('allowzero', 0) !== 0;
  // Without it a 0 stands for the dimension of x in its place.
  return [
    op.reshape(
      x,
      node.list(1).map((length, axis) => (length === 0 && !keepsZero ? (x.shape[axis] ?? 0) : length)),
    ),
  ];
};

const transpose: FileOperator = (node) => {
  const x = node.input(0);
  const rank = x.shape.length;
  return [
    op.transpose(
      x,
      node.ints(
        'perm',
        rank,
        x.shape.map((_, axis) => rank - 1 - axis),
      ),
    ),
  ];
};

const slice: FileOperator = (node) => {
  const x = node.input(0);
  const [starts, ends] = [node.list(1), node.list(2)];
  const axes = node.optionalList(
    3,
    starts.map((_, i) => i),
  );
  const steps = node.optionalList(
    4,
    starts.map(() => 1),
  );
  if ([ends, axes, steps].some(({ length }) => length !== starts.length))
    throw new GraphError('its starts, ends, axes and steps differ in number');
  // ONNX counts negative indices from the back, and cuts what lies outside.
  const within = (index: number, length: number, low: number, high: number): number =>
    Math.min(Math.max(index < 0 ? index + length : index, low), high);
  const ranges = starts.map((start, i) => {
    const axis = op.normalizeAxis('Slice', axes[i], x.shape);
    const length = x.shape[axis];
    // A step beyond the end leads nowhere, however long it is.
    const step = Math.min(Math.max(steps[i], -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
    const [low, high] = step < 0 ? [-1, length - 1] : [0, length];
    return {
      axis,
      start: within(start, length, Math.max(low, 0), high),
      end: within(ends[i], length, low, high),
      step,
    };
  });
  return [op.slice(x, ranges)];
};

const split: FileOperator = (node) => {
  const x = node.input(0);
  const axis = node.int('axis', 0);
  const count = node.int('num_outputs', node.outputCount);
  const lengths = node.optionalList(1, []);
  if (
    count !== node.outputCount ||
    new Set(lengths).size > 1 ||
    (lengths.length > 0 && lengths.length !== count)
  )
    throw new GraphError(
      `it does not split into ${node.outputCount} equal parts, which tract-ts reads alone`,
    );
  const parts = op.split(x, axis, count);
  if (lengths.length > 0 && lengths[0] !== parts[0].shape[op.normalizeAxis('Split', axis, x.shape)])
    throw new GraphError(`${count} parts of ${lengths[0]} elements are not all of ${describe(x)}`);
  return parts;
};

const pad: FileOperator = (node) => {
  node.text('mode', ['constant'], 'constant');
  const x = node.input(0);
  const pads = node.list(1);
  const rank = x.shape.length;
  if (pads.length !== 2 * rank) throw new GraphError(`${pads.length} pads do not fit ${describe(x)}`);
  return [op.pad(x, pads.slice(0, rank), pads.slice(rank))];
};

const expand: FileOperator = (node) => {
  const x = node.input(0);
  const target = node.list(1);
  const shape = broadcastShape(x.shape, target);
  if (!shape || target.some((length) => length < 1))
    throw new GraphError(`${describe(x)} does not broadcast with [${target.join()}]`);
  return [op.expand(x, shape)];
};

export const shape: FileOperators = {
  Concat: (node) => [op.concat(node.inputs(), node.int('axis'))],
  Expand: expand,
  Pad: pad,
  Reshape: reshape,
  Slice: slice,
  Split: split,
  Transpose: transpose,
};
