/** Comparisons that differ in one setting only, in one table: all methods against the first one of the first of them. */
import type { Results } from '../compare/results.js';
import { pairedDifference } from '../compare/statistics.js';
import { accuracyText, differenceText } from './figures.js';

/** A comparison, and what its methods' labels do not say of them, if anything. */
export type Joined = readonly [Results, setting: string];

/** A heading and a row for each method, as text. Differences are by the seeds that both methods have. */
export function joinedTable(comparisons: readonly Joined[]): string[][] {
  const [[{ split, variants: first }]] = comparisons;
  const base = new Map(first[0].runs.map(({ seed, accuracy }) => [seed, accuracy]));
  const rows = comparisons.flatMap(([{ variants }, setting]) =>
    variants.map(({ label, runs, final }) => {
      const differences = runs.flatMap(({ seed, accuracy }) => {
        const other = base.get(seed) ?? null;
        return accuracy === null || other === null ? [] : [accuracy - other];
      });
      const isBase = runs === first[0].runs;
      return [
        setting === '' ? label : `${label}, ${setting}`,
        String(runs.length),
        final ? accuracyText(final.accuracy) : 'diverged',
        isBase || differences.length === 0 ? '' : differenceText(pairedDifference(differences)),
      ];
    }),
  );
  return [['method', 'seeds', `${split} accuracy`, `difference to ${first[0].label}`], ...rows];
}
