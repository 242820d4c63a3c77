/**
 * First layers that fight the same trouble as TrAct by changing the model: the rivals of the paper's ablations.
 *
 * TrAct leaves a model as it is; each of these makes another one of it, for training and inference alike, by exchanging
 * its first convolution.
 */
import { GraphError, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { fromImages, pytorchDefault } from '../nn/init.js';
import type { Conv2dOptions } from '../nn/conv2d-options.js';
import { biasOf, conv2d, layerNorm } from '../nn/layers.js';
import type { Conv2dBuilder } from '../nn/scope.js';
import { type Model, traceAlone } from '../nn/model.js';
import { pairOf, sidesOf } from '../nn/padding.js';
import { OptionError } from '../tensor/option-error.js';
import { elementCount, tensor } from '../tensor/tensor.js';
import { firstLayer } from '../tract/first-layer.js';
import { whiteningFilters } from './whitening.js';

/** For patches of a single colour. */
const EPSILON = 1e-5;

/** Kernel, stride and padding of a convolution, in full. */
function geometryOf({ kernelSize, stride = 1, padding = 0 }: Conv2dOptions) {
  const [kernel, steps] = [pairOf(kernelSize), pairOf(stride)];
  return { kernel, stride: steps, padding: sidesOf(padding, kernel, [1, 1], steps) };
}

/**
 * A convolution of patches that are normalised one by one: of each receptive field (padding included) the mean is
 * taken off, and it is divided by its standard deviation. It has the parameters of `conv2d`, and no others.
 *
 * The patches are never made: the mean goes into the weights, `W (x - mean(x)) = (W - mean(W)) x`, and the variance
 * of every patch comes from a convolution with a box.
 *
 * @param x [N, C, H, W]
 */
export const patchNormConv2d: Conv2dBuilder = (scope, x, outChannels, options) => {
  const { bias = true, initializer = pytorchDefault } = options;
  const { kernel: size, ...geometry } = geometryOf(options);
  const kernel = [x.shape[1], ...size];
  const weight = scope.parameter('weight', [outChannels, ...kernel], initializer);
  const shift = bias ? biasOf(scope, weight) : null;
  return scope.build(() => {
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
};

/**
 * A whitening convolution with fixed filters, and a trained 1x1 convolution on top of it (Page, "How to train your
 * ResNet 8: Bag of tricks", 2019). The filters are the buffer `whitening`, computed from training images.
 *
 * @param x [N, C, H, W]
 */
export const whitenedConv2d: Conv2dBuilder = (scope, x, outChannels, options) => {
  const { bias, initializer } = options;
  const { kernel, stride, padding } = geometryOf(options);
  const n = x.shape[1] * kernel[0] * kernel[1];
  const filters = scope.buffer(
    'whitening',
    [n, x.shape[1], ...kernel],
    fromImages((images) => whiteningFilters(images, { kernelSize: kernel[0], stride: stride[0] }).data),
  );
  const white = scope.build(() => op.conv(x, filters, null, { stride, padding }));
  return conv2d(scope, white, outChannels, {
    kernelSize: 1,
    ...(bias !== undefined && { bias }),
    ...(initializer && { initializer }),
  });
};

/**
 * A convolution as it is, whose filters begin as whitening filters and are trained from there on: those of the largest
 * eigenvalues, then their negatives, then the same again.
 *
 * @param x [N, C, H, W]
 */
export const whiteningStartConv2d: Conv2dBuilder = (scope, x, outChannels, options) => {
  const { kernel, stride } = geometryOf(options);
  const n = x.shape[1] * kernel[0] * kernel[1];
  const initializer = fromImages((images) => {
    const { data } = whiteningFilters(images, { kernelSize: kernel[0], stride: stride[0] });
    return Float32Array.from({ length: outChannels * n }, (_, i) => {
      const filter = Math.floor(i / n);
      return (filter % (2 * n) < n ? 1 : -1) * data[(filter % n) * n + (i % n)];
    });
  });
  return conv2d(scope, x, outChannels, { ...options, initializer });
};

/**
 * A patch embedding between two layer norms (DualPatchNorm; Kumar, Dehghani and Houlsby, 2023). Its projection has
 * the parameters of the convolution it stands for, under the same names.
 *
 * @param x [N, C, H, W]; height and width are multiples of the patch
 * @returns [N, outChannels, H / patch, W / patch]
 */
export const dualPatchNormConv2d: Conv2dBuilder = (scope, x, outChannels, options) => {
  const [height, width] = pairOf(options.kernelSize);
  const [batch, channels, rows, columns] = x.shape;
  const [down, across] = [rows / height, columns / width];
  const n = channels * height * width;
  const around = scope.parent ?? scope;
  const patches = around.build(() => {
    const split = op.reshape(x, [batch, channels, down, height, across, width]);
    return op.reshape(op.transpose(split, [0, 2, 4, 1, 3, 5]), [batch, down * across, n]);
  });
  const before = layerNorm(around.child('norm_before'), patches);
  const weight = scope.parameter('weight', [outChannels, channels, height, width], pytorchDefault);
  const bias = biasOf(scope, weight);
  const tokens = scope.build(() => op.linear(before, op.reshape(weight, [outChannels, n]), bias));
  const after = layerNorm(around.child('norm_after'), tokens);
  return around.build(() => op.reshape(op.transpose(after, [0, 2, 1]), [batch, outChannels, down, across]));
};

/**
 * What takes the place of a model's first convolution:
 * - `patch-norm`: each patch is normalised to mean 0 and variance 1 before it;
 * - `whitening`: a fixed whitening convolution, and a trained 1x1 convolution on top of it;
 * - `whitening-start`: the same convolution, whose filters begin as those of the whitening;
 * - `dual-patch-norm`: LayerNorm before and after a patch embedding.
 */
export const rivals = {
  'patch-norm': patchNormConv2d,
  whitening: whitenedConv2d,
  'whitening-start': whiteningStartConv2d,
  'dual-patch-norm': dualPatchNormConv2d,
} as const;
export type Rival = keyof typeof rivals;

/**
 * A model with another first layer, named `<model>+<rival>`. All other parameters keep their names.
 *
 * @throws OptionError where the first layer is no convolution that the rival can stand for
 * @throws FirstLayerError where there is no single first layer
 */
export function withFirstLayer(model: Model, rival: Rival): Model {
  const { images, graph, parameters } = traceAlone(model, 1, true);
  const { node, layer } = firstLayer(images, graph.nodes, parameters);
  const refused = (wanted: string): OptionError =>
    new OptionError(`${rival} takes the place of ${wanted}, which the first layer of ${model.name} is not`);
  if (node.opType !== 'Conv') throw refused('a convolution');
  const { stride, padding, dilation, groups } = op.geometryOf(node);
  const kernel = node.inputs[1]!.shape.slice(2);
  if (groups !== 1 || dilation.some((step) => step !== 1)) throw refused('a plain convolution');
  if (rival === 'dual-patch-norm' && (kernel.join() !== stride.join() || padding.some((side) => side !== 0)))
    throw refused('a patch embedding (a convolution whose stride is its kernel)');
  if (rival.startsWith('whitening') && (kernel[0] !== kernel[1] || stride[0] !== stride[1]))
    throw refused('a square convolution');
  return {
    ...model,
    name: `${model.name}+${rival}`,
    forward(scope, pixels): Value {
      scope.substitute(layer, rivals[rival]);
      const logits = model.forward(scope, pixels);
      // What took it would have taken it away.
      if (scope.child(layer).takeSubstitute())
        throw new GraphError(
          `${model.name} does not build ${layer} by conv2d, so that it cannot be exchanged`,
        );
      return logits;
    },
  };
}
