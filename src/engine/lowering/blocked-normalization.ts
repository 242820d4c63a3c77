/** Batch normalisation, ReLU and addition in blocked layout, in as few passes over memory as they need. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { tensor } from '../../tensor/tensor.js';
import {
  affine,
  blocked,
  channelDots,
  channelMeans,
  extended,
  fits,
  isBlocked,
  plain,
  scaled,
} from './blocked-layout.js';

const count = (x: Value): number => x.shape[0] * x.shape[2] * x.shape[3];

/** x - mean: everything after it works on the centred values, so that no variance is a difference of large numbers. */
function centred(x: Value, mean: Value): Value {
  const ones = x.graph.constant(tensor('float32', mean.shape, new Float32Array(mean.shape[0]).fill(1)));
  return affine(blocked(x), ones, { shift: op.neg(mean) });
}

const inverseDeviation = (variance: Value, node: Node): Value =>
  op.reciprocal(op.sqrt(op.add(variance, node.attributes.epsilon.value as number)));

export function batchNormTraining(
  x: Value,
  scale: Value,
  bias: Value,
  node: Node,
  block: number,
): readonly Value[] | undefined {
  if (!fits(x, block)) return undefined;
  const mean = channelMeans(blocked(x));
  const difference = centred(x, mean);
  const variance = op.div(channelDots(difference, difference), count(x));
  const y = affine(difference, op.mul(scale, inverseDeviation(variance, node)), { shift: bias });
  return [plain(y), mean, variance];
}

/** ∂x = scale/σ · (g - mean(g) - x̂ · mean(g x̂)): per channel a·g + b·(x - mean) + c, in two passes. */
export function batchNormTrainingGrad(
  [g, x, scale, mean, variance]: readonly Value[],
  node: Node,
  block: number,
): readonly Value[] | undefined {
  if (!fits(x, block)) return undefined;
  const gradient = blocked(g);
  const difference = centred(x, mean);
  const inverse = inverseDeviation(variance, node);
  const meanGradient = channelMeans(gradient);
  const gradScale = op.mul(channelDots(gradient, difference), inverse);
  const a = op.mul(scale, inverse);
  const b = op.div(op.neg(op.mul(op.mul(a, inverse), gradScale)), count(x));
  const c = op.neg(op.mul(a, meanGradient));
  const gradX = affine(difference, b, { shift: c, sum: affine(gradient, a) });
  return [plain(gradX), gradScale, op.mul(meanGradient, count(x))];
}

export function batchNormalization(
  [x, scale, bias, mean, variance]: readonly Value[],
  node: Node,
  block: number,
): Value | undefined {
  if (!fits(x, block) || !isBlocked(x)) return undefined;
  const a = op.mul(scale, inverseDeviation(variance, node));
  return plain(affine(blocked(x), a, { shift: op.sub(bias, op.mul(mean, a)) }));
}

/** In the same pass as the convolution or affine map before it, where there is one. */
export function relu(x: Value): Value | undefined {
  if (!isBlocked(x)) return undefined;
  return plain(extended(blocked(x), { activation: 'relu' }) ?? op.relu(blocked(x)));
}

/** In the same pass as the convolution or affine map that computes one of them, where there is one. */
export function add(a: Value, b: Value, block: number): Value | undefined {
  if (!fits(a, block) || a.shape.join() !== b.shape.join() || !(isBlocked(a) || isBlocked(b)))
    return undefined;
  const [left, right] = [blocked(a), blocked(b)];
  return plain(extended(left, { sum: right }) ?? extended(right, { sum: left }) ?? op.add(left, right));
}

/**
 * g where the result y of ReLU is positive, else 0, for every finite g. The mask is y · 2¹²⁶ clamped to [0, 1]: every
 * normal y is at least 2⁻¹²⁶, and infinity, where the product overflows, is clamped as well. (Numbers below that count
 * as zero, see `Program`.)
 */
export function reluGrad(g: Value, y: Value, block: number): Value | undefined {
  if (!fits(y, block) || !isBlocked(y)) return undefined;
  return plain(op.mul(scaled(blocked(y), 2 ** 126, 'clamp'), blocked(g)));
}
