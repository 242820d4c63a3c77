/** Training that has run away: numbers that are none any more. */
import type { Tensors } from '../engine/session.js';

/** The loss is no number any more; the message says at which step. The trainer's state is that of the step before. */
export class DivergenceError extends Error {
  override name = 'DivergenceError';
}

/** @param finding what was seen and at which step, such as `the loss became NaN at step 7` */
export function diverged(finding: string): DivergenceError {
  return new DivergenceError(
    `${finding}: training has diverged; a lower learning rate or a warm-up may help`,
  );
}

/**
 * Checks a state before it takes the place of a good one. The loss tells of bad weights one step late.
 *
 * @throws DivergenceError naming the first tensor with an element that is NaN or infinite
 */
export function checkFinite(tensors: Tensors, step: number): void {
  for (const [name, { dtype, data }] of Object.entries(tensors)) {
    if (dtype !== 'float32' && dtype !== 'float64') continue;
    const values = data as Float32Array | Float64Array;
    // A sum of squares is finite only if every element is; where it overflows the elements are looked at one by one.
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
    if (!Number.isFinite(sum) && !values.every(Number.isFinite)) {
      throw diverged(`"${name}" holds NaN or infinite values after step ${step}`);
    }
  }
}
