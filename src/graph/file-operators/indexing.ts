/** Operators that choose elements by their positions. */
import { GraphError, describe } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

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
  Gather: (node) => [op.gather(node.input(0), node.input(1), node.int('axis', 0))],
  GatherElements: (node) => [op.gatherElements(node.input(0), node.input(1), node.int('axis', 0))],
  GatherND: (node) => [op.gatherND(node.input(0), node.input(1), node.int('batch_dims', 0))],
  OneHot: oneHot,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
};
