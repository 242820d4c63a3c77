/** Matrix products and linear layers. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, numberOf, perInput } from '../rule.js';

/** All rows, whatever the leading dimensions. */
const rows = (x: Value): Value => op.reshape(x, [-1, x.shape.at(-1)!]);

const is = (node: Node, name: string): boolean =>
  Object.hasOwn(node.attributes, name) && numberOf(node, name) !== 0;

const transposed = (matrix: Value, yes: boolean): Value => (yes ? op.matrixTranspose(matrix) : matrix);

/** A value times a factor that is 1 where the node does not say it. */
const times = (value: Value, node: Node, name: string): Value =>
  Object.hasOwn(node.attributes, name) ? op.mul(value, numberOf(node, name)) : value;

export const linearAlgebra: Readonly<Record<string, BackwardRule>> = {
  MatMul: perInput([
    (g, [a, b]) => op.sumTo(op.matMul(g, op.matrixTranspose(b)), a),
    (g, [a, b]) => op.sumTo(op.matMul(op.matrixTranspose(a), g), b),
  ]),
  // y = α a b + β bias, with a or b transposed.
  Gemm: perInput([
    (g, [, b], node) => {
      const product = is(node, 'transA')
        ? op.matMul(transposed(b, is(node, 'transB')), op.matrixTranspose(g))
        : op.matMul(g, transposed(b, !is(node, 'transB')));
      return times(product, node, 'alpha');
    },
    (g, [a], node) => {
      const product = is(node, 'transB')
        ? op.matMul(op.matrixTranspose(g), transposed(a, is(node, 'transA')))
        : op.matMul(transposed(a, !is(node, 'transA')), g);
      return times(product, node, 'alpha');
    },
    (g, [, , bias], node) => times(op.sumTo(g, bias), node, 'beta'),
  ]),
  // y = x wᵀ + bias
  'tract.Linear': perInput([
    (g, [x, w]) => op.reshape(op.matMul(rows(g), w), x.shape),
    (g, [x]) => op.matMul(op.matrixTranspose(rows(g)), rows(x)),
    (g) => op.reduceSum(rows(g), [0]),
  ]),
};
