/** Whitening filters: a fixed first convolution whose outputs are uncorrelated and of unit variance on the data. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { type Tensor, tensor } from '../tensor/tensor.js';

/** Patches that are looked at, at most: far more than it takes for a covariance of a few dozen numbers. */
const PATCHES = 50_000;

/** Added to every eigenvalue, relative to their mean: hlb-CIFAR10's and airbench's 5e-4 of inputs of unit variance. */
const EPSILON = 5e-4;

/**
 * The filters that whiten the patches of images by principal components: the rows are the eigenvectors of the
 * patches' covariance, largest eigenvalue first, each divided by `√(eigenvalue + ε)`. Computed in float64.
 *
 * Page, "How to train your ResNet 8: Bag of tricks", 2019; Jordan, "94% on CIFAR-10 in 3.29 seconds", 2024.
 *
 * @param images float32 [N, C, H, W]
 * @returns float32 [n, C, kernelSize, kernelSize] with n = C · kernelSize²
 */
export function whiteningFilters(
  images: Tensor<'float32'>,
  { kernelSize, stride = 1 }: { readonly kernelSize: number; readonly stride?: number },
): Tensor<'float32'> {
  const channels = images.shape[1];
  const n = channels * kernelSize * kernelSize;
  const { eigenvalues, vectors } = principalComponents(covariance(images, kernelSize, stride));
  const mean = eigenvalues.reduce((sum, value) => sum + Math.max(value, 0), 0) / n;
  // Images of one colour have no covariance at all; any filters will do for them.
  const epsilon = EPSILON * mean || 1;
  const filters = new Float32Array(n * n);
  for (let row = 0; row < n; row++) {
    const scale = 1 / Math.sqrt(Math.max(eigenvalues[row], 0) + epsilon);
    for (let i = 0; i < n; i++) filters[row * n + i] = scale * vectors.get(i, row);
  }
  return tensor('float32', [n, channels, kernelSize, kernelSize], filters);
}

/** Of the patches that lie wholly inside the images; evenly spread ones where there are too many. */
function covariance({ shape, data }: Tensor<'float32'>, kernelSize: number, stride: number): Matrix {
  const [count, channels, height, width] = shape;
  const n = channels * kernelSize * kernelSize;
  const [rows, columns] = [height, width].map((size) => Math.floor((size - kernelSize) / stride) + 1);
  const total = count * rows * columns;
  const taken = Math.min(total, PATCHES);
  const sum = new Float64Array(n);
  const products = new Float64Array(n * n);
  const patch = new Float64Array(n);
  for (let index = 0; index < taken; index++) {
    const at = Math.floor((index * total) / taken);
    const [image, y, x] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    let feature = 0;
    for (let c = 0; c < channels; c++) {
      for (let k = 0; k < kernelSize; k++) {
        const start = ((image * channels + c) * height + y * stride + k) * width + x * stride;
        for (let l = 0; l < kernelSize; l++) patch[feature++] = data[start + l];
      }
    }
    for (let i = 0; i < n; i++) {
      sum[i] += patch[i];
      for (let j = 0; j <= i; j++) products[i * n + j] += patch[i] * patch[j];
    }
  }
  const result = new Matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = products[i * n + j] / taken - (sum[i] / taken) * (sum[j] / taken);
      result.set(i, j, value);
      result.set(j, i, value);
    }
  }
  return result;
}

/** Eigenvalues in falling order, and the eigenvectors in the columns, each with its largest element positive. */
function principalComponents(matrix: Matrix): { eigenvalues: number[]; vectors: Matrix } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  const vectors = eigenvectorMatrix.subMatrixColumn(order);
  for (let column = 0; column < vectors.columns; column++) {
    const values = vectors.getColumn(column);
    const largest = values.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    // The sign of an eigenvector is arbitrary; this makes it a function of the data alone.
    if (largest < 0) vectors.mulColumn(column, -1);
  }
  return { eigenvalues: order.map((i) => realEigenvalues[i]), vectors };
}
