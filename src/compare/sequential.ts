/** When a comparison knows enough: differences that are tested again after each seed. */
import type { FinishedRun } from './conclude.js';
import { mean, standardDeviation, studentT } from './statistics.js';

/** How a method compares with the first one, as far as seeds have told. */
export interface Decision {
  readonly variant: string;
  readonly label: string;
  /** `better`, `worse`: the interval excludes zero. `alike`: it lies within the stated difference. */
  readonly verdict: 'better' | 'worse' | 'alike';
  /** Of the accuracies at the end, 0 to 1, and its interval, wide enough for all looks together to err in 5 % of cases. */
  readonly difference: number;
  readonly interval: readonly [low: number, high: number];
  /** Seeds that it took. */
  readonly seeds: number;
}

/** Two differences say next to nothing of their spread. */
const FEWEST_PAIRS = 3;

/**
 * What the seeds so far decide of a method. Who looks after each seed finds something by chance more often than who looks
 * once, so that every look has its share of the 5 % (Bonferroni).
 *
 * @param runs so far
 * @param seeds how many there will be at most
 * @param difference in accuracy, 0 to 1, within which methods count as alike
 */
export function decide(
  runs: readonly FinishedRun[],
  base: string,
  variant: { readonly id: string; readonly label: string },
  seeds: number,
  difference: number,
): Decision | undefined {
  const last = (id: string): Map<number, number> =>
    new Map(
      runs.flatMap(({ variant: one, seed, record }) =>
        one.id === id && record.diverged === undefined
          ? [[seed, record.curve.at(-1)!.accuracy] as const]
          : [],
      ),
    );
  const [first, own] = [last(base), last(variant.id)];
  const differences = [...own].flatMap(([seed, accuracy]) => {
    const other = first.get(seed);
    return other === undefined ? [] : [accuracy - other];
  });
  const pairs = differences.length;
  if (pairs < FEWEST_PAIRS) return undefined;
  const looks = Math.max(seeds - FEWEST_PAIRS + 1, 1);
  const half = (studentT(pairs - 1, 1 - 0.05 / looks) * standardDeviation(differences)) / Math.sqrt(pairs);
  const center = mean(differences);
  const interval = [center - half, center + half] as const;
  const verdict =
    interval[0] > 0
      ? 'better'
      : interval[1] < 0
        ? 'worse'
        : Math.max(-interval[0], interval[1]) <= difference
          ? 'alike'
          : undefined;
  return (
    verdict && {
      variant: variant.id,
      label: variant.label,
      verdict,
      difference: center,
      interval,
      seeds: pairs,
    }
  );
}
