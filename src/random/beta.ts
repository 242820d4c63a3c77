/** Draws from the beta distribution. */
import type { Random } from './random.js';

/** From 0 to 1, with density proportional to x^(a-1) (1-x)^(b-1); a and b above 0. */
export function drawBeta(random: Random, a: number, b: number): number {
  const [x, y] = [drawGamma(random, a), drawGamma(random, b)];
  // Of very small a and b both may be below the smallest number: then it is one end or the other.
  return x + y > 0 ? x / (x + y) : random.integer(2);
}

/** The gamma distribution of shape a and scale 1 (Marsaglia and Tsang, 2000). */
function drawGamma(random: Random, a: number): number {
  if (a < 1) return drawGamma(random, a + 1) * (1 - random.uniform()) ** (1 / a);
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
