/** Reductions over axes, and the functions of a distribution. */
import { GraphError, type Value, describe } from '../graph.js';
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

/** Of reductions that do something to a single element, too: without axes ONNX's versions differ in what they do. */
const reductionOfFloats =
  (build: Parameters<typeof reduction>[0]): FileOperator =>
  (node) => {
    const x = node.input(0);
    if (node.optionalList(1, []).length === 0 && node.flag('noop_with_empty_axes', false))
      throw new GraphError(`there are no axes to reduce ${describe(x)} along`);
    return reduction(build)(node);
  };

/** The position of an extreme element; by ONNX's default its axis is kept as 1. */
const position =
  (build: (x: Value, axis: number, last: boolean) => Value): FileOperator =>
  (node) => {
    const x = node.input(0);
    const axis = node.int('axis', 0);
    const found = build(x, axis, node.flag('select_last_index', false));
    return [node.flag('keepdims', true) ? op.unsqueeze(found, [axis]) : found];
  };

const topK: FileOperator = (node) => {
  // What is sorted is one of the orders that are allowed where it need not be.
  node.flag('sorted', true);
  const { values, indices } = op.topK(node.input(0), node.constantNumber(1), {
    axis: node.int('axis', -1),
    largest: node.flag('largest', true),
  });
  return [values, indices];
};

const cumulative =
  (build: typeof op.cumSum): FileOperator =>
  (node) => [
    build(node.input(0), node.constantNumber(1), {
      exclusive: node.flag('exclusive', false),
      reverse: node.flag('reverse', false),
    }),
  ];

export const reduce: FileOperators = {
  ArgMax: position(op.argMax),
  ArgMin: position(op.argMin),
  CumProd: cumulative(op.cumProd),
  CumSum: cumulative(op.cumSum),
  LogSoftmax: alongAxis(op.logSoftmax),
  ReduceL1: reductionOfFloats(op.reduceL1),
  ReduceL2: reductionOfFloats(op.reduceL2),
  ReduceLogSum: reductionOfFloats(op.reduceLogSum),
  ReduceLogSumExp: reductionOfFloats(op.reduceLogSumExp),
  ReduceMax: reduction(op.reduceMax),
  ReduceMean: reduction(op.reduceMean),
  ReduceMin: reduction(op.reduceMin),
  ReduceProd: reduction(op.reduceProd),
  ReduceSum: reduction(op.reduceSum),
  ReduceSumSquare: reductionOfFloats(op.reduceSumSquare),
  Softmax: alongAxis(op.softmax),
  TopK: topK,
};
