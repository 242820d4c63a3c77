/**
 * TrAct by its definition, in float64 and plain loops: what the graph is compared with, and what anyone may call.
 *
 * Petersen, Borgelt and Ermon, "TrAct: Making First-layer Pre-Activations Trainable", NeurIPS 2024
 * (arXiv 2410.23970), equation 5: `∇W = gᵀ x (xᵀx / b + λI)⁻¹` with one row of x and g for each of b inputs.
 */
import { type Shape, elementCount, formatShape } from '../tensor/tensor.js';
import { solveSymmetric } from './cholesky.js';
import { type Lambda, absoluteLambda, checkLambda } from './lambda.js';

/** Numbers of a shape, row-major. */
export interface Array64 {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** A linear layer, the gradient towards what it gives, and λ. */
export interface LinearTract {
  readonly kind: 'linear';
  /** The inputs of the layer, [b, n]; further leading dimensions count as rows. */
  readonly x: Array64;
  /** The gradient of the mean loss towards the pre-activations, [b, m]. */
  readonly gradZ: Array64;
  /** Finite and positive; or relative to the mean of the diagonal of `xᵀx / b` (of each group). */
  readonly lambda: Lambda;
}

/** A convolution, the gradient towards what it gives, and λ. */
export interface Conv2dTract {
  readonly kind: 'conv2d';
  /** The images, [N, Cin, H, W]. */
  readonly x: Array64;
  /** The gradient of the mean loss towards the pre-activations, [N, Cout, OH, OW]. */
  readonly gradZ: Array64;
  /** Finite and positive; or relative to the mean of the diagonal of `xᵀx / b` (of each group). */
  readonly lambda: Lambda;
  /** [Cout, Cin / groups, KH, KW] */
  readonly weightShape: Shape;
  /** [vertical, horizontal]; default [1, 1]. */
  readonly stride?: readonly [number, number];
  /** [top, left, bottom, right]; default none. */
  readonly padding?: readonly [number, number, number, number];
  /** [vertical, horizontal]; default [1, 1]. */
  readonly dilation?: readonly [number, number];
  /** Default 1. */
  readonly groups?: number;
}

/**
 * The gradient of a first layer's weights by TrAct, in float64.
 *
 * For a convolution every output position is a row: b = N · OH · OW and n = Cin / groups · KH · KW, and each group
 * has a Gram matrix of its own. Where b < n the dual form `gᵀ (xxᵀ / b + λI)⁻¹ x` is computed, which is the same.
 *
 * @returns the gradient in the shape of the weights: [m, n], or `weightShape`
 * @throws OptionError when λ is not finite and positive
 * @throws RangeError when shapes do not fit each other
 */
export function tractGradient(problem: LinearTract | Conv2dTract): { shape: Shape; data: Float64Array } {
  checkLambda(problem.lambda);
  checkLength('x', problem.x);
  checkLength('gradZ', problem.gradZ);
  return problem.kind === 'linear' ? linearGradient(problem) : convGradient(problem);
}

function linearGradient({ x, gradZ, lambda }: LinearTract): { shape: Shape; data: Float64Array } {
  const [n, m] = [x.shape.at(-1)!, gradZ.shape.at(-1)!];
  if (x.shape.length < 2 || x.shape.slice(0, -1).join() !== gradZ.shape.slice(0, -1).join()) {
    throw new RangeError(
      `x ${formatShape(x.shape)} and gradZ ${formatShape(gradZ.shape)} do not have the same rows`,
    );
  }
  const rows = elementCount(x.shape) / n;
  const data = solve({ rows, n, m, x: Float64Array.from(x.data), g: Float64Array.from(gradZ.data) }, lambda);
  return { shape: [m, n], data };
}

function convGradient(problem: Conv2dTract): { shape: Shape; data: Float64Array } {
  const { x, gradZ, weightShape, lambda } = problem;
  const { stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1 } = problem;
  if (x.shape.length !== 4 || gradZ.shape.length !== 4 || weightShape.length !== 4) {
    throw new RangeError(
      `a convolution has images, gradients and weights of four dimensions, not ${[x.shape, gradZ.shape, weightShape].map(formatShape).join(', ')}`,
    );
  }
  const [images, channels, height, width] = x.shape;
  const [out, channelsInGroup, kernelHeight, kernelWidth] = weightShape;
  const [top, left, bottom, right] = padding;
  const outHeight =
    Math.floor((height + top + bottom - dilation[0] * (kernelHeight - 1) - 1) / stride[0]) + 1;
  const outWidth = Math.floor((width + left + right - dilation[1] * (kernelWidth - 1) - 1) / stride[1]) + 1;
  const expected = [images, out, outHeight, outWidth];
  if (channels !== channelsInGroup * groups || out % groups !== 0 || gradZ.shape.join() !== expected.join()) {
    throw new RangeError(
      `weights ${formatShape(weightShape)} in ${groups} group(s) over images ${formatShape(x.shape)} give gradients ${formatShape(expected)}, not ${formatShape(gradZ.shape)}`,
    );
  }

  const [rows, n, m] = [
    images * outHeight * outWidth,
    channelsInGroup * kernelHeight * kernelWidth,
    out / groups,
  ];
  const result = new Float64Array(out * n);
  for (let group = 0; group < groups; group++) {
    const patches = new Float64Array(rows * n);
    const gradients = new Float64Array(rows * m);
    let row = 0;
    for (let image = 0; image < images; image++) {
      for (let i = 0; i < outHeight; i++) {
        for (let j = 0; j < outWidth; j++, row++) {
          let column = row * n;
          for (let c = 0; c < channelsInGroup; c++) {
            const plane = (image * channels + group * channelsInGroup + c) * height;
            for (let k = 0; k < kernelHeight; k++) {
              const y = i * stride[0] + k * dilation[0] - top;
              for (let l = 0; l < kernelWidth; l++, column++) {
                const z = j * stride[1] + l * dilation[1] - left;
                if (y >= 0 && y < height && z >= 0 && z < width)
                  patches[column] = x.data[(plane + y) * width + z];
              }
            }
          }
          for (let o = 0; o < m; o++) {
            gradients[row * m + o] =
              gradZ.data[((image * out + group * m + o) * outHeight + i) * outWidth + j];
          }
        }
      }
    }
    result.set(solve({ rows, n, m, x: patches, g: gradients }, lambda), group * m * n);
  }
  return { shape: weightShape, data: result };
}

interface Rows {
  readonly rows: number;
  readonly n: number;
  readonly m: number;
  /** [rows, n] */
  readonly x: Float64Array;
  /** [rows, m] */
  readonly g: Float64Array;
}

/** gᵀ x (xᵀx / b + λI)⁻¹, [m, n], in whichever of its two forms has the smaller matrix. */
function solve({ rows, n, m, x, g }: Rows, lambda: Lambda): Float64Array {
  const xColumns = transpose(x, rows, n);
  if (rows < n) {
    const gram = regularized(products(x, x, rows, rows, n), rows, { rows, n }, lambda);
    // [rows, rows]⁻¹ x, solved for its n columns, which are the rows of xᵀ.
    const solved = solveSymmetric(gram, rows, xColumns, n);
    return products(transpose(g, rows, m), solved, m, n, rows);
  }
  const gram = regularized(products(xColumns, xColumns, n, n, rows), n, { rows, n }, lambda);
  return solveSymmetric(gram, n, products(transpose(g, rows, m), xColumns, m, n, rows), m);
}

/** a bᵀ for row-major a [p, k] and b [q, k]. */
function products(a: Float64Array, b: Float64Array, p: number, q: number, k: number): Float64Array {
  const result = new Float64Array(p * q);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < q; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum += a[i * k + l] * b[j * k + l];
      result[i * q + j] = sum;
    }
  }
  return result;
}

function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = a[i * columns + j];
  return result;
}

/** gram / b + λI */
function regularized(
  gram: Float64Array,
  size: number,
  { rows, n }: Pick<Rows, 'rows' | 'n'>,
  lambda: Lambda,
): Float64Array {
  const result = gram.map((value) => value / rows);
  let trace = 0;
  for (let i = 0; i < size; i++) trace += result[i * size + i];
  // xxᵀ has the trace of xᵀx, so that both forms take the mean over the n features.
  const added = absoluteLambda(lambda, trace, n);
  for (let i = 0; i < size; i++) result[i * size + i] += added;
  return result;
}

function checkLength(name: string, { shape, data }: Array64): void {
  if (data.length !== elementCount(shape)) {
    throw new RangeError(
      `${name} of shape ${formatShape(shape)} needs ${elementCount(shape)} numbers, but has ${data.length}`,
    );
  }
}
