/** Operators that write updates to elements, or reduce these with them. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, numberOf } from '../rule.js';

/** A node, with what it does to x and its updates done to others. */
interface Scatter {
  readonly x: Value;
  readonly updates: Value;
  readonly y: Value;
  readonly reduction: op.ScatterReduction;
  readonly put: (x: Value, updates: Value, reduction: op.ScatterReduction) => Value;
  /** The elements of a value that the updates go to. */
  readonly at: (value: Value) => Value;
}

const byX = (g: Value, scatter: Scatter): Value => {
  const { x, y, updates, reduction, put } = scatter;
  switch (reduction) {
    case 'none':
      // Updates that replace elements cut the gradient of these off.
      return put(g, op.zerosLike(updates), 'none');
    case 'add':
      return g;
    case 'mul':
      return put(g, updates, 'mul');
    default:
      return op.mul(share(g, scatter), same(x, y));
  }
};

const byUpdates = (g: Value, scatter: Scatter): Value => {
  const { y, updates, reduction, at } = scatter;
  switch (reduction) {
    case 'none':
    case 'add':
      return at(g);
    case 'mul':
      return op.mul(at(g), others(scatter));
    default:
      return op.mul(at(share(g, scatter)), same(updates, at(y)));
  }
};

/** 1 where two values are equal, else 0. */
const same = (a: Value, b: Value): Value => op.cast(op.equal(a, b), a.dtype);

/** Of a gradient what each of those gets that are the greatest (or least) of their element: as PyTorch's amax. */
const share = (g: Value, { x, y, updates, put, at }: Scatter): Value =>
  op.div(g, put(same(x, y), same(updates, at(y)), 'add'));

/** For each update the product of the element and all other updates of it: exact where some of them are zero. */
const others = ({ x, updates, put, at }: Scatter): Value => {
  const isZero = (value: Value): Value => same(value, op.zerosLike(value));
  const nonZero = (value: Value): Value => op.where(op.equal(value, 0), 1, value);
  const zeros = op.sub(at(put(isZero(x), isZero(updates), 'add')), isZero(updates));
  const product = op.div(at(put(nonZero(x), nonZero(updates), 'mul')), nonZero(updates));
  return op.where(op.equal(zeros, 0), product, 0);
};

/** The rule of an operator. */
function rule(of: (node: Node, indices: Value) => Pick<Scatter, 'put' | 'at'>): BackwardRule {
  const scatterOf = (node: Node): Scatter => {
    const [x, indices, updates] = node.inputs as readonly Value[];
    const reduction = node.attributes.reduction.value as op.ScatterReduction;
    return { x, updates, y: node.outputs[0], reduction, ...of(node, indices) };
  };
  return {
    inputs: [([g], node) => byX(g!, scatterOf(node)), null, ([g], node) => byUpdates(g!, scatterOf(node))],
  };
}

export const scatter: Readonly<Record<string, BackwardRule>> = {
  ScatterElements: rule((node, indices) => {
    const axis = numberOf(node, 'axis');
    return {
      put: (x, updates, reduction) => op.scatterElements(x, indices, updates, { axis, reduction }),
      at: (value) => op.gatherElements(value, indices, axis),
    };
  }),
  ScatterND: rule((_node, indices) => ({
    put: (x, updates, reduction) => op.scatterND(x, indices, updates, reduction),
    at: (value) => op.gatherND(value, indices),
  })),
};
