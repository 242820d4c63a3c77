/** What TrAct may do otherwise as a run goes on: λ that changes, a Gram matrix that is a running mean, an early end. */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';
import type { Lambda } from './lambda.js';

/** Options of TrAct that say when. Steps are counted from 1. */
export interface TractOverTime {
  /**
   * Momentum m of a running mean of the Gram matrix, `G ← m G + (1 − m) xᵀx / b`, divided by `1 − mᵗ` after t steps; for
   * batches that are too small to tell the covariance of the layer's inputs. At least 0 and below 1. Default 0: the Gram
   * matrix of the batch alone, as in the paper.
   */
  readonly gramMomentum?: number;
  /** After so many steps the gradient is the vanilla one. Default: TrAct to the end, as in the paper. */
  readonly until?: number;
  /** λ (or the factor of a relative one) changes to this by equal ratios, and stays there. Default: no change. */
  readonly lambdaEnd?: number;
  /** The steps in which it does so; needed where `lambdaEnd` is given. */
  readonly lambdaSteps?: number;
}

const names = ['gramMomentum', 'until', 'lambdaEnd', 'lambdaSteps'] as const;

/** These options alone, those that are given. */
export function overTimeOf(options: TractOverTime): TractOverTime {
  return Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}

/** @throws OptionError for a value out of range, or one that needs another */
export function checkOverTime({ gramMomentum = 0, until = 1, lambdaEnd, lambdaSteps }: TractOverTime): void {
  if (!(gramMomentum >= 0 && gramMomentum < 1))
    throw new OptionError(
      `the momentum of TrAct's Gram matrix must be at least 0 and below 1, not ${gramMomentum}`,
    );
  if (!(Number.isSafeInteger(until) && until >= 1))
    throw new OptionError(`TrAct goes on for a whole number of steps, at least 1, not ${until}`);
  if ((lambdaEnd === undefined) !== (lambdaSteps === undefined))
    throw new OptionError("TrAct's lambdaEnd and lambdaSteps go together");
  if (lambdaEnd !== undefined && !(Number.isFinite(lambdaEnd) && lambdaEnd > 0))
    throw new OptionError(`TrAct's last lambda must be finite and positive, not ${lambdaEnd}`);
  if (lambdaSteps !== undefined && !(Number.isSafeInteger(lambdaSteps) && lambdaSteps >= 1))
    throw new OptionError(
      `TrAct's lambda changes in a whole number of steps, at least 1, not ${lambdaSteps}`,
    );
}

/**
 * λ, or the factor of a relative one: λ₀ (λ₁ / λ₀)^((t − 1) / n) at step t up to n + 1.
 *
 * @param step float64 scalar, counted from 1
 * @returns a float64 scalar where it changes
 */
export function lambdaAt(
  lambda: Lambda,
  { lambdaEnd, lambdaSteps }: TractOverTime,
  step: Value,
): number | Value {
  const first = typeof lambda === 'number' ? lambda : lambda.relative;
  if (lambdaEnd === undefined || lambdaSteps === undefined) return first;
  const share = op.div(op.sub(step, 1), lambdaSteps);
  const limited = op.where(op.less(share, 1), share, 1);
  return op.mul(op.exp(op.mul(limited, Math.log(lambdaEnd / first))), first);
}

/**
 * The running mean with this batch in it.
 *
 * @param gram float64, of the batch
 * @param before float32, the state; zeros at first
 * @returns the mean over the steps so far, float64, and the next state
 */
export function runningMean(
  gram: Value,
  before: Value,
  momentum: number,
  step: Value,
): { readonly mean: Value; readonly after: Value } {
  const after = op.cast(
    op.add(op.mul(op.cast(before, 'float64'), momentum), op.mul(gram, 1 - momentum)),
    'float32',
  );
  const weight = op.sub(1, op.exp(op.mul(step, Math.log(momentum))));
  return { mean: op.div(op.cast(after, 'float64'), weight), after };
}
