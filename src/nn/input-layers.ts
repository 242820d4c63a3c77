/**
 * First layers that fight the same trouble as TrAct by changing the model: the rivals of the paper's ablations.
 *
 * TrAct leaves a model as it is; each of these makes another one of it, for training and inference alike.
 */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { type Tensor, elementCount, tensor } from '../tensor/tensor.js';
import { fanIn, pytorchDefault, uniform } from './init.js';
import { type Conv2dOptions, conv2d, layerNorm } from './layers.js';
import type { Scope } from './scope.js';
import { whiteningFilters } from './whitening.js';

/**
 * What a model's first layer is:
 * - `plain`: the ordinary convolution;
 * - `patch-norm`: each patch is normalised to mean 0 and variance 1 before it;
 * - `whitening`: a fixed whitening convolution, and a trained 1x1 convolution on top of it;
 * - `dual-patch-norm` (ViT): LayerNorm before and after the patch embedding.
 */
export const firstLayers = ['plain', 'patch-norm', 'whitening', 'dual-patch-norm'] as const;
export type FirstLayerKind = (typeof firstLayers)[number];

/** For patches of a single colour. */
const EPSILON = 1e-5;

/**
 * A convolution of patches that are normalised one by one: of each receptive field (padding included) the mean is
 * taken off, and it is divided by its standard deviation. It has the parameters of `conv2d`, and no others.
 *
 * The patches are never made: the mean goes into the weights, `W (x - mean(x)) = (W - mean(W)) x`, and the variance
 * of every patch comes from a convolution with a box.
 *
 * @param x [N, C, H, W]
 */
export function patchNormConv2d(scope: Scope, x: Value, outChannels: number, options: Conv2dOptions): Value {
  const { kernelSize, stride = 1, padding = 0, bias = true, initializer = pytorchDefault } = options;
  const kernel = [x.shape[1], kernelSize, kernelSize];
  const weight = scope.parameter('weight', [outChannels, ...kernel], initializer);
  const shift = bias
    ? scope.parameter('bias', [outChannels], uniform(1 / Math.sqrt(fanIn(weight.shape))))
    : null;
  return scope.build(() => {
    const geometry = {
      stride: [stride, stride],
      padding: [padding, padding, padding, padding],
    } as const;
    const n = elementCount(kernel);
    const box = x.graph.constant(tensor('float32', [1, ...kernel], new Float32Array(n).fill(1 / n)));
    const mean = op.conv(x, box, null, geometry);
    const meanSquare = op.conv(op.mul(x, x), box, null, geometry);
    // Rounding may leave a variance just below zero.
    const variance = op.relu(op.sub(meanSquare, op.mul(mean, mean)));
    const centred = op.sub(weight, op.reduceMean(weight, [1, 2, 3], true));
    const z = op.div(op.conv(x, centred, null, geometry), op.sqrt(op.add(variance, EPSILON)));
    return shift ? op.add(z, op.reshape(shift, [1, outChannels, 1, 1])) : z;
  });
}

/**
 * A whitening convolution with fixed filters, and a trained 1x1 convolution on top of it (Page, "How to train your
 * ResNet 8: Bag of tricks", 2019). The filters are the buffer `whitening`; see `whiteningBuffer`.
 *
 * @param x [N, C, H, W]
 */
export function whitenedConv2d(scope: Scope, x: Value, outChannels: number, options: Conv2dOptions): Value {
  const { kernelSize, stride = 1, padding = 0, bias, initializer } = options;
  const n = x.shape[1] * kernelSize * kernelSize;
  const filters = scope.buffer('whitening', [n, x.shape[1], kernelSize, kernelSize], 0);
  const white = scope.build(() =>
    op.conv(x, filters, null, {
      stride: [stride, stride],
      padding: [padding, padding, padding, padding],
    }),
  );
  return conv2d(scope, white, outChannels, {
    kernelSize: 1,
    ...(bias !== undefined && { bias }),
    ...(initializer && { initializer }),
  });
}

/** A model's `fixedBuffers`: the filters of the `whitenedConv2d` at the given path. */
export function whiteningBuffer(
  path: string,
  geometry: { readonly kernelSize: number; readonly stride: number },
): (images: Tensor<'float32'>) => Record<string, Tensor<'float32'>> {
  return (images) => ({ [`${path}.whitening`]: whiteningFilters(images, geometry) });
}

/**
 * A patch embedding between two layer norms (DualPatchNorm; Kumar, Dehghani and Houlsby, 2023). Its projection has
 * the parameters of the convolution it stands for, under the same names.
 *
 * @param x [N, C, H, W]; height and width are multiples of the patch
 * @returns [N, tokens, width]
 */
export function dualPatchNormEmbedding(scope: Scope, x: Value, width: number, patch: number): Value {
  const [batch, channels, rows, columns] = x.shape;
  const [down, across] = [rows / patch, columns / patch];
  const n = channels * patch * patch;
  const patches = scope.build(() => {
    const split = op.reshape(x, [batch, channels, down, patch, across, patch]);
    return op.reshape(op.transpose(split, [0, 2, 4, 1, 3, 5]), [batch, down * across, n]);
  });
  const before = layerNorm(scope.child('norm_before'), patches);
  const projection = scope.child('proj');
  const weight = projection.parameter('weight', [width, channels, patch, patch], pytorchDefault);
  const bias = projection.parameter('bias', [width], uniform(1 / Math.sqrt(n)));
  const tokens = projection.build(() => op.linear(before, op.reshape(weight, [width, n]), bias));
  return layerNorm(scope.child('norm_after'), tokens);
}

/** @throws RangeError unless the model has such a first layer */
export function checkFirstLayer(model: string, kind: string, possible: readonly FirstLayerKind[]): void {
  if (!(possible as readonly string[]).includes(kind)) {
    throw new RangeError(
      `${model}: firstLayer must be one of ${possible.join(', ')}, not ${JSON.stringify(kind)}`,
    );
  }
}
