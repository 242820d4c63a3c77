/** Eigenvalues and eigenvectors of a small symmetric matrix. */

/** Sweeps over all pairs, at most; quadratic convergence needs fewer than ten. */
const MOST_SWEEPS = 60;

/**
 * By Jacobi's method (Golub and Van Loan, "Matrix Computations", 8.5): every pair of axes is rotated until nothing is left
 * off the diagonal, in float64.
 *
 * @param matrix [n, n], symmetric
 * @returns largest eigenvalue first; vectors of length 1, each with its largest element positive
 */
export function symmetricEigen(
  matrix: Float64Array,
  n: number,
): { readonly value: number; readonly vector: Float64Array }[] {
  const a = matrix.slice();
  const vectors = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  const scale = Math.hypot(...a);
  for (let sweep = 0; sweep < MOST_SWEEPS && offDiagonal(a, n) > 1e-17 * scale; sweep++)
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  return order.map((column) => {
    const vector = Float64Array.from({ length: n }, (_, row) => vectors[row * n + column]);
    const largest = vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most));
    // The sign of an eigenvector is arbitrary; this makes it a function of the matrix alone.
    return { value: a[column * n + column], vector: largest < 0 ? vector.map((value) => -value) : vector };
  });
}

function offDiagonal(a: Float64Array, n: number): number {
  return Math.hypot(...a.filter((_, i) => i % (n + 1) !== 0));
}

/** Turns axes p and q so that the matrix has a zero at [p, q]. */
function rotate(a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void {
  const element = a[p * n + q];
  if (element === 0) return;
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * element);
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  const turn = (values: Float64Array, first: number, second: number): void => {
    const [x, y] = [values[first], values[second]];
    values[first] = cosine * x - sine * y;
    values[second] = sine * x + cosine * y;
  };
  for (let k = 0; k < n; k++) turn(a, k * n + p, k * n + q);
  for (let k = 0; k < n; k++) turn(a, p * n + k, q * n + k);
  for (let k = 0; k < n; k++) turn(vectors, k * n + p, k * n + q);
}
