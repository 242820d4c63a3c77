/** Linear systems with a symmetric positive definite matrix, by Cholesky decomposition in float64. */

/**
 * Solves `A yᵀ = bᵀ` for every row b of a matrix: returns b A⁻¹, since A is symmetric.
 *
 * @param matrix A, row-major [size, size]
 * @param rows right-hand sides, row-major [count, size]
 * @returns row-major [count, size]
 * @throws RangeError when A is not positive definite
 */
export function solveSymmetric(
  matrix: Float64Array,
  size: number,
  rows: Float64Array,
  count: number,
): Float64Array {
  const lower = decompose(matrix, size);
  const result = rows.slice();
  for (let row = 0; row < count; row++) {
    const y = result.subarray(row * size, (row + 1) * size);
    for (let i = 0; i < size; i++) {
      let sum = y[i];
      for (let k = 0; k < i; k++) sum -= lower[i * size + k] * y[k];
      y[i] = sum / lower[i * size + i];
    }
    for (let i = size - 1; i >= 0; i--) {
      let sum = y[i];
      for (let k = i + 1; k < size; k++) sum -= lower[k * size + i] * y[k];
      y[i] = sum / lower[i * size + i];
    }
  }
  return result;
}

/** The lower triangular L with A = L Lᵀ. */
function decompose(matrix: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= lower[i * size + k] * lower[j * size + k];
      if (i !== j) lower[i * size + j] = sum / lower[j * size + j];
      else if (sum > 0) lower[i * size + i] = Math.sqrt(sum);
      else throw new RangeError('the matrix is not positive definite; do x and gradZ hold NaN or infinity?');
    }
  }
  return lower;
}
