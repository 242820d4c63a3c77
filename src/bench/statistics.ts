/** Statistics of timings, which have a long tail on one side. */

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
