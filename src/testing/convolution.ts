/** Convolution written as the loops of its definition, in float64, and the geometries that tests go through. */
import type { ConvolutionGeometry } from '../graph/ops/convolution.js';
import { geometry, outputSize } from '../graph/ops/convolution.js';
import { type Shape, type Tensor, zeros } from '../tensor/tensor.js';

export interface ConvolutionCase {
  readonly name: string;
  /** [N, Cin, H, W] */
  readonly x: Shape;
  /** [Cout, Cin / groups, KH, KW] */
  readonly weight: Shape;
  readonly options: ImageGeometry;
}

/** The geometry of an image with two axes. */
export interface ImageGeometry extends ConvolutionGeometry {
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
}

const define = (
  name: string,
  x: Shape,
  weight: Shape,
  options: Partial<ConvolutionGeometry> = {},
): ConvolutionCase => ({ name, x, weight, options: geometry(options) as ImageGeometry });

export const convolutionCases: readonly ConvolutionCase[] = [
  define('3x3', [2, 3, 5, 4], [4, 3, 3, 3]),
  define('3x3 padded', [2, 2, 4, 5], [3, 2, 3, 3], { padding: [1, 1, 1, 1] }),
  define('1x1', [3, 4, 3, 3], [2, 4, 1, 1]),
  define('1x1 with a stride that leaves a remainder', [2, 3, 6, 5], [2, 3, 1, 1], { stride: [2, 3] }),
  define('as large as the image', [2, 2, 3, 4], [3, 2, 3, 4]),
  define('2x3, every side padded differently', [1, 2, 4, 4], [2, 2, 2, 3], { padding: [1, 0, 2, 3] }),
  define('padded by more than the kernel', [1, 2, 3, 3], [2, 2, 2, 2], { padding: [3, 2, 2, 3] }),
  define('strided', [2, 2, 7, 7], [3, 2, 3, 3], { stride: [2, 2], padding: [1, 1, 1, 1] }),
  define('strided with a remainder', [2, 2, 8, 6], [3, 2, 3, 3], { stride: [2, 2] }),
  define('strided by more than the kernel', [2, 2, 8, 9], [3, 2, 2, 2], { stride: [3, 4] }),
  define('of patches', [2, 3, 8, 8], [5, 3, 4, 4], { stride: [4, 4] }),
  define('dilated', [1, 2, 7, 8], [3, 2, 3, 3], { dilation: [2, 3], padding: [1, 1, 1, 1] }),
  define('in two groups', [2, 4, 4, 4], [6, 2, 3, 3], { groups: 2, padding: [1, 1, 1, 1] }),
  define('depthwise', [2, 3, 5, 5], [3, 1, 3, 3], { groups: 3 }),
  define('everything at once', [2, 4, 9, 10], [4, 2, 3, 2], {
    stride: [2, 3],
    padding: [2, 0, 1, 3],
    dilation: [2, 2],
    groups: 2,
  }),
  // Numbers of channels and images at which engines switch to blocked layouts.
  define('of 16 to 32 channels', [2, 16, 6, 6], [32, 16, 3, 3], { padding: [1, 1, 1, 1] }),
  define('of 3 to 16 channels', [16, 3, 5, 6], [16, 3, 3, 3], { padding: [1, 1, 1, 1] }),
  define('of 3 to 16 channels, 7x7 and strided', [16, 3, 10, 9], [16, 3, 7, 7], {
    stride: [2, 2],
    padding: [3, 3, 3, 3],
  }),
  define('of patches to 16 channels', [16, 3, 8, 8], [16, 3, 4, 4], { stride: [4, 4] }),
  define('of 16 channels', [16, 16, 4, 4], [16, 16, 3, 3], { padding: [1, 1, 1, 1] }),
  define('of 32 to 16 channels, strided', [16, 32, 6, 6], [16, 32, 3, 3], {
    stride: [2, 2],
    padding: [1, 1, 1, 1],
  }),
  define('of 16 channels, strided, of odd size', [16, 16, 7, 5], [16, 16, 3, 3], {
    stride: [2, 2],
    padding: [1, 1, 1, 1],
  }),
  define('of 16 channels, strided with a remainder', [16, 16, 8, 6], [16, 16, 3, 3], { stride: [2, 2] }),
  define('of 16 channels, strided by more than the kernel', [16, 16, 6, 8], [16, 16, 2, 2], {
    stride: [3, 4],
  }),
  define('of 16 channels, strided along one axis', [16, 16, 4, 6], [16, 16, 3, 2], {
    stride: [2, 1],
    padding: [1, 0, 0, 1],
  }),
  define('of 16 channels, every side padded differently', [16, 16, 4, 4], [16, 16, 2, 3], {
    padding: [1, 0, 2, 3],
  }),
  define('of 16 channels, padded by more than the kernel', [16, 16, 3, 3], [16, 16, 2, 2], {
    padding: [3, 2, 2, 3],
  }),
  define('of 16 channels, dilated', [16, 16, 6, 7], [16, 16, 3, 3], {
    dilation: [2, 3],
    padding: [2, 3, 2, 3],
  }),
  define('of 16 channels, dilated and strided', [16, 16, 8, 8], [16, 16, 3, 3], {
    stride: [2, 2],
    dilation: [2, 2],
    padding: [2, 2, 2, 2],
  }),
  define('1x1 of 16 to 32 channels, strided', [16, 16, 6, 6], [32, 16, 1, 1], { stride: [2, 2] }),
  define('of 32 channels in two groups', [16, 32, 4, 4], [32, 16, 3, 3], {
    groups: 2,
    padding: [1, 1, 1, 1],
  }),
];

