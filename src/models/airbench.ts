/** The network of airbench94 (Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024), with its parameter names. */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { fanIn, fromImages, pytorchDefault } from '../nn/init.js';
import type { DrawnInitializer } from '../nn/init.js';
import { batchNorm, biasOf, conv2d, linear } from '../nn/layers.js';
import type { Model } from '../nn/model.js';
import type { Scope } from '../nn/scope.js';
import { OptionError } from '../tensor/option-error.js';
import { elementCount } from '../tensor/tensor.js';
import { positiveIntegers } from './check.js';
import { whiteningFilters } from './whitening.js';

/** Options of airbench's network. */
export interface AirbenchOptions {
  /** Default 10. */
  readonly classes?: number;
  /** Height and width of the images in pixels, at least 9. Default 32. */
  readonly imageSize?: number;
  /** Default 3. */
  readonly channels?: number;
  /** Channels of the first block; the second and third have four times as many. Default 64. */
  readonly width?: number;
  /**
   * Whether the filters of the first layer are fixed and whiten the first training images; otherwise they are random at
   * first and trained. Default true.
   */
  readonly whitening?: boolean;
}

/** Height and width of the first layer's filters. */
const KERNEL = 2;

/** Filters that hand the first channels on as they are; more filters than channels are PyTorch's default. */
const identityFirst: DrawnInitializer = (shape, random) => {
  const filters = pytorchDefault(shape, random);
  const size = fanIn(shape);
  const kernel = elementCount(shape.slice(2));
  for (let i = 0; i < Math.min(shape[0], shape[1]); i++) {
    filters.fill(0, i * size, (i + 1) * size);
    filters[i * size + i * kernel + Math.floor(kernel / 2)] = 1;
  }
  return filters;
};

/** PyTorch's default, scaled to a standard deviation of 1. */
const unitDeviation: DrawnInitializer = (shape, random) => {
  const weights = pytorchDefault(shape, random);
  const mean = weights.reduce((sum, value) => sum + value, 0) / weights.length;
  const squares = weights.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / Math.max(weights.length - 1, 1));
  return deviation === 0 ? weights : weights.map((value) => value / deviation);
};

/** 3x3 convolution, 2x2 max-pool, norm, GELU; 3x3 convolution, norm, GELU. */
function block(scope: Scope, x: Value, channels: number): Value {
  const norm = (name: string, z: Value): Value => {
    const normal = batchNorm(scope.child(name), z, { epsilon: 1e-12, momentum: 0.4, scale: false });
    return scope.build(() => op.gelu(normal));
  };
  const conv = (name: string, z: Value): Value =>
    conv2d(scope.child(name), z, channels, {
      kernelSize: 3,
      padding: 'same',
      bias: false,
      initializer: identityFirst,
    });
  const wide = conv('conv1', x);
  const pooled = scope.child('pool').build(() => maxPool(wide, [2, 2]));
  return norm('norm2', conv('conv2', norm('norm1', pooled)));
}

const maxPool = (x: Value, kernel: readonly [number, number]): Value =>
  op.maxPool(x, { kernel, stride: kernel, padding: [0, 0, 0, 0] }).values;

/**
 * airbench94's network: a whitening first layer, three blocks, and a linear layer on the maximum over what is left of the
 * image; 1.97 million parameters at width 64. Trained by the recipe `speed` it is the fastest known way to 94 % on
 * CIFAR-10.
 *
 * Its filters are computed from the first 1,000 training images, airbench's from 5,000.
 *
 * @throws OptionError for an option out of range
 */
export function airbench(options: AirbenchOptions = {}): Model {
  const { classes = 10, imageSize = 32, channels = 3, width = 64, whitening = true } = options;
  positiveIntegers('airbench', { classes, imageSize, channels, width });
  if (imageSize < 9) throw new OptionError(`airbench: imageSize must be at least 9, not ${imageSize}`);
  return {
    name: 'airbench',
    config: { classes, imageSize, channels, width, whitening },
    imageShape: [channels, imageSize, imageSize],
    classes,
    forward(scope, images) {
      const first = scope.child('whiten');
      const out = 2 * channels * KERNEL ** 2;
      const z = whitening ? whitened(first, images, out) : conv2d(first, images, out, { kernelSize: KERNEL });
      const layers = scope.child('layers');
      let x = layers.child(0).build(() => op.gelu(z));
      [width, 4 * width, 4 * width].forEach((size, i) => {
        x = block(layers.child(i + 1), x, size);
      });
      const features = layers
        .child(4)
        .build(() => op.reshape(maxPool(x, [x.shape[2], x.shape[3]]), [x.shape[0], x.shape[1]]));
      const logits = linear(scope.child('head'), features, classes, {
        bias: false,
        initializer: unitDeviation,
      });
      return scope.build(() => op.mul(logits, 1 / features.shape[1]));
    },
  };
}

/** A convolution with fixed filters and a trained bias. */
function whitened(scope: Scope, images: Value, out: number): Value {
  const filters = scope.buffer(
    'weight',
    [out, images.shape[1], KERNEL, KERNEL],
    fromImages((first) => whiteningFilters(first, KERNEL)),
  );
  const bias = biasOf(scope, filters);
  return scope.build(() => op.conv(images, filters, bias, {}));
}
