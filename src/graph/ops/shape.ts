/** Operators that move elements without computing: reshape, transpose, slice, concat, pad, expand, tile. */
import {
  type DType,
  type Shape,
  type TensorType,
  elementCount,
  formatShape,
  sameShape,
  tensor,
} from '../../tensor/tensor.js';
import { broadcastShape } from '../broadcast.js';
import { int, ints, string } from '../attributes.js';
import { type Graph, GraphError, type Value, describe } from '../graph.js';
import { dataTypes } from '../onnx-types.js';
import { type Operand, scalarLike } from './build.js';

/** A one-dimensional int64 constant, as ONNX takes shapes, axes and pads. */
export function int64s(graph: Graph, values: readonly number[]): Value {
  return graph.constant(tensor('int64', [values.length], values));
}

/** An axis counted from the front; negative ones count from the back. */
export function normalizeAxis(opType: string, axis: number, shape: Shape): number {
  const positive = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= shape.length) {
    throw new GraphError(`${opType}: there is no axis ${axis} in ${formatShape(shape)}`);
  }
  return positive;
}

/** ONNX Reshape-19. One dimension may be -1: it is inferred. */
export function reshape(x: Value, shape: Shape): Value {
  const known = shape.reduce((product, dimension) => (dimension === -1 ? product : product * dimension), 1);
  const full = shape.map((dimension) => (dimension === -1 ? elementCount(x.shape) / known : dimension));
  if (
    elementCount(full) !== elementCount(x.shape) ||
    !full.every((dimension) => Number.isInteger(dimension) && dimension > 0) ||
    shape.filter((dimension) => dimension === -1).length > 1
  ) {
    throw new GraphError(`Reshape: ${describe(x)} does not fit ${formatShape(shape)}`);
  }
  if (sameShape(full, x.shape)) return x;
  // A reshape of a reshape needs the inner one no more.
  const source = x.producer?.opType === 'Reshape' ? x.producer.inputs[0]! : x;
  if (sameShape(full, source.shape)) return source;
  return x.graph.add('Reshape', [source, int64s(x.graph, full)], {}, [{ dtype: x.dtype, shape: full }])[0];
}

/** ONNX Transpose-13: axis i of the result is axis `perm[i]` of x. */
export function transpose(x: Value, perm: readonly number[]): Value {
  const sorted = [...perm].sort((a, b) => a - b);
  if (perm.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
    throw new GraphError(`Transpose: ${formatShape(perm)} is no permutation of the axes of ${describe(x)}`);
  }
  if (perm.every((axis, i) => axis === i)) return x;
  const shape = perm.map((axis) => x.shape[axis]);
  return x.graph.add('Transpose', [x], { perm: ints(perm) }, [{ dtype: x.dtype, shape }])[0];
}

/** The last two axes exchanged. */
export function matrixTranspose(x: Value): Value {
  const rank = x.shape.length;
  if (rank < 2) throw new GraphError(`Transpose: ${describe(x)} is no matrix`);
  const perm = x.shape.map((_, axis) => axis);
  return transpose(x, [...perm.slice(0, -2), rank - 1, rank - 2]);
}

/** A range along an axis. */
export interface SliceRange {
  readonly axis: number;
  /** First index; counts from 0. */
  readonly start: number;
  /** One past the last index for a positive step; for a negative step one before the last, -1 meaning "to the front". */
  readonly end: number;
  readonly step?: number;
}

/** ONNX Slice-13, with every range inside the tensor. */
export function slice(x: Value, ranges: readonly SliceRange[]): Value {
  const shape = [...x.shape];
  const axes = ranges.map(({ axis }) => normalizeAxis('Slice', axis, x.shape));
  if (new Set(axes).size < axes.length)
    throw new GraphError(`Slice: the axes ${formatShape(axes)} of ${describe(x)} repeat`);
  for (const [i, { start, end, step = 1 }] of ranges.entries()) {
    const axis = axes[i];
    shape[axis] = Math.ceil((end - start) / step);
    const [low, high] = step > 0 ? [start, end - 1] : [end + 1, start];
    const whole = [start, end, step].every((value) => Number.isInteger(value));
    if (!whole || step === 0 || low < 0 || high >= x.shape[axis] || shape[axis] < 1) {
      throw new GraphError(`Slice: ${start}:${end}:${step} is outside axis ${axis} of ${describe(x)}`);
    }
  }
  if (sameShape(shape, x.shape) && ranges.every(({ step = 1 }) => step === 1)) return x;
  const { graph } = x;
  // ONNX counts negative ends from the back, so "to the front" has to lie further out than any dimension.
  const ends = ranges.map(({ end }) => (end < 0 ? -(2 ** 31) : end));
  const parts = [ranges.map(({ start }) => start), ends, axes, ranges.map(({ step = 1 }) => step)].map(
    (values) => int64s(graph, values),
  );
  return graph.add('Slice', [x, ...parts], {}, [{ dtype: x.dtype, shape }])[0];
}