/** Positions in the flattened arrays that one product of a convolution joins. */
interface Product {
  readonly z: number;
  readonly x: number;
  readonly weight: number;
}

/** Visits every product x · weight that a convolution adds to z; what lies in the padding is left out. */
function forEachProduct({ x, weight, options }: ConvolutionCase, visit: (product: Product) => void): void {
  const [batch, channels, height, width] = x;
  const [out, channelsInGroup, kernelHeight, kernelWidth] = weight;
  const { stride, padding, dilation, groups } = options;
  const [outHeight, outWidth] = outputSize([height, width], [kernelHeight, kernelWidth], options);
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < out; o++)
      for (let row = 0; row < outHeight; row++)
        for (let column = 0; column < outWidth; column++)
          for (let c = 0; c < channelsInGroup; c++)
            for (let i = 0; i < kernelHeight; i++)
              for (let j = 0; j < kernelWidth; j++) {
                const y = row * stride[0] + i * dilation[0] - padding[0];
                const at = column * stride[1] + j * dilation[1] - padding[1];
                if (y < 0 || y >= height || at < 0 || at >= width) continue;
                const channel = Math.floor(o / (out / groups)) * channelsInGroup + c;
                visit({
                  z: ((n * out + o) * outHeight + row) * outWidth + column,
                  x: ((n * channels + channel) * height + y) * width + at,
                  weight: ((o * channelsInGroup + c) * kernelHeight + i) * kernelWidth + j,
                });
              }
}

/** The shape of a convolution's result: [N, Cout, OH, OW]. */
export function resultShape({ x, weight, options }: ConvolutionCase): Shape {
  return [x[0], weight[0], ...outputSize(x.slice(2), weight.slice(2), options)];
}

export function hostConv(geometry: ConvolutionCase, x: Tensor, weight: Tensor): Tensor<'float64'> {
  const z = zeros('float64', resultShape(geometry));
  forEachProduct(geometry, (at) => (z.data[at.z] += Number(x.data[at.x]) * Number(weight.data[at.weight])));
  return z;
}

export function hostConvGradInput(
  geometry: ConvolutionCase,
  gradZ: Tensor,
  weight: Tensor,
): Tensor<'float64'> {
  const result = zeros('float64', geometry.x);
  forEachProduct(
    geometry,
    (at) => (result.data[at.x] += Number(gradZ.data[at.z]) * Number(weight.data[at.weight])),
  );
  return result;
}

export function hostConvGradWeight(geometry: ConvolutionCase, x: Tensor, gradZ: Tensor): Tensor<'float64'> {
  const result = zeros('float64', geometry.weight);
  forEachProduct(
    geometry,
    (at) => (result.data[at.weight] += Number(x.data[at.x]) * Number(gradZ.data[at.z])),
  );
  return result;
}

/**
 * The patches of a batch: [groups, n, N · OH · OW] with n = Cin / groups · KH · KW.
 *
 * Read off the convolution with one output channel a group, whose products name every entry once.
 */
export function hostPatches(geometry: ConvolutionCase, x: Tensor): Tensor<'float64'> {
  const { groups } = geometry.options;
  const one = { ...geometry, weight: [groups, ...geometry.weight.slice(1)] };
  const [batch, , height, width] = resultShape(one);
  const positions = height * width;
  const features = geometry.weight.slice(1).reduce((product, length) => product * length, 1);
  const result = zeros('float64', [groups, features, batch * positions]);
  forEachProduct(one, (at) => {
    const [image, group] = [Math.floor(at.z / (groups * positions)), Math.floor(at.z / positions) % groups];
    const feature = at.weight % features;
    const column = image * positions + (at.z % positions);
    result.data[(group * features + feature) * batch * positions + column] = Number(x.data[at.x]);
  });
  return result;
}

/** xᵀx over the patches: [groups, n, n]. */
export function hostConvGram(geometry: ConvolutionCase, x: Tensor): Tensor<'float64'> {
  const { shape, data } = hostPatches(geometry, x);
  const [groups, features, columns] = shape;
  const result = zeros('float64', [groups, features, features]);
  for (let group = 0; group < groups; group++)
    for (let i = 0; i < features; i++)
      for (let j = 0; j < features; j++) {
        const [left, right] = [(group * features + i) * columns, (group * features + j) * columns];
        let sum = 0;
        for (let k = 0; k < columns; k++) sum += data[left + k] * data[right + k];
        result.data[(group * features + i) * features + j] = sum;
      }
  return result;
}
