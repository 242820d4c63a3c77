/** Reductions over axes, and the functions of a distribution. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { elementCount } from '../../tensor/tensor.js';
import { type BackwardRule, integers, numberOf, unary } from '../rule.js';

/** A reduction's result or its gradient with the reduced axes kept as 1, to broadcast along x. */
const kept = (y: Value, x: Value, node: Node): Value => {
  const axes = new Set(integers(node, 1).map((axis) => op.normalizeAxis(node.opType, axis, x.shape)));
  return op.reshape(
    y,
    x.shape.map((length, axis) => (axes.has(axis) ? 1 : length)),
  );
};

const repeated = (g: Value, x: Value, node: Node): Value => op.expand(kept(g, x, node), x.shape);

/** How many elements of x go into one of y. */
const ratio = (x: Value, y: Value): number => elementCount(x.shape) / elementCount(y.shape);

/** The sum over the axis of a softmax. */
const axisSum = (x: Value, node: Node): Value => op.reduceSum(x, [numberOf(node, 'axis')], true);

/** Where x is the greatest there is, 1 divided by how many such there are, else 0: as PyTorch's amax. */
const greatest = (x: Value, y: Value, node: Node): Value => {
  const greatest = op.cast(op.equal(x, kept(y, x, node)), x.dtype);
  return op.div(greatest, op.reduceSum(greatest, integers(node, 1), true));
};

export const reduce: Readonly<Record<string, BackwardRule>> = {
  ReduceSum: unary((g, x, _y, node) => repeated(g, x, node)),
  ReduceMean: unary((g, x, y, node) => repeated(op.div(g, ratio(x, y)), x, node)),
  ReduceMax: unary((g, x, y, node) => op.mul(kept(g, x, node), greatest(x, y, node))),
  Softmax: unary((g, _x, y, node) => op.mul(y, op.sub(g, axisSum(op.mul(g, y), node)))),
  LogSoftmax: unary((g, _x, y, node) => op.sub(g, op.mul(op.exp(y), axisSum(g, node)))),
};
