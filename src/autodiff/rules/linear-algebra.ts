/** Matrix products and linear layers. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, perInput } from '../rule.js';

/** All rows, whatever the leading dimensions. */
const rows = (x: Value): Value => op.reshape(x, [-1, x.shape.at(-1)!]);

export const linearAlgebra: Readonly<Record<string, BackwardRule>> = {
  MatMul: perInput([
    (g, [a, b]) => op.sumTo(op.matMul(g, op.matrixTranspose(b)), a),
    (g, [a, b]) => op.sumTo(op.matMul(op.matrixTranspose(a), g), b),
  ]),
  // y = a bᵀ + bias
  Gemm: perInput([
    (g, [, b]) => op.matMul(g, b),
    (g, [a]) => op.matMul(op.matrixTranspose(g), a),
    (g, [, , bias]) => op.sumTo(g, bias),
  ]),
  // y = x wᵀ + bias
  'tract.Linear': perInput([
    (g, [x, w]) => op.reshape(op.matMul(rows(g), w), x.shape),
    (g, [x]) => op.matMul(op.matrixTranspose(rows(g)), rows(x)),
    (g) => op.reduceSum(rows(g), [0]),
  ]),
};
