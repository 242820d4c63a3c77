/** The norm of a tensor. */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';

/** The root of the sum of squares of all elements. */
export function norm(x: Value): Value {
  return op.sqrt(
    op.reduceSum(
      op.mul(x, x),
      x.shape.map((_, axis) => axis),
    ),
  );
}
