/** Operators that move elements without computing. */
import { broadcastShape } from '../broadcast.js';
import { GraphError, type Value, describe } from '../graph.js';
import { dataTypes, dtypeOf } from '../onnx-types.js';
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
  const axis = op.normalizeAxis('Split', node.int('axis', 0), x.shape);
  const count = node.int('num_outputs', node.outputCount);
  if (count !== node.outputCount)
    throw new GraphError(`attribute "num_outputs" is ${count}, but there are ${node.outputCount} results`);
  const lengths = node.optional(1) ? node.list(1) : [];
  if (lengths.length > 0) {
    if (lengths.length !== count)
      throw new GraphError(`there are ${lengths.length} lengths of parts for ${count} results`);
    // Equal parts are written as ONNX writes them without lengths.
    const equal = lengths.every((length) => length === lengths[0]) && lengths[0] * count === x.shape[axis];
    return op.split(x, axis, equal ? count : lengths);
  }
  // ONNX makes the last part the smaller one where the axis does not divide.
  const length = Math.ceil(x.shape[axis] / count);
  const last = x.shape[axis] - length * (count - 1);
  return op.split(x, axis, last === length ? count : [...Array<number>(count - 1).fill(length), last]);
};

const pad: FileOperator = (node) => {
  const modes = ['constant', 'reflect', 'edge', 'wrap'] as const;
  const mode = node.text<op.PadMode>('mode', modes, 'constant');
  const x = node.input(0);
  const rank = x.shape.length;
  const pads = node.list(1);
  const filling = node.optional(2);
  const axes = node
    .optionalList(
      3,
      x.shape.map((_, axis) => axis),
    )
    .map((axis) => op.normalizeAxis('Pad', axis, x.shape));
  if (pads.length !== 2 * axes.length || new Set(axes).size < axes.length)
    throw new GraphError(`${pads.length} pads of axes [${axes.join()}] do not fit ${describe(x)}`);
  const [before, after] = [Array<number>(rank).fill(0), Array<number>(rank).fill(0)];
  axes.forEach((axis, i) => {
    before[axis] = pads[i];
    after[axis] = pads[axes.length + i];
  });
  return [op.pad(x, before, after, { mode, value: mode === 'constant' ? fillingOf(filling) : undefined })];
};

/** What a tensor is padded with: a number where it is constant, so that zero is zero however it is written. */
function fillingOf(filling: Value | null): op.Operand | undefined {
  if (!filling) return undefined;
  const scalar = filling.shape.length === 1 ? op.reshape(filling, []) : filling;
  const element = scalar.constant && Number(scalar.constant.data[0]);
  return element === 0 ? 0 : scalar;
}

const expand: FileOperator = (node) => {
  const x = node.input(0);
  const target = node.list(1);
  const shape = broadcastShape(x.shape, target);
  if (!shape || target.some((length) => length < 1))
    throw new GraphError(`${describe(x)} does not broadcast with [${target.join()}]`);
  return [op.expand(x, shape)];
};

const eyeLike: FileOperator = (node) => {
  const x = node.input(0);
  const number = node.int('dtype', dataTypes[x.dtype]);
  const dtype = dtypeOf(number);
  if (!dtype)
    throw new GraphError(`attribute "dtype" is ${number}, an element type that tract-ts does not know`);
  return [op.eyeLike(x, dtype, node.int('k', 0))];
};

const squeeze: FileOperator = (node) => [
  op.squeeze(node.input(0), node.optional(1) ? node.list(1) : undefined),
];

const range: FileOperator = (node) => {
  const inputs = [0, 1, 2].map((index) => node.input(index));
  const [start, limit, delta] = [0, 1, 2].map((index) => node.constantNumber(index));
  const [{ dtype }] = inputs;
  if (inputs.some((input) => input.dtype !== dtype))
    throw new GraphError(`start, limit and step are of several types: ${describe(...inputs)}`);
  return [op.range(node.graph, start, limit, delta, dtype)];
};

const tile: FileOperator = (node) => {
  const [x, repeats] = [node.input(0), node.list(1)];
  const expands =
    repeats.length === x.shape.length &&
    repeats.every((times, axis) => times === 1 || (times > 1 && x.shape[axis] === 1));
  return [
    expands
      ? op.expand(
          x,
          x.shape.map((length, axis) => length * repeats[axis]),
        )
      : op.tile(x, repeats),
  ];
};

export const shape: FileOperators = {
  Concat: (node) => [op.concat(node.inputs(), node.int('axis'))],
  DepthToSpace: (node) => [
    op.depthToSpace(
      node.input(0),
      node.int('blocksize'),
      node.text<'DCR' | 'CRD'>('mode', ['DCR', 'CRD'], 'DCR'),
    ),
  ],
  Expand: expand,
  EyeLike: eyeLike,
  Flatten: (node) => [op.flatten(node.input(0), node.int('axis', 1))],
  Pad: pad,
  Range: range,
  Reshape: reshape,
  Slice: slice,
  SpaceToDepth: (node) => [op.spaceToDepth(node.input(0), node.int('blocksize'))],
  Split: split,
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Trilu: (node) => [
    op.trilu(node.input(0), {
      upper: node.flag('upper', true),
      diagonal: node.optional(1) ? node.constantNumber(1) : 0,
    }),
  ],
  Unsqueeze: (node) => [op.unsqueeze(node.input(0), node.list(1))],
};
