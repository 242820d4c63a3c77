/** How far arrays of numbers are from each other. */
import assert from 'node:assert/strict';

/** ‖actual − expected‖ / ‖expected‖; Infinity for arrays of different lengths. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}

/** Fails unless the relative error is within the limit, for NaN too. */
export function assertWithin(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  limit: number,
  what: string,
): void {
  const error = relativeError(actual, expected);
  assert.ok(error <= limit, `${what}: the relative error is ${error}, more than ${limit}`);
}
