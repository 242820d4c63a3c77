/** Lookahead (Zhang et al., "Lookahead optimizer: k steps forward, 1 step back", 2019). */
import * as op from '../graph/ops.js';
import { type Optimizer, checkRange } from './optimizer.js';

/** Options of Lookahead. */
export interface LookaheadOptions {
  /** Steps between two looks back. Default 5. */
  readonly every?: number;
  /** How far the slow weights then move towards the fast ones, above 0 and at most 1. Default 0.5. */
  readonly alpha?: number;
}

/** What stands before the name of the inner optimizer. */
export const LOOKAHEAD = 'lookahead+';

/**
 * Lookahead around an optimizer: after every so many steps the slow weights move towards those that the optimizer has
 * come to, `slow ← slow + alpha · (p - slow)`, and it goes on from there, `p ← slow`. The state of the optimizer stays as
 * it is. The slow weights begin as the parameters.
 *
 * @throws OptionError for an option out of range
 */
export function lookahead(inner: Optimizer, { every = 5, alpha = 0.5 }: LookaheadOptions = {}): Optimizer {
  checkRange(
    'lookahead',
    'every',
    every,
    (value) => Number.isSafeInteger(value) && value >= 1,
    'a whole number of at least 1',
  );
  checkRange('lookahead', 'alpha', alpha, (value) => value > 0 && value <= 1, 'above 0 and at most 1');
  return {
    name: `${LOOKAHEAD}${inner.name}`,
    config: { ...inner.config, lookaheadEvery: every, lookaheadAlpha: alpha },
    schedule: inner.schedule,
    slots: [...inner.slots, { name: 'slow_buffer', initial: 'parameter' }],
    update(parameter, gradient, slots, context) {
      const slow = slots[inner.slots.length];
      const fast = inner.update(parameter, gradient, slots.slice(0, -1), context);
      const step = op.cast(context.step, 'int64');
      const due = op.equal(op.mul(op.div(step, every), every), step);
      const moved = op.add(slow, op.mul(op.sub(fast.parameter, slow), alpha));
      return {
        parameter: op.where(due, moved, fast.parameter),
        slots: [...fast.slots, op.where(due, moved, slow)],
      };
    },
  };
}
