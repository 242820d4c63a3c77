/** Figures of the tables of docs/results.md, as text. */
import { percent, signed } from '../compare/words.js';

export function accuracyText({ mean, deviation }: { mean: number; deviation: number | null }): string {
  return deviation === null ? percent(mean) : `${percent(mean)} ± ${(100 * deviation).toFixed(1)}`;
}

export function differenceText({
  mean,
  interval,
}: {
  mean: number;
  interval: readonly number[] | null;
}): string {
  return interval ? `${signed(mean)} (${signed(interval[0])} to ${signed(interval[1])})` : signed(mean);
}
