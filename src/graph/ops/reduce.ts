/** Reductions over axes, and the functions of a distribution that build on them. */
import { formatShape, sameShape, tensor } from '../../tensor/tensor.js';
import { int } from '../attributes.js';
import { broadcastShape } from '../broadcast.js';
import { GraphError, type Value, describe } from '../graph.js';
import { isFloat, scalarLike } from './build.js';
import { mul } from './elementwise.js';
import { absolutePower, positiveRoot } from './powers.js';
import { expand, int64s, normalizeAxis, pad, slice } from './shape.js';

function reduce(opType: string, x: Value, axes: readonly number[], keepDimensions: boolean): Value {
  const reduced = new Set(axes.map((axis) => normalizeAxis(opType, axis, x.shape)));
  if (reduced.size === 0) return x;
  const shape = keepDimensions
    ? x.shape.map((dimension, axis) => (reduced.has(axis) ? 1 : dimension))
    : x.shape.filter((_, axis) => !reduced.has(axis));
  const sorted = [...reduced].sort((a, b) => a - b);
  return x.graph.add(opType, [x, int64s(x.graph, sorted)], { keepdims: int(keepDimensions ? 1 : 0) }, [
    { dtype: x.dtype, shape },
  ])[0];
}

/** ONNX ReduceSum-13. */
export const reduceSum = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduce('ReduceSum', x, axes, keepDimensions);
/** ONNX ReduceMean-18. */
export const reduceMean = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduce('ReduceMean', x, axes, keepDimensions);

/** ONNX ReduceMax-18; its gradient is shared equally among the greatest elements. */
export const reduceMax = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduce('ReduceMax', x, axes, keepDimensions);

/** ONNX ReduceMin-20; its gradient is shared equally among the least elements. */
export const reduceMin = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduce('ReduceMin', x, axes, keepDimensions);
/** ONNX ReduceProd-18: the product. */
export const reduceProd = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduce('ReduceProd', x, axes, keepDimensions);
/** ONNX ReduceL1-18: the sum of absolute values. */
export const reduceL1 = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduceOfFloats('ReduceL1', x, axes, keepDimensions);
/** ONNX ReduceL2-18: the root of the sum of squares; where it is 0 its gradient is 0. */
export const reduceL2 = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduceOfFloats('ReduceL2', x, axes, keepDimensions);
/** ONNX ReduceLogSum-18: the logarithm of the sum. */
export const reduceLogSum = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduceOfFloats('ReduceLogSum', x, axes, keepDimensions);
/** ONNX ReduceLogSumExp-18: the logarithm of the sum of exponentials. */
export const reduceLogSumExp = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduceOfFloats('ReduceLogSumExp', x, axes, keepDimensions);
/** ONNX ReduceSumSquare-18: the sum of squares. */
export const reduceSumSquare = (x: Value, axes: readonly number[], keepDimensions = false): Value =>
  reduceOfFloats('ReduceSumSquare', x, axes, keepDimensions);

/** Of reductions that do something to a single element, too; without axes they would be another operation. */
function reduceOfFloats(opType: string, x: Value, axes: readonly number[], keepDimensions: boolean): Value {
  if (!isFloat(x) || axes.length === 0)
    throw new GraphError(`${opType}: the axes ${formatShape(axes)} of ${describe(x)} are not reduced`);
  return reduce(opType, x, axes, keepDimensions);
}

function position(opType: string, x: Value, axis: number, last: boolean): Value {
  const at = normalizeAxis(opType, axis, x.shape);
  const shape = x.shape.filter((_, i) => i !== at);
  const attributes = { axis: int(at), keepdims: int(0), ...(last && { select_last_index: int(1) }) };
  return x.graph.add(opType, [x], attributes, [{ dtype: 'int64', shape }])[0];
}

/** ONNX ArgMax-13: the index of the first (or last) greatest element along an axis, as int64 and without that axis. */
export const argMax = (x: Value, axis: number, last = false): Value => position('ArgMax', x, axis, last);
/** ONNX ArgMin-13: the index of the first (or last) least element along an axis, as int64 and without that axis. */
export const argMin = (x: Value, axis: number, last = false): Value => position('ArgMin', x, axis, last);

/**
 * ONNX CumSum-14: each element is the sum of those up to it along an axis.
 *
 * @param exclusive whether the element itself is left out. Default false
 * @param reverse whether sums begin at the end. Default false
 */
