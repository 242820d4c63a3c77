/** Layers, initial values, losses and metrics, for models of one's own. */
export { selfAttention } from './attention.js';
export * as init from './init.js';
export type { DrawnInitializer, ImageInitializer, Initializer } from './init.js';
export {
  type BatchNormOptions,
  type LayerNormOptions,
  type LinearOptions,
  batchNorm,
  conv2d,
  dropPath,
  layerNorm,
  linear,
} from './layers.js';
export type { Conv2dOptions } from './conv2d-options.js';
export { correct, crossEntropy } from './loss.js';
export { type Metric, classAccuracy, topAccuracy } from './metrics.js';
export { type TracedModel, trace } from './model.js';
export type { RandomSource } from './random-bits.js';
export type { Padding, PaddingMode, Pair, Sides } from './padding.js';
export {
  type Buffer,
  type Parameter,
  type Conv2dBuilder,
  type ParameterKind,
  Scope,
  type ScopeOptions,
} from './scope.js';
