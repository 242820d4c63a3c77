/** Operators that move elements without computing: reshape, transpose, slice, concat, pad, expand, scatter. */
import { type Shape, elementCount, formatShape, sameShape, tensor } from '../../tensor/tensor.js';
import { broadcastShape } from '../broadcast.js';
import { int, ints, string } from '../attributes.js';
import { type Graph, GraphError, type Value, describe } from '../graph.js';

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

/** ONNX Split-18: `count` equal parts along an axis. */
export function split(x: Value, axis: number, count: number): readonly Value[] {
  const at = normalizeAxis('Split', axis, x.shape);
  if (!Number.isInteger(count) || count < 1 || x.shape[at] % count !== 0) {
    throw new GraphError(`Split: axis ${at} of ${describe(x)} does not split into ${count} equal parts`);
  }
  const shape = x.shape.map((length, i) => (i === at ? length / count : length));
  const parts = Array.from({ length: count }, () => ({ dtype: x.dtype, shape }));
  return x.graph.add('Split', [x], { axis: int(at), num_outputs: int(count) }, parts);
}

/** ONNX Pad-19 with zeros: `before[i]` and `after[i]` elements are added around axis i. */
export function pad(x: Value, before: readonly number[], after: readonly number[]): Value {
  if (
    before.length !== x.shape.length ||
    after.length !== x.shape.length ||
    ![...before, ...after].every((n) => Number.isInteger(n) && n >= 0)
  ) {
    throw new GraphError(`Pad: ${formatShape(before)} and ${formatShape(after)} do not fit ${describe(x)}`);
  }
  if ([...before, ...after].every((n) => n === 0)) return x;
  const shape = x.shape.map((dimension, axis) => dimension + before[axis] + after[axis]);
  const pads = int64s(x.graph, [...before, ...after]);
  return x.graph.add('Pad', [x, pads], { mode: string('constant') }, [{ dtype: x.dtype, shape }])[0];
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
 * ONNX ScatterElements-18 of zeros with `reduction = "add"`, along axis 0: result[indices[i, …], …] += updates[i, …].
 *
 * @param length of the result's axis 0; its other axes are those of the updates
 * @param indices int64, alike in shape with the updates
 */
export function scatterAdd(length: number, indices: Value, updates: Value): Value {
  if (indices.dtype !== 'int64' || indices.shape.length === 0 || !sameShape(indices.shape, updates.shape)) {
    throw new GraphError(`ScatterElements: ${describe(indices, updates)} are no indices and updates`);
  }
  const { graph, dtype } = updates;
  const shape = [length, ...updates.shape.slice(1)];
  const base = zerosLike({ graph, dtype, shape });
  return graph.add('ScatterElements', [base, indices, updates], { axis: int(0), reduction: string('add') }, [
    { dtype, shape },
  ])[0];
}

/**
 * ONNX GatherElements-13 along axis 0: result[i, …] = x[indices[i, …], …].
 *
 * @param x [n, …]
 * @param indices int64 [m, …], with the other axes of x
 * @returns alike in shape with the indices
 */
export function gatherElements(x: Value, indices: Value): Value {
  const fits = x.shape.length > 0 && sameShape(x.shape.slice(1), indices.shape.slice(1));
  if (indices.dtype !== 'int64' || indices.shape.length !== x.shape.length || !fits) {
    throw new GraphError(`GatherElements: ${describe(indices)} are no indices into ${describe(x)}`);
  }
  const result = { dtype: x.dtype, shape: indices.shape };
  return x.graph.add('GatherElements', [x, indices], { axis: int(0) }, [result])[0];
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

/** ONNX Gather-13 along axis 0: the rows of the given, constant indices. */
export function gather(x: Value, indices: readonly number[]): Value {
  if (
    indices.length === 0 ||
    indices.some((index) => !Number.isInteger(index) || index < 0 || index >= x.shape[0])
  ) {
    throw new GraphError(`Gather: there are indices outside the ${x.shape[0]} rows of ${describe(x)}`);
  }
  const shape = [indices.length, ...x.shape.slice(1)];
  return x.graph.add('Gather', [x, int64s(x.graph, indices)], { axis: int(0) }, [
    { dtype: x.dtype, shape },
  ])[0];
}
