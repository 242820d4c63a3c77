/** The statistics that a comparison rests on. Samples are finite numbers. */

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The middle value, or the mean of the middle two.
 *
 * @throws RangeError for no values at all
 */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values have no median');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Where the median of the distribution lies with a probability of at least 95 %, whatever the distribution: between
 * two of the sorted values, by the binomial distribution of how many of them lie below it.
 *
 * @returns the extreme values where there are too few (fewer than six) for the probability
 */
export function medianInterval(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let [below, probability, rank] = [0, 0.5 ** count, 0];
  while (below + probability <= 0.025) {
    below += probability;
    probability *= (count - rank) / (rank + 1);
    rank++;
  }
  const outer = Math.max(rank - 1, 0);
  return [sorted[outer], sorted[count - 1 - outer]];
}

/** How much more time one thing takes than another. */
export interface Overhead {
  /** The median of the differences, as a fraction of the median time of the first: 0.02 for 2 %. */
  readonly overhead: number;
  /** Its 95 % confidence interval. */
  readonly interval: readonly [number, number];
}

/** @param base, other times that were measured in turn: those of equal positions belong together */
export function overheadOf(base: readonly number[], other: readonly number[]): Overhead {
  const whole = median(base);
  const differences = base.map((time, i) => (other[i] - time) / whole);
  return { overhead: median(differences), interval: medianInterval(differences) };
}

/** The sample standard deviation (n - 1 in the denominator); NaN for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return NaN;
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** Pearson's correlation coefficient; NaN where one of the two does not vary. */
export function correlation(x: readonly number[], y: readonly number[]): number {
  const [meanX, meanY] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [dx, dy] = [x[i] - meanX, y[i] - meanY];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xy / Math.sqrt(xx * yy);
}

/**
 * The t with `P(-t ≤ T ≤ t) = confidence` for Student's T with whole degrees of freedom.
 *
 * @param degrees at least 1
 * @param confidence between 0 and 1
 */
export function studentT(degrees: number, confidence: number): number {
  let [low, high] = [0, 1];
  while (centralProbability(high, degrees) < confidence) high *= 2;
  for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (centralProbability(middle, degrees) < confidence) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(-t ≤ T ≤ t), by the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function centralProbability(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  if (degrees % 2 === 0) {
    let [term, sum] = [1, 1];
    for (let k = 2; k < degrees; k += 2) sum += term *= ((k - 1) / k) * cosine ** 2;
    return sine * sum;
  }
  if (degrees === 1) return (2 * angle) / Math.PI;
  let [term, sum] = [cosine, cosine];
  for (let k = 3; k < degrees; k += 2) sum += term *= ((k - 1) / k) * cosine ** 2;
  return (2 / Math.PI) * (angle + sine * sum);
}

/** A mean difference of pairs, and how far it can be trusted. */
export interface PairedDifference {
  /** Of the pairs' differences. */
  readonly mean: number;
  readonly pairs: number;
  /** 95 % confidence interval of the mean difference (paired t); null for fewer than two pairs. */
  readonly interval: readonly [low: number, high: number] | null;
}

/** The mean of differences that belong together in pairs (equal seeds), with its 95 % confidence interval. */
export function pairedDifference(differences: readonly number[]): PairedDifference {
  const pairs = differences.length;
  const center = mean(differences);
  if (pairs < 2) return { mean: center, pairs, interval: null };
  const half = (studentT(pairs - 1, 0.95) * standardDeviation(differences)) / Math.sqrt(pairs);
  return { mean: center, pairs, interval: [center - half, center + half] };
}
