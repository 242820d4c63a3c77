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

/** Where x is the greatest (or least) there is, 1 divided by how many such there are, else 0: as PyTorch's amax. */
const greatest = (x: Value, y: Value, node: Node): Value => {
  const greatest = op.cast(op.equal(x, kept(y, x, node)), x.dtype);
  return op.div(greatest, op.reduceSum(greatest, integers(node, 1), true));
};

const where0 = (x: Value, otherwise: Value): Value => op.where(op.equal(x, 0), 0, otherwise);

/** The product of all others: exact where one of them, or several, are zero. */
const others = (x: Value, node: Node): Value => {
  const isZero = op.equal(x, 0);
  const zeros = op.reduceSum(op.cast(isZero, x.dtype), integers(node, 1), true);
  const nonZero = op.where(isZero, 1, x);
  const product = op.expand(op.reduceProd(nonZero, integers(node, 1), true), x.shape);
  // Without zeros all of them by x; with one, what it alone is multiplied by.
  const withZero = op.where(isZero, product, 0);
  return op.where(
    op.equal(zeros, 0),
    op.div(product, nonZero),
    op.where(op.equal(zeros, 1), withZero, op.zerosLike(x)),
  );
};

/** The gradient of sums along an axis are the sums from the other end. */
const cumSum = (g: Value, _x: Value, _y: Value, node: Node): Value =>
  op.cumSum(g, integers(node, 1)[0], {
    exclusive: numberOf(node, 'exclusive') === 1,
    reverse: numberOf(node, 'reverse') !== 1,
  });

export const reduce: Readonly<Record<string, BackwardRule>> = {
  ReduceSum: unary((g, x, _y, node) => repeated(g, x, node)),
  ReduceMean: unary((g, x, y, node) => repeated(op.div(g, ratio(x, y)), x, node)),
  ReduceMax: unary((g, x, y, node) => op.mul(kept(g, x, node), greatest(x, y, node))),
  ReduceMin: unary((g, x, y, node) => op.mul(kept(g, x, node), greatest(x, y, node))),
  ReduceProd: unary((g, x, _y, node) => op.mul(kept(g, x, node), others(x, node))),
  ReduceL1: unary((g, x, _y, node) => op.mul(kept(g, x, node), op.sign(x))),
  ReduceL2: unary((g, x, y, node) => op.mul(x, kept(where0(y, op.div(g, y)), x, node))),
  ReduceLogSum: unary((g, x, y, node) => repeated(op.mul(g, op.exp(op.neg(y))), x, node)),
  ReduceLogSumExp: unary((g, x, y, node) => op.mul(kept(g, x, node), op.exp(op.sub(x, kept(y, x, node))))),
  ReduceSumSquare: unary((g, x, _y, node) => op.mul(x, kept(op.mul(g, 2), x, node))),
  CumSum: unary(cumSum),
  TopK: unary((g, x, _y, node) =>
    op.scatterAdd(x.shape[numberOf(node, 'axis')], node.outputs[1], g, numberOf(node, 'axis')),
  ),
  Softmax: unary((g, _x, y, node) => op.mul(y, op.sub(g, axisSum(op.mul(g, y), node)))),
  LogSoftmax: unary((g, _x, y, node) => op.sub(g, op.mul(op.exp(y), axisSum(g, node)))),
};
