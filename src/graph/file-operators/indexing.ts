/** Operators that choose elements by their positions. */
import type { Tensor } from '../../tensor/tensor.js';
import { GraphError, describe } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

const gather: FileOperator = (node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  // Of a list, all elements in their order: how PyTorch's exporter writes strides that change nothing.
  if (x.shape.length === 1 && isCounting(indices.constant, x.shape[0])) {
    node.int('axis', 0);
    return [op.reshape(x, indices.shape)];
  }
  return [op.gather(x, indices, node.int('axis', 0))];
};

/** Whether a tensor holds 0, 1, 2, … up to a length. */
function isCounting(indices: Tensor | undefined, length: number): boolean {
  return indices?.data.length === length && indices.data.every((index, i) => Number(index) === i);
}

const reductions = ['none', 'add', 'mul', 'min', 'max'] as const;

const scatterElements: FileOperator = (node) => [
  op.scatterElements(node.input(0), node.input(1), node.input(2), {
    axis: node.int('axis', 0),
    reduction: node.text<op.ScatterReduction>('reduction', reductions, 'none'),
  }),
];

const scatterND: FileOperator = (node) => [
  op.scatterND(
    node.input(0),
    node.input(1),
    node.input(2),
    node.text<op.ScatterReduction>('reduction', reductions, 'none'),
  ),
];

const oneHot: FileOperator = (node) => {
  const [indices, values] = [node.input(0), node.input(2)];
  if (values.shape.length !== 1 || values.shape[0] !== 2)
    throw new GraphError(`${describe(values)} is no pair of the values off and on`);
  const [off, on] = [0, 1].map((at) =>
    op.reshape(op.slice(values, [{ axis: 0, start: at, end: at + 1 }]), []),
  );
  return [op.oneHot(indices, node.constantNumber(1), off, on, node.int('axis', -1))];
};

export const indexing: FileOperators = {
  Gather: gather,
  GatherElements: (node) => [op.gatherElements(node.input(0), node.input(1), node.int('axis', 0))],
  GatherND: (node) => [op.gatherND(node.input(0), node.input(1), node.int('batch_dims', 0))],
  OneHot: oneHot,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
};
