/** The inverse of a symmetric positive definite matrix in the graph, where ONNX has no Cholesky decomposition. */
import type { Value } from '../graph/graph.js';
import type { Operand } from '../graph/ops/elementwise.js';
import * as op from '../graph/ops.js';
import { tensor } from '../tensor/tensor.js';

/**
 * How often the iteration runs. Each run multiplies the smallest eigenvalue of X·A by nearly 4 until it is close to
 * 1, and squares the distance from 1 from there on: 20 runs reach float64's precision from LEAST on.
 */
const ITERATIONS = 20;

/**
 * The smallest eigenvalue, relative to the norm, that is promised to come out right. Smaller ones come out shortened,
 * as with a larger λ; scaling for their sake would leave all the others unfinished as well.
 */
const LEAST = 2e-10;

/**
 * `(gram + λI)⁻¹` by the Newton–Schulz iteration with optimal scaling, in float64: matrix products only.
 *
 * X ← c X ((1 + l) I − A X) maps the eigenvalues of X A from [l, 1] to [4l / (1 + l)², 1] for c = 4 / (1 + l)². It
 * starts from X = I / N with N ≥ the largest eigenvalue of A (its ∞-norm) and l = λ / N, since gram is positive
 * semi-definite. Scaling the plain iteration 2X − XAX in this way needs half as many runs (Pan and Schreiber, "An
 * improved Newton iteration for the generalized inverse of a matrix, with applications", 1991).
 *
 * @param gram float64 [..., n, n], symmetric positive semi-definite
 * @param lambda positive; a value has the shape [..., 1, 1]
 * @returns float64 [..., n, n]
 */
export function regularizedInverse(gram: Value, lambda: Operand): Value {
  const identity = identityLike(gram);
  const matrix = op.add(gram, op.mul(identity, lambda));
  const norm = op.reduceMax(op.reduceSum(op.abs(matrix), [-1], true), [-2], true);
  let inverse = op.div(identity, norm);
  const bound = op.div(lambda, norm);
  let least = op.where(op.greater(bound, LEAST), bound, LEAST);
  for (let run = 0; run < ITERATIONS; run++) {
    const sum = op.add(least, 1);
    const scale = op.div(4, op.mul(sum, sum));
    const correction = op.sub(op.mul(identity, sum), op.matMul(matrix, inverse));
    inverse = op.mul(op.matMul(inverse, correction), scale);
    least = op.mul(least, scale);
  }
  return inverse;
}

/** The trace of each matrix: float64 [..., n, n] → [..., 1, 1]. */
export function matrixTrace(matrix: Value): Value {
  return op.reduceSum(op.mul(matrix, identityLike(matrix)), [-2, -1], true);
}

function identityLike({ graph, shape }: Value): Value {
  const size = shape.at(-1)!;
  const ones = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  return graph.constant(tensor('float64', [size, size], ones));
}
