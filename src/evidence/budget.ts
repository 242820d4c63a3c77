/**
 * How the gain grows with the budget: the same comparison with schedules of several lengths, and how many epochs vanilla
 * training needs for what TrAct has at the end of each.
 */
import type { TopLevelSpec } from 'vega-lite';
import { type Chart, WIDE, drawChart, seriesColour, seriesDash } from '../compare/chart.js';
import type { Results } from '../compare/results.js';
import { pairedDifference } from '../compare/statistics.js';
import { accuracyText, differenceText } from './figures.js';

/** What a seed ended at under both methods after each of its budgets, in the order of epochs. */
interface SeedCurve {
  readonly epochs: number;
  readonly vanilla: number;
  readonly tract: number;
}

/** Epochs of vanilla training for what TrAct ends at. */
export interface Needed {
  /** Geometric mean over the seeds; Infinity where a seed's is: more than was tried. */
  readonly epochs: number;
  /** 95 % confidence interval by the seeds' logarithms; null for one seed, or where one is more than was tried. */
  readonly interval: readonly [number, number] | null;
}

/**
 * For each seed: where its own curve of vanilla's final accuracies over the epochs, linear in their logarithm, first is at
 * what TrAct ends at with this budget. Where a seed does not get there, only those count that were run with the largest
 * budget, too: of the others nobody knows whether they would.
 *
 * @param results of comparisons of vanilla and TrAct that differ in their epochs only, in any order
 * @param epochs the budget of TrAct
 * @returns undefined where vanilla is better with the smallest budget already, or a run diverged
 */
export function neededEpochs(results: readonly Results[], epochs: number): Needed | undefined {
  const most = Math.max(...results.map(({ setup }) => setup.epochs));
  const curves = [...seedCurves(results).values()].filter((curve) => has(curve, epochs));
  const all = curves.map((curve) => ratioNeeded(curve, epochs));
  const ratios = all.includes(Infinity) ? all.filter((_, i) => has(curves[i], most)) : all;
  if (ratios.length === 0 || ratios.some(Number.isNaN)) return undefined;
  if (ratios.includes(Infinity)) return { epochs: Infinity, interval: null };
  const { mean, interval } = pairedDifference(ratios);
  const inEpochs = (ratio: number): number => epochs * Math.exp(ratio);
  return { epochs: inEpochs(mean), interval: interval && [inEpochs(interval[0]), inEpochs(interval[1])] };
}

const has = (curve: readonly SeedCurve[], epochs: number): boolean =>
  curve.some((point) => point.epochs === epochs);

/** The logarithm of how many times as many epochs vanilla training needs; NaN where the fewest tried are too many. */
function ratioNeeded(curve: readonly SeedCurve[], epochs: number): number {
  const { tract } = curve.find((point) => point.epochs === epochs)!;
  const after = curve.findIndex(({ vanilla }) => vanilla >= tract);
  if (after < 0) return Infinity;
  if (after === 0) return NaN;
  const [low, high] = [curve[after - 1], curve[after]];
  const share = (tract - low.vanilla) / (high.vanilla - low.vanilla);
  return Math.log(low.epochs / epochs) + share * Math.log(high.epochs / low.epochs);
}

function seedCurves(results: readonly Results[]): Map<number, SeedCurve[]> {
  const curves = new Map<number, SeedCurve[]>();
  for (const { setup, variants } of results.toSorted((a, b) => a.setup.epochs - b.setup.epochs)) {
    const [vanilla, tract] = variants;
    for (const { seed, accuracy } of vanilla.runs) {
      const other = tract.runs.find((run) => run.seed === seed)?.accuracy ?? null;
      const curve = curves.get(seed) ?? [];
      curves.set(seed, [...curve, { epochs: setup.epochs, vanilla: accuracy ?? NaN, tract: other ?? NaN }]);
    }
  }
  return curves;
}

/** A heading and a row for each budget, as text. */
export function budgetTable(results: readonly Results[]): string[][] {
  const most = Math.max(...results.map(({ setup }) => setup.epochs));
  const heading = ['epochs', 'seeds', 'vanilla', 'TrAct', 'difference', 'vanilla needs', 'times as many'];
  const rows = results.map(({ setup, variants }) => {
    const [vanilla, tract] = variants;
    const needed = neededEpochs(results, setup.epochs);
    return [
      String(setup.epochs),
      String(setup.seeds.length),
      ...[vanilla, tract].map(({ final }) => (final ? accuracyText(final.accuracy) : 'diverged')),
      tract.versus ? differenceText(tract.versus.accuracy) : '',
      ...(needed ? neededTexts(needed, setup.epochs, most) : ['fewer than tried', '']),
    ];
  });
  return [heading, ...rows];
}

function neededTexts({ epochs, interval }: Needed, budget: number, most: number): [string, string] {
  if (epochs === Infinity) return [`more than ${most}`, `more than ${(most / budget).toFixed(1)}`];
  const times = (value: number): string => (value / budget).toFixed(2);
  const range = interval ? ` (${interval.map(times).join(' to ')})` : '';
  return [`${epochs.toFixed(1)} epochs`, times(epochs) + range];
}

/** Final accuracy by epochs, a line for each method, the seeds as points. */
export function budgetChart(name: string, results: readonly Results[]): Promise<Chart> {
  const methods = ['vanilla', 'TrAct'];
  const points = results.flatMap(({ setup, variants }) =>
    variants.flatMap(({ runs }, i) =>
      runs.flatMap(({ accuracy }) =>
        accuracy === null ? [] : [{ method: methods[i], epochs: setup.epochs, accuracy }],
      ),
    ),
  );
  const method = {
    field: 'method',
    type: 'nominal',
    scale: { domain: methods, range: methods.map((_, i) => seriesColour(i)) },
    legend: { title: null },
  } as const;
  const x = {
    field: 'epochs',
    type: 'quantitative',
    title: 'epochs of training',
    scale: { type: 'log', nice: false, padding: 12 },
    axis: { values: results.map(({ setup }) => setup.epochs) },
  } as const;
  const y = {
    type: 'quantitative',
    title: `${results[0].split} accuracy at the end`,
    scale: { zero: false, nice: true },
    axis: { format: '.1~%' },
  } as const;
  const dash = { domain: methods, range: methods.map((_, i) => seriesDash(i)) };
  const spec: TopLevelSpec = {
    width: WIDE,
    height: 280,
    autosize: { type: 'fit', contains: 'padding' },
    data: { values: points },
    layer: [
      {
        mark: { type: 'line', strokeWidth: 2.5 },
        encoding: {
          x,
          y: { ...y, field: 'accuracy', aggregate: 'mean' },
          color: method,
          strokeDash: { field: 'method', type: 'nominal', scale: dash, legend: { title: null } },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 36, opacity: 0.7 },
        encoding: { x, y: { ...y, field: 'accuracy' }, color: method },
      },
    ],
  };
  return drawChart(
    name,
    'Final accuracy by epochs of training, a line for vanilla training and one for TrAct',
    spec,
  );
}