/** ONNX Concat-13. */
export function concat(values: readonly Value[], axis: number): Value {
  if (values.length === 0) throw new GraphError('Concat: there is nothing to join');
  const [first] = values;
  const at = normalizeAxis('Concat', axis, first.shape);
  for (const value of values) {
    const fits = value.shape.length === first.shape.length && value.dtype === first.dtype;
    if (!fits || value.shape.some((dimension, i) => i !== at && dimension !== first.shape[i])) {
      throw new GraphError(`Concat: ${describe(...values)} do not join along axis ${at}`);
    }
  }
  if (values.length === 1) return first;
  const shape = first.shape.map((dimension, i) =>
    i === at ? values.reduce((sum, value) => sum + value.shape[at], 0) : dimension,
  );
  return first.graph.add('Concat', values, { axis: int(at) }, [{ dtype: first.dtype, shape }])[0];
}

/**
 * ONNX Split-18: parts along an axis.
 *
 * @param parts how many equal ones, or the length of each
 */
export function split(x: Value, axis: number, parts: number | readonly number[]): readonly Value[] {
  const at = normalizeAxis('Split', axis, x.shape);
  const part = (length: number): TensorType => ({ dtype: x.dtype, shape: x.shape.with(at, length) });
  if (typeof parts === 'number') {
    if (!Number.isInteger(parts) || parts < 1 || x.shape[at] % parts !== 0)
      throw new GraphError(`Split: axis ${at} of ${describe(x)} does not split into ${parts} equal parts`);
    const results = Array.from({ length: parts }, () => part(x.shape[at] / parts));
    return x.graph.add('Split', [x], { axis: int(at), num_outputs: int(parts) }, results);
  }
  const whole = parts.every((length) => Number.isInteger(length) && length > 0);
  if (!whole || parts.reduce((sum, length) => sum + length, 0) !== x.shape[at])
    throw new GraphError(
      `Split: axis ${at} of ${describe(x)} does not split into parts of ${formatShape(parts)}`,
    );
  return x.graph.add('Split', [x, int64s(x.graph, parts)], { axis: int(at) }, parts.map(part));
}

/** What lies around a padded tensor: one value, or what continues it as PyTorch's modes of these names and ONNX's `edge`. */
export type PadMode = 'constant' | 'reflect' | 'edge' | 'wrap';

/**
 * ONNX Pad-19: `before[i]` and `after[i]` elements are added around axis i, or removed where they are negative.
 *
 * @param mode default `constant`
 * @param value of the mode `constant`: a scalar. Default 0
 */
export function pad(
  x: Value,
  before: readonly number[],
  after: readonly number[],
  { mode = 'constant', value }: { readonly mode?: PadMode; readonly value?: Operand } = {},
): Value {
  const rank = x.shape.length;
  const whole = [...before, ...after].every((n) => Number.isSafeInteger(n));
  const filling = typeof value === 'number' ? (value === 0 ? undefined : scalarLike(x, value)) : value;
  if (
    before.length !== rank ||
    after.length !== rank ||
    !whole ||
    (filling && (mode !== 'constant' || filling.shape.length > 0 || filling.dtype !== x.dtype))
  ) {
    const filled = filling ? ` with ${describe(filling)}` : '';
    throw new GraphError(
      `Pad: ${formatShape(before)} and ${formatShape(after)}${filled} do not fit ${describe(x)}`,
    );
  }
  if ([...before, ...after].some((n) => n < 0)) {
    const cut = (n: number): number => Math.max(-n, 0);
    const inner = slice(
      x,
      x.shape.map((length, axis) => ({ axis, start: cut(before[axis]), end: length - cut(after[axis]) })),
    );
    const [left, right] = [before, after].map((sizes) => sizes.map((n) => Math.max(n, 0)));
    return pad(inner, left, right, { mode, value });
  }
  if ([...before, ...after].every((n) => n === 0)) return x;
  x.shape.forEach((length, axis) => {
    const most = { constant: Infinity, edge: Infinity, reflect: length - 1, wrap: length }[mode];
    if (Math.max(before[axis], after[axis]) > most)
      throw new GraphError(
        `Pad: ${before[axis]} and ${after[axis]} in mode ${mode} do not fit axis ${axis} of ${describe(x)}`,
      );
  });
  const shape = x.shape.map((dimension, axis) => dimension + before[axis] + after[axis]);
  const pads = int64s(x.graph, [...before, ...after]);
  const inputs = filling ? [x, pads, filling] : [x, pads];
  return x.graph.add('Pad', inputs, { mode: string(mode) }, [{ dtype: x.dtype, shape }])[0];
}

