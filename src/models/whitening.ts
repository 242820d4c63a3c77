/** Whitening filters for a first layer that is not trained. */
import type { Tensor } from '../tensor/tensor.js';
import { symmetricEigen } from './symmetric-eigen.js';

/** Added to every eigenvalue, of patches of standardised images: hlb-CIFAR10's and airbench's. */
const EPSILON = 5e-4;

/**
 * The filters that make what they see of images uncorrelated and of unit variance, each once with either sign: the
 * eigenvectors of the patches' (uncentred) second moments, divided by `√(eigenvalue + 5e-4)`, largest eigenvalue first,
 * each with its largest element positive; then all of them negated. Computed in float64.
 *
 * Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024 (airbench), after Page, "How to train your ResNet", 2019.
 *
 * @param images float32 [N, C, H, W]
 * @returns float32 [2 · n, C, size, size] with n = C · size²
 */
export function whiteningFilters({ shape, data }: Tensor<'float32'>, size: number): Float32Array {
  const [count, channels, height, width] = shape;
  const n = channels * size * size;
  const moments = new Float64Array(n * n);
  const offsets = Array.from({ length: n }, (_, i) => {
    const [channel, row, column] = [Math.floor(i / size ** 2), Math.floor(i / size) % size, i % size];
    return (channel * height + row) * width + column;
  });
  const [rows, columns] = [height - size + 1, width - size + 1];
  const patch = new Float64Array(n);
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const start = image * channels * height * width + row * width + column;
        for (let i = 0; i < n; i++) patch[i] = data[start + offsets[i]];
        for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) moments[i * n + j] += patch[i] * patch[j];
      }
    }
  }
  const total = count * rows * columns;
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) moments[j * n + i] = moments[i * n + j] /= total;
  const filters = new Float32Array(2 * n * n);
  symmetricEigen(moments, n).forEach(({ value, vector }, row) => {
    const scale = 1 / Math.sqrt(Math.max(value, 0) + EPSILON);
    vector.forEach((element, i) => {
      filters[row * n + i] = scale * element;
      filters[(n + row) * n + i] = -scale * element;
    });
  });
  return filters;
}
