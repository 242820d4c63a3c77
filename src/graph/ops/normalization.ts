/** Batch, layer, group, instance and Lp normalisation, and that over neighbouring channels. */
import { elementCount, sameShape } from '../../tensor/tensor.js';
import { float, int } from '../attributes.js';
import { GraphError, TRACT_DOMAIN, type Value, describe } from '../graph.js';
import { checkNumber, isFloat, scalarLike } from './build.js';
import { add, div, mul, pow, where } from './elementwise.js';
import { equal } from './logic.js';
import { averagePool } from './pooling.js';
import { lpNorm } from './reduce.js';
import { expand, reshape } from './shape.js';

function perChannel(opType: string, x: Value, values: readonly Value[]): void {
  const fits =
    x.shape.length >= 2 &&
    values.every(({ shape, dtype }) => shape.length === 1 && shape[0] === x.shape[1] && dtype === x.dtype);
  if (!fits) throw new GraphError(`${opType}: one number a channel is needed: ${describe(x, ...values)}`);
}

/**
 * ONNX BatchNormalization-15 in its inference form: `scale · (x - mean) / √(variance + epsilon) + bias` per channel.
 *
 * @param x [N, C, ...]
 * @param scale, bias, mean, variance [C]
 */
export function batchNormalization(
  x: Value,
  scale: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  epsilon = 1e-5,
): Value {
  const inputs = [x, scale, bias, mean, variance];
  perChannel('BatchNormalization', x, inputs.slice(1));
  return x.graph.add('BatchNormalization', inputs, { epsilon: float(epsilon) }, [x])[0];
}

/**
 * Batch normalisation with the statistics of the batch itself (tract.BatchNormTraining).
 *
 * @param x [N, C, ...]
 * @param scale, bias [C]
 * @returns y like x; mean and (biased) variance of the batch, [C] each
 */
export function batchNormTraining(
  x: Value,
  scale: Value,
  bias: Value,
  epsilon = 1e-5,
): { y: Value; mean: Value; variance: Value } {
  perChannel('BatchNormTraining', x, [scale, bias]);
  const results = [x, scale, scale];
  const [y, mean, variance] = x.graph.add(
    'BatchNormTraining',
    [x, scale, bias],
    { epsilon: float(epsilon) },
    results,
    TRACT_DOMAIN,
  );
  return { y, mean, variance };
}

/**
 * The gradient of batch normalisation with batch statistics (tract.BatchNormTrainingGrad).
 *
 * @returns the gradients towards x, scale and bias
 */
export function batchNormTrainingGrad(
  gradient: Value,
  x: Value,
  scale: Value,
  mean: Value,
  variance: Value,
  epsilon: number,
): readonly [Value, Value, Value] {
  perChannel('BatchNormTrainingGrad', x, [scale, mean, variance]);
  if (gradient.dtype !== x.dtype || !sameShape(gradient.shape, x.shape))
    throw new GraphError(`BatchNormTrainingGrad: ${describe(gradient, x)} are not alike`);
  const [gradX, gradScale, gradBias] = x.graph.add(
    'BatchNormTrainingGrad',
    [gradient, x, scale, mean, variance],
    { epsilon: float(epsilon) },
    [x, scale, scale],
    TRACT_DOMAIN,
  );
  return [gradX, gradScale, gradBias];
}

/**
 * ONNX LayerNormalization-17 over the last axis.
 *
 * @param x [..., features]
 * @param scale, bias [features]
 * @returns y like x; mean and 1 / √(variance + epsilon) of each row, float32 [..., 1]
 */
export function layerNormalization(
  x: Value,
  scale: Value,
  bias: Value,
  epsilon = 1e-5,
): { y: Value; mean: Value; inverseDeviation: Value } {
  const features = x.shape.at(-1);
  const fits = [scale, bias].every(
    ({ shape, dtype }) => shape.length === 1 && shape[0] === features && dtype === x.dtype,
  );
  if (!fits) {
    throw new GraphError(`LayerNormalization: one number a feature is needed: ${describe(x, scale, bias)}`);
  }
  // ONNX computes these two in float32, whatever the type of x.
  const row = { dtype: 'float32', shape: [...x.shape.slice(0, -1), 1] } as const;
  const attributes = { axis: int(-1), epsilon: float(epsilon) };
  const [y, mean, inverseDeviation] = x.graph.add('LayerNormalization', [x, scale, bias], attributes, [
    x,
    row,
    row,
  ]);
  return { y, mean, inverseDeviation };
}

/**
 * ONNX GroupNormalization-21: each image's channels are normalised group by group, over the axes of the image too.
 *
 * @param x [N, C, ...]
 * @param scale, bias [C]
 * @param groups into how many the channels are divided
 */
export function groupNormalization(
  x: Value,
  scale: Value,
  bias: Value,
  groups: number,
  epsilon = 1e-5,
): Value {
  perChannel('GroupNormalization', x, [scale, bias]);
  const [batch, channels, ...image] = x.shape;
  if (!Number.isSafeInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new GraphError(
      `GroupNormalization: the channels of ${describe(x)} do not divide into ${groups} groups`,
    );
  const features = elementCount(x.shape) / (batch * groups);
  const filled = (value: number): Value => expand(reshape(scalarLike(x, value), [1]), [features]);
  const rows = reshape(x, [batch * groups, features]);
  const { y } = layerNormalization(rows, filled(1), filled(0), epsilon);
  const along = [channels, ...image.map(() => 1)];
  return add(mul(reshape(y, x.shape), reshape(scale, along)), reshape(bias, along));
}

/** ONNX InstanceNormalization-6: group normalisation with a group for each channel. */
export function instanceNormalization(x: Value, scale: Value, bias: Value, epsilon = 1e-5): Value {
  perChannel('InstanceNormalization', x, [scale, bias]);
  return groupNormalization(x, scale, bias, x.shape[1], epsilon);
}

/** ONNX LpNormalization-1: x divided by its Lp norm along an axis, and 0 where that is 0. */
export function lpNormalization(x: Value, axis = -1, p = 2): Value {
  const norm = lpNorm(x, p, [axis]);
  return div(x, where(equal(norm, 0), 1, norm));
}

/** The numbers of `lrn`. */
export interface LrnOptions {
  /** Default 1e-4. */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly bias?: number;
}

/**
 * ONNX LRN-13: x / (bias + α/size · Σ x²)^β, with the squares of `size` neighbouring channels.
 *
 * @param x [N, C, ...]
 */
export function lrn(x: Value, size: number, options: LrnOptions = {}): Value {
  const { alpha = 1e-4, beta = 0.75, bias = 1 } = options;
  for (const [name, value] of Object.entries({ alpha, beta, bias })) checkNumber('LRN', name, value);
  const [batch, channels, ...image] = x.shape;
  const fits = isFloat(x) && x.shape.length >= 2 && size >= 1 && size < 2 * channels;
  if (!Number.isSafeInteger(size) || !fits)
    throw new GraphError(`LRN: a window of ${size} channels does not fit ${describe(x)}`);
  // Channels as an axis of an image: its windows' means are those of the neighbouring channels.
  const squares = reshape(mul(x, x), [batch, 1, channels, elementCount(image)]);
  const before = Math.floor((size - 1) / 2);
  const means = averagePool(squares, {
    kernel: [size, 1],
    stride: [1, 1],
    padding: [before, 0, size - 1 - before, 0],
    countIncludePad: true,
  });
  const denominator = pow(add(mul(reshape(means, x.shape), alpha), bias), beta);
  return div(x, denominator);
}
