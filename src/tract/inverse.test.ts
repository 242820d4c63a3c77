import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../random/random.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { evaluate } from '../testing/run.js';
import { solveSymmetric } from './cholesky.js';
import { regularizedInverse } from './inverse.js';

const identity = (size: number): Float64Array =>
  Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));

/** The vector v as the reflection I - 2vvᵀ / vᵀv, applied to both sides of a matrix. */
function reflect(matrix: Float64Array, v: readonly number[]): Float64Array {
  const size = v.length;
  const norm = v.reduce((sum, value) => sum + value * value, 0);
  const once = (a: Float64Array): Float64Array => {
    const result = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      let projection = 0;
      for (let k = 0; k < size; k++) projection += (a[i * size + k] * v[k]) / norm;
      // Written transposed, so that doing it twice does both sides.
      for (let j = 0; j < size; j++) result[j * size + i] = a[i * size + j] - 2 * projection * v[j];
    }
    return result;
  };
  return once(once(matrix));
}

/** A symmetric matrix with the given eigenvalues in random directions. */
function withEigenvalues(eigenvalues: readonly number[], seed: number): Tensor<'float64'> {
  const size = eigenvalues.length;
  const random = Random.fromSeed(seed);
  let matrix: Float64Array = identity(size).map((value, i) => value * eigenvalues[i % size]);
  for (let reflection = 0; reflection < 3; reflection++) {
    matrix = reflect(
      matrix,
      Array.from({ length: size }, () => random.normal()),
    );
  }
  return tensor('float64', [size, size], matrix);
}

/** From `largest` down to `largest / ratio`, evenly on a logarithmic scale. */
const spread = (size: number, largest: number, ratio: number): number[] =>
  Array.from({ length: size }, (_, i) => largest * ratio ** (-i / Math.max(size - 1, 1)));

const invert = async (gram: Tensor, lambda: number): Promise<number[]> =>
  toNumbers(await evaluate([gram], (matrix) => regularizedInverse(matrix, lambda)));

function byCholesky({ shape: [size], data }: Tensor<'float64'>, lambda: number): Float64Array {
  const matrix = data.map((value, i) => value + (i % (size + 1) === 0 ? lambda : 0));
  return solveSymmetric(matrix, size, identity(size), size);
}

describe('regularizedInverse', () => {
  for (const size of [1, 2, 3, 5, 8, 16, 27, 48, 64]) {
    it(`agrees with Cholesky's decomposition at size ${size}, up to a condition of 1e9`, async () => {
      for (const condition of [1, 1e2, 1e4, 1e6, 1e9]) {
        for (const largest of [1e-3, 1, 1e4]) {
          const lambda = largest / condition;
          // From the largest eigenvalue down to one that is nothing beside λ.
          const gram = withEigenvalues(spread(size, largest, condition * 10), size);
          assertWithin(
            await invert(gram, lambda),
            byCholesky(gram, lambda),
            // Either way a condition of 1e9 leaves seven of float64's sixteen digits.
            Math.max(1e-12, condition * 1e-15),
            `condition ${condition}, scale ${largest}`,
          );
        }
      }
    });
  }

  it('of a Gram matrix of rank one, or of zeros, is the exact formula', async () => {
    const u = [1, -2, 0.5, 3];
    const gram = tensor(
      'float64',
      [4, 4],
      u.flatMap((a) => u.map((b) => a * b)),
    );
    const norm = u.reduce((sum, value) => sum + value * value, 0);
    const lambda = 0.1;
    // (uuᵀ + λI)⁻¹ = (I - uuᵀ / (λ + uᵀu)) / λ, by Sherman and Morrison.
    const expected = Array.from(identity(4), (one, i) => (one - gram.data[i] / (lambda + norm)) / lambda);
    assertWithin(await invert(gram, lambda), expected, 1e-12, 'rank one');
    const zeros = tensor('float64', [4, 4], new Float64Array(16));
    assertWithin(
      await invert(zeros, lambda),
      identity(4).map((one) => one / lambda),
      1e-12,
      'zeros',
    );
  });

  it('inverts the matrices of a batch, one by one', async () => {
    const [a, b] = [withEigenvalues([3, 1, 0.1], 1), withEigenvalues([200, 2, 0.01], 2)];
    const batch = tensor('float64', [2, 3, 3], [...a.data, ...b.data]);
    assertWithin(
      await invert(batch, 0.1),
      [...byCholesky(a, 0.1), ...byCholesky(b, 0.1)],
      1e-12,
      'batch of two',
    );
  });

  it('beyond that shortens the directions of the smallest eigenvalues, and does nothing worse', async () => {
    const size = 6;
    const eigenvalues = [1, 1e-2, 1e-4, 1e-8, 1e-12, 0];
    const gram = tensor(
      'float64',
      [size, size],
      identity(size).map((one, i) => one * eigenvalues[i % size]),
    );
    for (const lambda of [1e-10, 1e-12, 1e-15]) {
      const inverse = await invert(gram, lambda);
      eigenvalues.forEach((eigenvalue, i) => {
        const ratio = inverse[i * (size + 1)] * (eigenvalue + lambda);
        assert.ok(
          ratio > 0 && ratio <= 1 + 1e-6,
          `λ = ${lambda}: eigenvalue ${eigenvalue} is off by ${ratio}`,
        );
        if (eigenvalue >= 1e-8)
          assert.ok(ratio > 1 - 1e-6, `λ = ${lambda}: eigenvalue ${eigenvalue}: ${ratio}`);
      });
    }
  });
});
