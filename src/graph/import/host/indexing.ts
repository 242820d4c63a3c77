/** Operators on the host that choose elements by their positions. */
import { elementCount } from '../../../tensor/tensor.js';
import { rowMajorStrides } from '../../broadcast.js';
import { GraphError } from '../../graph.js';
import { forEachIndex, moved } from './indices.js';
import { type HostOperator, axisOf, input, int64, within } from './call.js';

const gather: HostOperator = (call) => {
  const [x, indices] = [input(call, 0), input(call, 1)];
  const axis = axisOf(call.attributes.int('axis', 0), x.shape.length);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  call.budget.spend(shape);
  const length = x.shape[axis];
  const inner = elementCount(x.shape.slice(axis + 1));
  const count = indices.data.length;
  const rows = Array.from(indices.data as ArrayLike<number | bigint>, (index) =>
    within(Number(index), length),
  );
  return [
    moved(x, shape, (i) => {
      const outer = Math.floor(i / (count * inner));
      return (outer * length + rows[Math.floor(i / inner) % count]) * inner + (i % inner);
    }),
  ];
};

const gatherND: HostOperator = (call) => {
  const [x, indices] = [input(call, 0), input(call, 1)];
  if (call.attributes.int('batch_dims', 0) !== 0) throw new GraphError('its batch_dims are not 0');
  const depth = indices.shape.at(-1) ?? 0;
  if (depth < 1 || depth > x.shape.length) throw new GraphError('its indices do not fit');
  const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
  call.budget.spend(shape);
  const block = elementCount(x.shape.slice(depth));
  const strides = rowMajorStrides(x.shape);
  return [
    moved(x, shape, (i) => {
      const row = Math.floor(i / block);
      let at = i % block;
      for (let axis = 0; axis < depth; axis++)
        at += within(Number(indices.data[row * depth + axis]), x.shape[axis]) * strides[axis];
      return at;
    }),
  ];
};

const scatterND: HostOperator = (call) => {
  const [x, indices, updates] = [0, 1, 2].map((i) => input(call, i));
  const reduce = call.attributes.text('reduction', 'none');
  if (reduce !== 'none') throw new GraphError(`its reduction ${reduce} is not read`);
  const depth = indices.shape.at(-1) ?? 0;
  const block = elementCount(x.shape.slice(depth));
  const rows = elementCount(indices.shape.slice(0, -1));
  if (depth > x.shape.length || updates.data.length !== rows * block || updates.dtype !== x.dtype)
    throw new GraphError('its indices and updates do not fit');
  call.budget.spend(x.shape);
  const result = moved(x, x.shape, (i) => i);
  const strides = rowMajorStrides(x.shape);
  for (let row = 0; row < rows; row++) {
    let at = 0;
    for (let axis = 0; axis < depth; axis++)
      at += within(Number(indices.data[row * depth + axis]), x.shape[axis]) * strides[axis];
    for (let i = 0; i < block; i++) result.data[at + i] = updates.data[row * block + i];
  }
  return [result];
};

const nonZeros: HostOperator = (call) => {
  const x = input(call, 0);
  const found: number[][] = [];
  call.budget.spend([x.shape.length, x.data.length]);
  forEachIndex(x.shape, (index, position) => {
    if (Number(x.data[position]) !== 0) found.push([...index]);
  });
  return [
    int64(
      x.shape.flatMap((_, axis) => found.map((index) => index[axis])),
      [x.shape.length, found.length],
    ),
  ];
};

const trilu: HostOperator = (call) => {
  const x = input(call, 0);
  const [rows, columns] = x.shape.slice(-2);
  const diagonal = call.inputs[1] ? Number(call.inputs[1].data[0]) : 0;
  const upper = call.attributes.int('upper', 1) !== 0;
  if (x.shape.length < 2) throw new GraphError('it needs a matrix');
  call.budget.spend(x.shape);
  const result = moved(x, x.shape, (i) => i);
  for (let i = 0; i < result.data.length; i++) {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    const kept = upper ? column - row >= diagonal : column - row <= diagonal;
    if (!kept) result.data[i] = result.dtype === 'int64' ? 0n : 0;
  }
  return [result];
};

export const indexingOperators: readonly (readonly [string, HostOperator])[] = [
  ['Gather', gather],
  ['GatherND', gatherND],
  ['NonZero', nonZeros],
  ['ScatterND', scatterND],
  ['Trilu', trilu],
];
