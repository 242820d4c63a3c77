/** Batch and layer normalisation. */
import { sameShape } from '../../tensor/tensor.js';
import { float, int } from '../attributes.js';
import { GraphError, TRACT_DOMAIN, type Value, describe } from '../graph.js';

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
