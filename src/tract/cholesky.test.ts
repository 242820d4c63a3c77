import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertWithin } from '../testing/distance.js';
import { solveSymmetric } from './cholesky.js';

describe('solveSymmetric', () => {
  it('solves for every row', () => {
    const matrix = Float64Array.of(4, 2, 2, 3);
    // [1, 2] and [-3, 5] times the matrix.
    const rows = Float64Array.of(8, 8, -2, 9);
    assertWithin(solveSymmetric(matrix, 2, rows, 2), [1, 2, -3, 5], 1e-14, 'solution');
    assert.deepEqual(rows, Float64Array.of(8, 8, -2, 9));
  });

  it('refuses matrices that are not positive definite', () => {
    for (const matrix of [
      [1, 2, 2, 1],
      [0, 0, 0, 0],
      [-1, 0, 0, 1],
      [NaN, 0, 0, 1],
    ]) {
      assert.throws(
        () => solveSymmetric(Float64Array.from(matrix), 2, new Float64Array(2), 1),
        /not positive definite/,
      );
    }
  });
});