/** ONNX Expand-13: repeats along dimensions of 1 until x has the given shape. */
export function expand(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const result = broadcastShape(x.shape, shape);
  if (!result || !sameShape(result, shape))
    throw new GraphError(`Expand: ${describe(x)} does not expand to ${formatShape(shape)}`);
  return x.graph.add('Expand', [x, int64s(x.graph, shape)], {}, [{ dtype: x.dtype, shape }])[0];
}

/** Zeros in the type of a value. */
export function zerosLike({ graph, dtype, shape }: Pick<Value, 'graph' | 'dtype' | 'shape'>): Value {
  return expand(
    graph.constant(
      tensor(
        dtype,
        shape.map(() => 1),
        [0],
      ),
    ),
    shape,
  );
}

/**
 * Where the elements of a strided slice lie in the flattened tensor it was taken from, as an int64 constant: the
 * offsets of index `from + i · step` for every i of `shape`, in row-major order.
 */
export function lattice(
  graph: Graph,
  shape: Shape,
  from: readonly number[],
  step: readonly number[],
  strides: readonly number[],
): Value {
  let offsets = [from.reduce((sum, start, axis) => sum + start * strides[axis], 0)];
  shape.forEach((length, axis) => {
    offsets = offsets.flatMap((offset) =>
      Array.from({ length }, (_, i) => offset + i * step[axis] * strides[axis]),
    );
  });
  return graph.constant(tensor('int64', [offsets.length], offsets));
}

/** ONNX Flatten-13: a matrix, with the axes before `axis` as its rows. */
export function flatten(x: Value, axis = 1): Value {
  const rank = x.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || at < 0 || at > rank)
    throw new GraphError(`Flatten: there is no axis ${axis} in ${formatShape(x.shape)}`);
  return reshape(x, [elementCount(x.shape.slice(0, at)), elementCount(x.shape.slice(at))]);
}

/** ONNX Squeeze-13: without the given axes, which have to be 1; default all that are. */
export function squeeze(x: Value, axes?: readonly number[]): Value {
  const gone = new Set(axes?.map((axis) => normalizeAxis('Squeeze', axis, x.shape)));
  for (const axis of gone)
    if (x.shape[axis] !== 1) throw new GraphError(`Squeeze: axis ${axis} of ${describe(x)} is not 1`);
  return reshape(
    x,
    x.shape.filter((length, axis) => (axes ? !gone.has(axis) : length !== 1)),
  );
}

/** ONNX Unsqueeze-13: with axes of 1 at the given places of the result. */
export function unsqueeze(x: Value, axes: readonly number[]): Value {
  const shape = Array<number>(x.shape.length + axes.length).fill(0);
  for (const axis of axes) {
    const at = normalizeAxis('Unsqueeze', axis, shape);
    if (shape[at] === 1) throw new GraphError(`Unsqueeze: the axes ${formatShape(axes)} repeat`);
    shape[at] = 1;
  }
  let next = 0;
  return reshape(
    x,
    shape.map((length) => (length === 1 ? 1 : x.shape[next++])),
  );
}

/** ONNX Tile-13: x repeated `repeats[i]` times along axis i. */
export function tile(x: Value, repeats: readonly number[]): Value {
  const whole = repeats.every((count) => Number.isSafeInteger(count) && count > 0);
  if (!whole || repeats.length !== x.shape.length)
    throw new GraphError(`Tile: the repeats ${formatShape(repeats)} do not fit ${describe(x)}`);
  if (repeats.every((count) => count === 1)) return x;
  const shape = x.shape.map((length, axis) => length * repeats[axis]);
  return x.graph.add('Tile', [x, int64s(x.graph, repeats)], {}, [{ dtype: x.dtype, shape }])[0];
}

