/**
 * Layers: functions that declare their parameters in a scope and add their nodes to the graph. Names, options, defaults
 * and initial values are PyTorch's.
 */
import { GraphError, type Value, describe } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { elementCount } from '../tensor/tensor.js';
import { type Initializer, constant, fanIn, pytorchDefault, uniform } from './init.js';
import { padImage, pairOf, sidesOf } from './padding.js';
import type { Conv2dBuilder, Scope } from './scope.js';

/** Options of `linear`. */
export interface LinearOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Of the weight. Default PyTorch's: uniform in ±1/√in. */
  readonly initializer?: Initializer;
}

/**
 * torch.nn.Linear: `x Wᵀ + bias` over the last axis.
 *
 * @param x [..., in]
 * @returns [..., outFeatures]
 * @throws GraphError for an x of less than two axes, or a number of features that is none
 */
export function linear(scope: Scope, x: Value, outFeatures: number, options: LinearOptions = {}): Value {
  const { bias = true, initializer = pytorchDefault } = options;
  if (x.shape.length < 2) throw new GraphError(`linear ${scope.path}: ${describe(x)} is not [..., features]`);
  wholeNumbers('linear', scope, { outFeatures });
  const weight = scope.parameter('weight', [outFeatures, x.shape.at(-1)!], initializer);
  const shift = bias ? biasOf(scope, weight) : null;
  return scope.build(() => op.linear(x, weight, shift));
}

/** PyTorch's bias of linear layers and convolutions: uniform in ±1/√fan_in. */
export function biasOf(scope: Scope, weight: Value): Value {
  return scope.parameter('bias', [weight.shape[0]], uniform(1 / Math.sqrt(fanIn(weight.shape))), 'bias');
}

/**
 * torch.nn.Conv2d.
 *
 * @param x [N, C, H, W]
 * @returns [N, outChannels, OH, OW]
 * @throws GraphError where channels and groups, or image and kernel do not fit; the message has the shapes
 */
export const conv2d: Conv2dBuilder = (scope, x, outChannels, options) => {
  const substitute = scope.takeSubstitute();
  if (substitute) return substitute(scope, x, outChannels, options);
  const { paddingMode = 'zeros', groups = 1, bias = true, initializer = pytorchDefault } = options;
  const kernel = pairOf(options.kernelSize);
  const [stride, dilation] = [pairOf(options.stride ?? 1), pairOf(options.dilation ?? 1)];
  if (x.shape.length !== 4) throw new GraphError(`conv2d ${scope.path}: ${describe(x)} is not [N, C, H, W]`);
  wholeNumbers('conv2d', scope, { outChannels, groups, kernelHeight: kernel[0], kernelWidth: kernel[1] });
  const channels = x.shape[1];
  if (channels % groups !== 0 || outChannels % groups !== 0) {
    throw new GraphError(
      `conv2d ${scope.path}: ${channels} channels of ${describe(x)} and ${outChannels} output channels must be multiples of ${groups} groups`,
    );
  }
  const sides = sidesOf(options.padding ?? 0, kernel, dilation, stride);
  const weight = scope.parameter('weight', [outChannels, channels / groups, ...kernel], initializer);
  const shift = bias ? biasOf(scope, weight) : null;
  return scope.build(() => {
    const zeros = paddingMode === 'zeros';
    return op.conv(zeros ? x : padImage(x, sides, paddingMode), weight, shift, {
      stride,
      padding: zeros ? sides : [0, 0, 0, 0],
      dilation,
      groups,
    });
  });
};

/** Options of `batchNorm`. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** How far the running statistics move towards those of the batch. Default 0.1. */
  readonly momentum?: number;
  /** Whether there are a trained scale and shift. Default true. */
  readonly affine?: boolean;
  /** Whether there is a trained scale beside the shift; without it, it is 1. Default true. */
  readonly scale?: boolean;
  /** What the trained scale starts from. Default 1. */
  readonly initialScale?: number;
}

/**
 * torch.nn.BatchNorm1d, 2d and 3d. In training it normalises by the statistics of the batch and moves the running ones
 * `momentum` of the way there (the running variance by the unbiased one); in evaluation it uses the running ones, and so
 * it does in training where its parameters are frozen, as Keras does.
 *
 * @param x [N, C, ...]
 * @throws GraphError for an epsilon or momentum out of range
 */
