/** Operators that choose elements by their positions. */
import { sameShape } from '../../tensor/tensor.js';
import { int, string } from '../attributes.js';
import { GraphError, type Value, describe } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

/** The least and the greatest element of each constant that was looked at. */
const ranges = new WeakMap<Value, readonly [bigint, bigint]>();

/** Indices that are computed are checked by ONNX Runtime. */
function checkIndices(indices: Value, length: number): void {
  if (!indices.constant) return;
  let range = ranges.get(indices);
  if (!range) {
    let [low, high] = [0n, 0n];
    for (const index of indices.constant.data as BigInt64Array) {
      if (index < low) low = index;
      if (index > high) high = index;
    }
    range = [low, high];
    ranges.set(indices, range);
  }
  if (range[0] < 0n || range[1] >= BigInt(length))
    throw new GraphError(`there are indices outside of the ${length} there are`);
}

const scatterElements: FileOperator = (node) => {
  const [data, indices, updates] = [0, 1, 2].map((index) => node.input(index));
  const axis = op.normalizeAxis('ScatterElements', node.int('axis', 0), data.shape);
  const fits =
    indices.dtype === 'int64' &&
    sameShape(indices.shape, updates.shape) &&
    indices.shape.length === data.shape.length &&
    indices.shape.every((length, i) => i === axis || length <= data.shape[i]) &&
    data.dtype === updates.dtype;
  if (!fits) throw new GraphError(`${describe(data, indices, updates)} do not fit along axis ${axis}`);
  checkIndices(indices, data.shape[axis]);
  const attributes = { axis: int(axis), reduction: string(node.text('reduction', ['add'])) };
  return node.graph.add('ScatterElements', [data, indices, updates], attributes, [
    { dtype: data.dtype, shape: data.shape },
  ]);
};

const gather: FileOperator = (node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  node.only('axis', 0);
  if (x.shape.length < 1 || indices.dtype !== 'int64' || indices.shape.length !== 1)
    throw new GraphError(`${describe(x, indices)} are no tensor and its rows`);
  checkIndices(indices, x.shape[0]);
  // Not by the builder, which would make a constant of its own of indices that many nodes may share.
  return node.graph.add('Gather', [x, indices], { axis: int(0) }, [
    { dtype: x.dtype, shape: [...indices.shape, ...x.shape.slice(1)] },
  ]);
};

const gatherElements: FileOperator = (node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  node.only('axis', 0);
  const result = op.gatherElements(x, indices);
  checkIndices(indices, x.shape[0]);
  return [result];
};

export const indexing: FileOperators = {
  Gather: gather,
  GatherElements: gatherElements,
  ScatterElements: scatterElements,
};