/**
 * ONNX Trilu-14: the upper or lower triangles of matrices, zeros elsewhere.
 *
 * @param x [..., rows, columns]
 * @param diagonal where the triangle begins or ends; 0 is the main diagonal, positive ones lie above it
 */
export function trilu(
  x: Value,
  { upper = true, diagonal = 0 }: { readonly upper?: boolean; readonly diagonal?: number } = {},
): Value {
  if (x.shape.length < 2 || !Number.isSafeInteger(diagonal))
    throw new GraphError(`Trilu: ${describe(x)} has no diagonal ${diagonal}`);
  const k = x.graph.constant(tensor('int64', [], [diagonal]));
  return x.graph.add('Trilu', [x, k], { upper: int(upper ? 1 : 0) }, [x])[0];
}

/** ONNX EyeLike-9: ones on a diagonal of a matrix of the shape of x, zeros elsewhere. */
export function eyeLike(x: Value, dtype: DType = x.dtype, diagonal = 0): Value {
  if (x.shape.length !== 2 || !Number.isSafeInteger(diagonal))
    throw new GraphError(`EyeLike: ${describe(x)} is no matrix with a diagonal ${diagonal}`);
  const attributes = { dtype: int(dataTypes[dtype]), k: int(diagonal) };
  return x.graph.add('EyeLike', [x], attributes, [{ dtype, shape: x.shape }])[0];
}

/** ONNX Range-11: `start`, `start + step`, … up to `limit`, which is left out. */
export function range(graph: Graph, start: number, limit: number, step = 1, dtype: DType = 'int64'): Value {
  const length = Math.ceil((limit - start) / step);
  const whole = dtype.startsWith('float') || [start, limit, step].every((n) => Number.isSafeInteger(n));
  if (!Number.isSafeInteger(length) || length < 1 || !whole || dtype === 'bool' || dtype === 'uint8')
    throw new GraphError(
      `Range: there are no ${dtype} numbers from ${start} to ${limit} in steps of ${step}`,
    );
  const inputs = [start, limit, step].map((value) => graph.constant(tensor(dtype, [], [value])));
  return graph.add('Range', inputs, {}, [{ dtype, shape: [length] }])[0];
}

/**
 * ONNX DepthToSpace-13: channels become blocks of pixels.
 *
 * @param x [N, C · block², H, W]
 * @param mode whether the blocks are in the outer (`DCR`) or the inner (`CRD`, PyTorch's pixel shuffle) part of the
 *   channels
 * @returns [N, C, H · block, W · block]
 */
export function depthToSpace(x: Value, block: number, mode: 'DCR' | 'CRD' = 'DCR'): Value {
  const [batch, channels, height, width] = x.shape;
  if (!Number.isSafeInteger(block) || block < 1 || x.shape.length !== 4 || channels % block ** 2 !== 0)
    throw new GraphError(`DepthToSpace: ${describe(x)} does not divide into blocks of ${block}`);
  const depth = channels / block ** 2;
  const [apart, perm] =
    mode === 'DCR'
      ? [
          [block, block, depth],
          [0, 3, 4, 1, 5, 2],
        ]
      : [
          [depth, block, block],
          [0, 1, 4, 2, 5, 3],
        ];
  const blocks = transpose(reshape(x, [batch, ...apart, height, width]), perm);
  return reshape(blocks, [batch, depth, height * block, width * block]);
}

/**
 * ONNX SpaceToDepth-13: blocks of pixels become channels.
 *
 * @param x [N, C, H · block, W · block]
 * @returns [N, block² · C, H, W]
 */
export function spaceToDepth(x: Value, block: number): Value {
  const [batch, channels, height, width] = x.shape;
  const fits = x.shape.length === 4 && height % block === 0 && width % block === 0;
  if (!Number.isSafeInteger(block) || block < 1 || !fits)
    throw new GraphError(`SpaceToDepth: ${describe(x)} does not divide into blocks of ${block}`);
  const blocks = reshape(x, [batch, channels, height / block, block, width / block, block]);
  const shape = [batch, channels * block ** 2, height / block, width / block];
  return reshape(transpose(blocks, [0, 3, 5, 1, 2, 4]), shape);
}