export function batchNorm(scope: Scope, x: Value, options: BatchNormOptions = {}): Value {
  const { epsilon = 1e-5, momentum = 0.1, affine = true, scale = true, initialScale = 1 } = options;
  checkEpsilon('batchNorm', scope, epsilon);
  if (!(momentum >= 0 && momentum <= 1))
    throw new GraphError(`batchNorm ${scope.path}: momentum must be from 0 to 1, not ${momentum}`);
  const [, channels] = x.shape;
  const [weight, bias] = scaleAndShift(scope, x, [channels], affine, { scale, initialScale });
  const runningMean = scope.buffer('running_mean', [channels], 0);
  const runningVariance = scope.buffer('running_var', [channels], 1);
  return scope.build(() => {
    if (!scope.usesBatchStatistics([weight, bias]))
      return op.batchNormalization(x, weight, bias, runningMean, runningVariance, epsilon);
    const { y, next } = moveStatistics(x, weight, bias, runningMean, runningVariance, { epsilon, momentum });
    scope.update('running_mean', next.mean);
    scope.update('running_var', next.variance);
    return y;
  });
}

/**
 * Batch normalisation by the statistics of the batch, and where the running ones move: `momentum` of the way there, the
 * running variance towards the unbiased one.
 */
export function moveStatistics(
  x: Value,
  weight: Value,
  bias: Value,
  runningMean: Value,
  runningVariance: Value,
  { epsilon, momentum }: Required<Pick<BatchNormOptions, 'epsilon' | 'momentum'>>,
): { readonly y: Value; readonly next: { readonly mean: Value; readonly variance: Value } } {
  const { y, mean, variance } = op.batchNormTraining(x, weight, bias, epsilon);
  const count = elementCount(x.shape) / x.shape[1];
  const unbiased = op.mul(variance, count / Math.max(count - 1, 1));
  const move = (from: Value, to: Value): Value => op.add(op.mul(from, 1 - momentum), op.mul(to, momentum));
  return { y, next: { mean: move(runningMean, mean), variance: move(runningVariance, unbiased) } };
}

/**
 * Stochastic depth (Huang et al., 2016), as timm's DropPath and torchvision's StochasticDepth(mode='row'): in training the
 * whole of an example is zero with probability `rate`, and divided by 1 - rate otherwise; in evaluation it is as it is.
 * For the branch of a residual block.
 *
 * @param x [N, ...]
 * @throws GraphError for a rate that is not at least 0 and below 1
 */
export function dropPath(scope: Scope, x: Value, rate: number): Value {
  if (!(rate >= 0 && rate < 1))
    throw new GraphError(`dropPath ${scope.path}: the rate must be at least 0 and below 1, not ${rate}`);
  if (rate === 0 || !scope.training) return x;
  const numbers = scope.uniform('drop_path', [x.shape[0]]);
  return scope.build(() => {
    const kept = op.mul(op.cast(op.greater(numbers, rate), 'float32'), 1 / (1 - rate));
    return op.mul(
      x,
      op.reshape(
        kept,
        x.shape.map((size, axis) => (axis === 0 ? size : 1)),
      ),
    );
  });
}

/** Options of `layerNorm`. */
export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5, as PyTorch's; timm's vision transformers use 1e-6. */
  readonly epsilon?: number;
  /** Whether there are a trained scale and shift. Default true. */
  readonly affine?: boolean;
}

/** torch.nn.LayerNorm over the last axis. @throws GraphError for an epsilon out of range */
export function layerNorm(scope: Scope, x: Value, options: LayerNormOptions = {}): Value {
  const { epsilon = 1e-5, affine = true } = options;
  checkEpsilon('layerNorm', scope, epsilon);
  const [weight, bias] = scaleAndShift(scope, x, [x.shape.at(-1)!], affine);
  return scope.build(() => op.layerNormalization(x, weight, bias, epsilon).y);
}

/** A normalisation's trained scale and shift, or 1 and 0. */
function scaleAndShift(
  scope: Scope,
  x: Value,
  shape: readonly number[],
  affine: boolean,
  { scale = true, initialScale = 1 } = {},
): readonly [Value, Value] {
  const filled = (value: number): Value =>
    scope.build(() => op.expand(op.reshape(op.scalarLike(x, value), [1]), shape));
  if (!affine) return [filled(1), filled(0)];
  return [
    scale ? scope.parameter('weight', shape, constant(initialScale), 'norm') : filled(1),
    scope.parameter('bias', shape, constant(0), 'norm'),
  ];
}

function checkEpsilon(layer: string, scope: Scope, epsilon: number): void {
  if (!(epsilon >= 0 && Number.isFinite(epsilon)))
    throw new GraphError(`${layer} ${scope.path}: epsilon must be at least 0, not ${epsilon}`);
}

function wholeNumbers(layer: string, scope: Scope, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new GraphError(`${layer} ${scope.path}: ${name} must be a positive whole number, not ${value}`);
  }
}
