/**
 * Layers: functions that declare their parameters in a scope and add their nodes to the graph. Names, defaults and
 * initial values are PyTorch's.
 */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { type Initializer, constant, fanIn, pytorchDefault, uniform } from './init.js';
import type { Scope } from './scope.js';

export interface LinearOptions {
  /** Default true. */
  readonly bias?: boolean;
}

/**
 * torch.nn.Linear: `x Wᵀ + bias` over the last axis.
 *
 * @param x [..., in]
 * @returns [..., outFeatures]
 */
export function linear(
  scope: Scope,
  x: Value,
  outFeatures: number,
  { bias = true }: LinearOptions = {},
): Value {
  const weight = scope.parameter('weight', [outFeatures, x.shape.at(-1)!], pytorchDefault);
  const shift = bias
    ? scope.parameter('bias', [outFeatures], uniform(1 / Math.sqrt(fanIn(weight.shape))))
    : null;
  return scope.build(() => op.linear(x, weight, shift));
}

export interface Conv2dOptions {
  readonly kernelSize: number;
  /** Default 1. */
  readonly stride?: number;
  /** Zeros on all four sides. Default 0. */
  readonly padding?: number;
  /** Default 1. */
  readonly dilation?: number;
  /** Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default PyTorch's. */
  readonly initializer?: Initializer;
}

/**
 * torch.nn.Conv2d with a square kernel.
 *
 * @param x [N, C, H, W]
 * @returns [N, outChannels, OH, OW]
 */
export function conv2d(scope: Scope, x: Value, outChannels: number, options: Conv2dOptions): Value {
  const {
    kernelSize,
    stride = 1,
    padding = 0,
    dilation = 1,
    groups = 1,
    bias = true,
    initializer = pytorchDefault,
  } = options;
  const weight = scope.parameter(
    'weight',
    [outChannels, x.shape[1] / groups, kernelSize, kernelSize],
    initializer,
  );
  const shift = bias
    ? scope.parameter('bias', [outChannels], uniform(1 / Math.sqrt(fanIn(weight.shape))))
    : null;
  return scope.build(() =>
    op.conv(x, weight, shift, {
      stride: [stride, stride],
      padding: [padding, padding, padding, padding],
      dilation: [dilation, dilation],
      groups,
    }),
  );
}

/**
 * torch.nn.BatchNorm2d (momentum 0.1, epsilon 1e-5). In training it normalises by the statistics of the batch and
 * moves the running ones a tenth of the way there (the running variance by the unbiased one); in evaluation it uses
 * the running ones.
 *
 * @param x [N, C, ...]
 */
export function batchNorm(scope: Scope, x: Value): Value {
  const channels = x.shape[1];
  const weight = scope.parameter('weight', [channels], constant(1));
  const bias = scope.parameter('bias', [channels], constant(0));
  const runningMean = scope.buffer('running_mean', [channels], 0);
  const runningVariance = scope.buffer('running_var', [channels], 1);
  return scope.build(() => {
    if (!scope.training) return op.batchNormalization(x, weight, bias, runningMean, runningVariance);
    const { y, mean, variance } = op.batchNormTraining(x, weight, bias);
    const count = x.shape.reduce((product, length, axis) => (axis === 1 ? product : product * length), 1);
    const unbiased = op.mul(variance, count / Math.max(count - 1, 1));
    const move = (from: Value, to: Value): Value => op.add(op.mul(from, 0.9), op.mul(to, 0.1));
    scope.update('running_mean', move(runningMean, mean));
    scope.update('running_var', move(runningVariance, unbiased));
    return y;
  });
}

/** torch.nn.LayerNorm over the last axis (epsilon 1e-5). */
export function layerNorm(scope: Scope, x: Value): Value {
  const features = [x.shape.at(-1)!];
  const weight = scope.parameter('weight', features, constant(1));
  const bias = scope.parameter('bias', features, constant(0));
  return scope.build(() => op.layerNormalization(x, weight, bias).y);
}
