/** The exponential moving average of weights (Polyak and Juditsky, 1992). */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';

/** @throws OptionError for a decay that is not above 0 and below 1 */
export function checkEmaDecay(decay: number): void {
  if (!(Number.isFinite(decay) && decay > 0 && decay < 1))
    throw new OptionError(
      `the decay of the mean of weights (emaDecay) must be above 0 and below 1, not ${decay}`,
    );
}

/**
 * `mean ← mean + (1 - d) · (value - mean)` with `d = min(decay, (1 + step) / (10 + step))`, as TensorFlow's
 * ExponentialMovingAverage: early on a mean over many steps would be one over the initial weights.
 *
 * @param step float64 scalar, counted from 1
 */
export function averaged(mean: Value, value: Value, step: Value, decay: number): Value {
  const early = op.div(9, op.add(step, 10));
  const share = op.where(op.greater(early, 1 - decay), early, 1 - decay);
  return op.add(mean, op.mul(op.sub(value, mean), op.cast(share, 'float32')));
}
