/** Finished comparisons beside each other: what of each `results.json` a table needs. */
import { counted } from '../tensor/counted.js';
import * as check from '../train/json-check.js';
import { percent, signed, times } from './words.js';

/** A method of one comparison. */
export interface MergedRow {
  /** What the comparison is called. */
  readonly comparison: string;
  /** Of the first method: `cifar10, resnet18, 5 epochs, sgd at 0.08`. */
  readonly setup: string;
  readonly split: 'test' | 'validation';
  readonly method: string;
  /** Seeds whose runs came to their end. */
  readonly seeds: number;
  /** Mean over the seeds, 0 to 1; null where all runs diverged. */
  readonly accuracy: number | null;
  /** The sample standard deviation; null for one seed. */
  readonly deviation: number | null;
  /** To the comparison's first method, seed by seed; absent for it. */
  readonly difference?: number | null;
  /** 95 % confidence interval of the difference; null for one seed. */
  readonly interval?: readonly [number, number] | null;
  /** Steps to the accuracy that the first method ends at; null where it is not reached, or there is none. */
  readonly steps: number | null;
  readonly speedup: number | null;
}

/** Entries of a list in a file, at most: no comparison has so many methods. */
const MOST = 1000;

/**
 * The rows of a comparison's `results.json`.
 *
 * @param comparison what it is called
 * @param value what the JSON holds
 * @throws CheckpointError naming the first entry that is missing or wrong
 */
export function mergedRows(comparison: string, value: unknown): MergedRow[] {
  const results = check.record(value, 'results');
  if (results.format !== 1) throw new check.CheckpointError('results.format must be 1');
  const split = check.oneOf(results.split, 'split', ['test', 'validation'] as const);
  const setup = setupOf(results.setup);
  const variants = check.list(results.variants, 'variants', (variant) => variant);
  const targets = check.list(results.targets, 'targets', (target) => target);
  if (variants.length > MOST || targets.length > MOST)
    throw new check.CheckpointError(`variants and targets must be ${MOST} at most`);
  const reached = targets.length === 0 ? new Map<string, Reached>() : reachedOf(targets.at(-1));
  return variants.map((variant, i) => {
    const place = `variants[${i}]`;
    const { id, label, runs, final, versus } = check.record(variant, place);
    const name = check.text(id, `${place}.id`);
    const ended = check.list(runs, `${place}.runs`, (run, at) => check.record(run, at).accuracy !== null);
    const accuracy =
      final === null ? undefined : spreadOf(check.record(final, `${place}.final`).accuracy, place);
    const to = reached.get(name);
    return {
      comparison,
      setup,
      split,
      method: check.text(label, `${place}.label`),
      seeds: ended.filter(Boolean).length,
      accuracy: accuracy?.mean ?? null,
      deviation: accuracy?.deviation ?? null,
      ...(versus !== undefined && versusOf(versus, place)),
      steps: to?.steps ?? null,
      speedup: i === 0 ? null : (to?.speedup ?? null),
    };
  });
}

interface Reached {
  readonly steps: number | null;
  readonly speedup: number | null;
}

function setupOf(value: unknown): string {
  const { data, model, epochs, optimizer, learningRate } = check.record(value, 'setup');
  const passes = check.number(epochs, 'setup.epochs');
  const rate = check.number(learningRate, 'setup.learningRate');
  return [
    check.text(data, 'setup.data'),
    check.text(model, 'setup.model'),
    counted(passes, 'epoch'),
    `${check.text(optimizer, 'setup.optimizer')} at ${rate}`,
  ].join(', ');
}

function spreadOf(value: unknown, place: string): { mean: number; deviation: number | null } {
  const { mean, deviation } = check.record(value, `${place}.final.accuracy`);
  return {
    mean: check.number(mean, `${place}.final.accuracy.mean`),
    deviation: check.nullable(deviation, `${place}.final.accuracy.deviation`, check.number),
  };
}

function versusOf(value: unknown, place: string): Pick<MergedRow, 'difference' | 'interval'> {
  if (value === null) return { difference: null, interval: null };
  const { mean, interval } = check.record(
    check.record(value, `${place}.versus`).accuracy,
    `${place}.versus.accuracy`,
  );
  return {
    difference: check.number(mean, `${place}.versus.accuracy.mean`),
    interval: check.nullable(interval, `${place}.versus.accuracy.interval`, (pair, at) => {
      const [low, high, ...more] = check.list(pair, at, check.number);
      if (!Number.isFinite(high) || more.length > 0)
        throw new check.CheckpointError(`${at} must be a pair of numbers`);
      return [low, high] as const;
    }),
  };
}

function reachedOf(value: unknown): Map<string, Reached> {
  const place = 'targets: the last';
  const { reached } = check.record(value, place);
  const list = check.list(reached, `${place}.reached`, (one, at) => {
    const { variant, steps, speedup } = check.record(one, at);
    return [
      check.text(variant, `${at}.variant`),
      {
        steps: check.nullable(steps, `${at}.steps`, check.number),
        speedup: check.nullable(speedup, `${at}.speedup`, check.number),
      },
    ] as const;
  });
  return new Map(list);
}

/** A heading and the rows, as text. */
export function mergedTable(rows: readonly MergedRow[]): string[][] {
  const splits = [...new Set(rows.map(({ split }) => split))];
  const accuracy = splits.length === 1 ? `${splits[0]} accuracy` : 'accuracy';
  const heading = [
    'comparison',
    'setup of the first method',
    'method',
    'seeds',
    accuracy,
    'difference',
    'steps to target',
    'speed-up',
  ];
  return [
    heading,
    ...rows.map((row) => [
      row.comparison,
      row.setup,
      row.method,
      String(row.seeds),
      row.accuracy === null ? 'diverged' : figure(row, splits.length > 1),
      differenceText(row),
      row.steps === null ? '' : String(Math.round(row.steps)),
      row.speedup === null ? '' : times(row.speedup),
    ]),
  ];
}

function figure({ accuracy, deviation, split }: MergedRow, named: boolean): string {
  const spread = deviation === null ? '' : ` ± ${(100 * deviation).toFixed(1)}`;
  return `${percent(accuracy!)}${spread}${named ? ` (${split})` : ''}`;
}

function differenceText({ difference, interval }: MergedRow): string {
  if (difference === undefined || difference === null) return '';
  return interval
    ? `${signed(difference)} (${signed(interval[0])} to ${signed(interval[1])})`
    : signed(difference);
}

/** The same in Markdown; what a cell may hold of its signs is made harmless. */
export function markdownTable([heading, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replace(/[\r\n]+/g, ' ').replace(/([\\|`*_<>[\]])/g, '\\$1')).join(' | ')} |`;
  return [line(heading), `| ${heading.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}
