/** Reductions over axes, and the functions of a distribution. */
import type { Value } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

const alongAxis =
  (build: (x: Value, axis: number) => Value): FileOperator =>
  (node) => [build(node.input(0), node.int('axis', -1))];

const reduction =
  (build: (x: Value, axes: readonly number[], keepDimensions: boolean) => Value): FileOperator =>
  (node) => {
    const x = node.input(0);
    const axes = node.optionalList(1, []);
    const nothing = axes.length === 0 && node.int('noop_with_empty_axes', 0) !== 0;
    const all = axes.length === 0 && !nothing;
    return [build(x, all ? x.shape.map((_, axis) => axis) : axes, node.int('keepdims', 1) !== 0)];
  };

const argMax: FileOperator = (node) => {
  node.only('keepdims', 0, 1);
  node.only('select_last_index', 0);
  return [op.argMax(node.input(0), node.int('axis', 0))];
};

export const reduce: FileOperators = {
  ArgMax: argMax,
  LogSoftmax: alongAxis(op.logSoftmax),
  ReduceMax: reduction(op.reduceMax),
  ReduceMean: reduction(op.reduceMean),
  ReduceSum: reduction(op.reduceSum),
  Softmax: alongAxis(op.softmax),
};
