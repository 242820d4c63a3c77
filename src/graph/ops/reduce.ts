/** Reductions over axes, and the functions of a distribution that build on them. */
import { sameShape } from '../../tensor/tensor.js';
import { int } from '../attributes.js';
import { broadcastShape } from '../broadcast.js';
import { GraphError, type Value, describe } from '../graph.js';
import { absolutePower, positiveRoot } from './powers.js';
import { int64s, normalizeAxis } from './shape.js';

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

/** ONNX ArgMax-13: the index of the first greatest element along an axis, as int64 and without that axis. */
export function argMax(x: Value, axis: number): Value {
  const at = normalizeAxis('ArgMax', axis, x.shape);
  const shape = x.shape.filter((_, i) => i !== at);
  return x.graph.add('ArgMax', [x], { axis: int(at), keepdims: int(0) }, [{ dtype: 'int64', shape }])[0];
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
