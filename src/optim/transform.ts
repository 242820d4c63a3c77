/**
 * Gradient transforms: functions from the named gradients of a step to those that the optimizer gets. They form a chain,
 * in the order in which they are listed.
 *
 * A transform knows no model. What it needs of the batch besides gradients it asks for as statistics: values whose sum
 * over the parts of a batch (micro-batches, processes) is that of the whole batch.
 */
import type { Node, Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';
import type { Shape } from '../tensor/tensor.js';

/** A value that survives JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** The forward pass over one shard (one of the equal parts that a batch is cut into), as a transform sees it. */
export interface ForwardPass {
  /** float32 [N, C, H, W], standardised; N is the size of a shard. */
  readonly images: Value;
  /** Those of the forward pass, in topological order. */
  readonly nodes: readonly Node[];
  /** The trained parameters by their names. */
  readonly parameters: ReadonlyMap<string, Value>;
  /** The gradient of the shard's share in the mean loss of the whole batch towards a value of the forward pass. */
  readonly gradientOf: (value: Value) => Value;
  /** Into how many shards the batch is cut. */
  readonly shards: number;
  /** int64 scalar: the number of this shard, counted from 0. Absent where there is one only. */
  readonly shard?: Value;
}

/** What a transform may depend on besides the gradients. */
export interface TransformContext {
  /** What `statistics` gave, summed over the shards. */
  readonly statistics: ReadonlyMap<string, Value>;
  /** The present state, by the names that `state` gave. */
  readonly state: ReadonlyMap<string, Value>;
  /** float64 scalar: the number of this step, counted from 1. */
  readonly step: Value;
}

/** What a transform makes of gradients. */
export interface Transformed {
  /** By the same names as before. */
  readonly gradients: ReadonlyMap<string, Value>;
  /** The next state, by the names of the present one. Default: the present one. */
  readonly state?: ReadonlyMap<string, Value>;
}

/** A function over the named gradients of a step, with a state and statistics of its own if it needs them. */
export interface GradientTransform {
  /** Such as `tract`. */
  readonly name: string;
  /** The options it was made with, complete. */
  readonly config: { readonly [key: string]: Json };
  /** The float32 tensors that it keeps from step to step, all beginning with zeros. Default none. */
  readonly state?: (parameters: ReadonlyMap<string, Shape>) => Readonly<Record<string, Shape>>;
  /** What it needs of the batch. Default nothing. */
  readonly statistics?: (pass: ForwardPass) => ReadonlyMap<string, Value>;
  readonly apply: (gradients: ReadonlyMap<string, Value>, context: TransformContext) => Transformed;
}

/**
 * Scales all gradients down where their joint norm is above the given one, as torch.nn.utils.clip_grad_norm_:
 * `g ← g · min(1, maxNorm / (‖g‖ + 1e-6))`.
 *
 * @throws OptionError unless `maxNorm` is positive and finite
 */
export function clipByGlobalNorm(maxNorm: number): GradientTransform {
  if (!(maxNorm > 0 && Number.isFinite(maxNorm)))
    throw new OptionError(`clipByGlobalNorm: the norm must be positive and finite, not ${maxNorm}`);
  return {
    name: 'clip',
    config: { maxNorm },
    apply(gradients) {
      const squares = [...gradients.values()].map((gradient) =>
        op.reduceSum(
          op.mul(gradient, gradient),
          gradient.shape.map((_, axis) => axis),
        ),
      );
      const norm = op.sqrt(squares.reduce((sum, square) => op.add(sum, square)));
      const factor = op.div(maxNorm, op.add(norm, 1e-6));
      const scale = op.where(op.greater(factor, 1), 1, factor);
      return { gradients: new Map([...gradients].map(([name, value]) => [name, op.mul(value, scale)])) };
    },
  };
}
