/** Sums and other reductions, and products of matrices, on the host. */
import { allocate, elementCount } from '../../../tensor/tensor.js';
import { broadcastStrides, rowMajorStrides } from '../../broadcast.js';
import { GraphError } from '../../graph.js';
import { forEachIndex, moved } from './indices.js';
import { type HostOperator, axisOf, input, optionalAxes, toBigInt, wholeNumbers } from './call.js';

const reduction =
  (initial: number, combine: (sum: number, x: number) => number, mean = false): HostOperator =>
  (call) => {
    const x = input(call, 0);
    const given = optionalAxes(call) ?? [];
    const nothing = given.length === 0 && call.attributes.int('noop_with_empty_axes', 0) !== 0;
    if (nothing) return [x];
    const axes = new Set(
      given.length === 0 ? x.shape.keys() : given.map((axis) => axisOf(axis, x.shape.length)),
    );
    const kept = x.shape.map((length, axis) => (axes.has(axis) ? 1 : length));
    call.budget.spend(kept);
    const sums = Array.from({ length: elementCount(kept) }, () => initial);
    const strides = broadcastStrides(kept, x.shape);
    forEachIndex(x.shape, (index, position) => {
      const at = index.reduce((sum, i, axis) => sum + i * strides[axis], 0);
      sums[at] = combine(sums[at], Number(x.data[position]));
    });
    const data = allocate(x.dtype, sums.length);
    const share = mean ? sums.length / Math.max(x.data.length, 1) : 1;
    sums.forEach((sum, i) => {
      if (data instanceof BigInt64Array) data[i] = toBigInt(sum * share);
      else data[i] = sum * share;
    });
    const keeps = call.attributes.int('keepdims', 1) !== 0;
    return [{ dtype: x.dtype, shape: keeps ? kept : x.shape.filter((_, axis) => !axes.has(axis)), data }];
  };

const cumSum: HostOperator = (call) => {
  const x = input(call, 0);
  const axis = axisOf(wholeNumbers(input(call, 1))[0] ?? 0, x.shape.length);
  if (call.attributes.int('exclusive', 0) !== 0 || call.attributes.int('reverse', 0) !== 0)
    throw new GraphError('it is exclusive or reversed');
  call.budget.spend(x.shape);
  const result = moved(x, x.shape, (i) => i);
  const stride = rowMajorStrides(x.shape)[axis];
  forEachIndex(x.shape, (index, position) => {
    if (index[axis] === 0) return;
    const { data } = result;
    if (data instanceof BigInt64Array) data[position] += data[position - stride];
    else data[position] += data[position - stride];
  });
  return [result];
};

/** Products of matrices, for tables of positions. */
const matMul: HostOperator = (call) => {
  const [a, b] = [input(call, 0), input(call, 1)];
  const [rows, inner] = a.shape;
  const columns = b.shape[1];
  if (a.shape.length !== 2 || b.shape.length !== 2 || b.shape[0] !== inner || a.dtype !== b.dtype)
    throw new GraphError('its matrices do not fit');
  call.budget.spend([rows, inner, columns]);
  const data = allocate(a.dtype, rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += Number(a.data[i * inner + k]) * Number(b.data[k * columns + j]);
      if (data instanceof BigInt64Array) data[i * columns + j] = toBigInt(sum);
      else data[i * columns + j] = sum;
    }
  }
  return [{ dtype: a.dtype, shape: [rows, columns], data }];
};

export const reduceOperators: readonly (readonly [string, HostOperator])[] = [
  ['CumSum', cumSum],
  ['MatMul', matMul],
  ['ReduceMax', reduction(-Infinity, Math.max)],
  ['ReduceMean', reduction(0, (sum, x) => sum + x, true)],
  ['ReduceMin', reduction(Infinity, Math.min)],
  ['ReduceProd', reduction(1, (product, x) => product * x)],
  ['ReduceSum', reduction(0, (sum, x) => sum + x)],
];