export function cumSum(
  x: Value,
  axis: number,
  { exclusive = false, reverse = false }: { readonly exclusive?: boolean; readonly reverse?: boolean } = {},
): Value {
  const at = x.graph.constant(tensor('int64', [], [normalizeAxis('CumSum', axis, x.shape)]));
  const attributes = { exclusive: int(exclusive ? 1 : 0), reverse: int(reverse ? 1 : 0) };
  return x.graph.add('CumSum', [x, at], attributes, [x])[0];
}

/**
 * ONNX CumProd-26: each element is the product of those up to it along an axis, as products over 1, 2, 4, … neighbours.
 *
 * @param exclusive whether the element itself is left out. Default false
 * @param reverse whether products begin at the end. Default false
 */
export function cumProd(
  x: Value,
  axis: number,
  { exclusive = false, reverse = false }: { readonly exclusive?: boolean; readonly reverse?: boolean } = {},
): Value {
  const at = normalizeAxis('CumProd', axis, x.shape);
  const length = x.shape[at];
  const none = x.shape.map(() => 0);
  /** Moved along the axis, with ones where nothing came. */
  const moved = (value: Value, by: number): Value => {
    const kept = slice(value, [{ axis: at, start: reverse ? by : 0, end: reverse ? length : length - by }]);
    const [before, after] = reverse ? [0, by] : [by, 0];
    return pad(kept, none.with(at, before), none.with(at, after), { value: 1 });
  };
  let product = x;
  if (exclusive) product = length === 1 ? expand(scalarLike(x, 1), x.shape) : moved(x, 1);
  for (let step = 1; step < length; step *= 2) product = mul(product, moved(product, step));
  return product;
}

/**
 * ONNX TopK-11: the k greatest (or least) elements along an axis, and where they are.
 *
 * @returns values in the type of x and indices as int64, with k elements along the axis, the greatest (or least) first
 */
export function topK(
  x: Value,
  k: number,
  { axis = -1, largest = true }: { readonly axis?: number; readonly largest?: boolean } = {},
): { values: Value; indices: Value } {
  const at = normalizeAxis('TopK', axis, x.shape);
  if (!Number.isSafeInteger(k) || k < 1 || k > x.shape[at])
    throw new GraphError(`TopK: there are no ${k} elements along axis ${at} of ${describe(x)}`);
  const shape = x.shape.with(at, k);
  const attributes = { axis: int(at), largest: int(largest ? 1 : 0), sorted: int(1) };
  const [values, indices] = x.graph.add('TopK', [x, int64s(x.graph, [k])], attributes, [
    { dtype: x.dtype, shape },
    { dtype: 'int64', shape },
  ]);
  return { values, indices };
}

/** (Σ |x|ᵖ)^(1/p) over axes, which are kept as 1. At zero, where it has no derivative, its gradient is zero. */
export function lpNorm(x: Value, p: number, axes: readonly number[]): Value {
  return positiveRoot(reduceSum(absolutePower('LpNorm', x, p), axes, true), p);
}

/** ONNX Softmax-13. */
export function softmax(x: Value, axis = -1): Value {
  return x.graph.add('Softmax', [x], { axis: int(normalizeAxis('Softmax', axis, x.shape)) }, [x])[0];
}

/** ONNX LogSoftmax-13. */
export function logSoftmax(x: Value, axis = -1): Value {
  return x.graph.add('LogSoftmax', [x], { axis: int(normalizeAxis('LogSoftmax', axis, x.shape)) }, [x])[0];
}

/** The sum of a value over the axes it was broadcast along: the gradient of broadcasting. */
export function sumTo(x: Value, target: Value): Value {
  if (!sameShape(broadcastShape(target.shape, x.shape) ?? [-1], x.shape))
    throw new GraphError(`ReduceSum: ${describe(x)} was never broadcast from ${describe(target)}`);
  const extra = x.shape.length - target.shape.length;
  const axes = x.shape.flatMap((dimension, axis) =>
    axis < extra || (target.shape[axis - extra] === 1 && dimension !== 1) ? [axis] : [],
  );
  if (axes.length === 0) return x;
  const summed = reduceSum(x, axes, true);
  return extra === 0
    ? summed
    : x.graph.add('Reshape', [summed, int64s(x.graph, target.shape)], {}, [target])[0];
}
