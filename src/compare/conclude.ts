/** From finished runs to what they show: the contents of `results.json`. */
import type { Chance } from './chance.js';
import { type MeanPoint, type Spread, bestUntil, meanCurve, spread, stepsTo } from './curves.js';
import type { RunRecord } from './record.js';
import { type Overhead, type PairedDifference, mean, pairedDifference } from './statistics.js';
import type { Variant } from './variant.js';

/** A finished run and where it belongs. */
export interface FinishedRun {
  readonly variant: Variant;
  readonly seed: number;
  readonly record: RunRecord;
}

/** What came out of a run. */
export interface RunResult {
  readonly seed: number;
  readonly id: string;
  /** At the end, 0 to 1; null where the run diverged. */
  readonly accuracy: number | null;
  readonly loss: number | null;
  /** Median over the run; runs at different times are slowed down by different things. */
  readonly secondsPerStep: number;
  readonly diverged?: string;
}

/** One method against the first one. */
export interface Versus {
  /** How much higher its accuracy is at the end, 0 to 1, seed by seed. */
  readonly accuracy: PairedDifference;
  /** How much more time a step takes, measured by turns: 0.02 for 2 %. Absent where it was not measured. */
  readonly overhead?: number;
  /** 95 % confidence interval of the overhead. */
  readonly overheadInterval?: readonly [number, number];
}

/** What came out for a method. */
export interface VariantResult extends Variant {
  readonly runs: readonly RunResult[];
  /** Over the seeds whose runs came to their end. */
  readonly curve: readonly MeanPoint[];
  /** At the end; null where all runs diverged. */
  readonly final: { readonly accuracy: Spread; readonly loss: Spread } | null;
  /** Of the first method as it was in its runs; of the others that, times the ratio measured by turns. */
  readonly secondsPerStep: number;
  /** Absent for the first method; null where no seed came to its end under both. */
  readonly versus?: Versus | null;
}

/** How one method reached a target. */
export interface Reached {
  readonly variant: string;
  /** On the mean curve; null where it did not reach the target. */
  readonly steps: number | null;
  /** Of its runs that came to their end: how many reached the target, each on its own curve. */
  readonly seeds: { readonly reached: number; readonly of: number };
  /** The same in training time; evaluations are not counted. */
  readonly seconds: number | null;
  /** How many times fewer steps than the first method needed; null where one of the two did not reach it. */
  readonly speedup: number | null;
  /** How many times less training time. */
  readonly speedupInTime: number | null;
  /** The speed-up in steps of each seed for itself; null where one of its two runs did not reach the target. */
  readonly speedupBySeed: readonly (number | null)[];
}

/** An accuracy, and how many steps each method takes to it. */
export interface Target {
  /** 0 to 1. */
  readonly accuracy: number;
  /** `final`: what the first method ended at; otherwise the best it had after this share of its steps. */
  readonly kind: 'final' | number;
  readonly reached: readonly Reached[];
}

/** What a comparison's curves say. */
export interface Conclusions {
  readonly steps: number;
  /** The images that all accuracies and losses are of: the validation images of a dataset that has some. */
  readonly split: 'test' | 'validation';
  /** On those images. */
  readonly chance: Chance;
  readonly variants: readonly VariantResult[];
  /**
   * From the easiest to the hardest; the last is the first method's final accuracy. Empty where that diverged, or is
   * not clearly above chance: what guessing reaches is no target.
   */
  readonly targets: readonly Target[];
}

/** Shares of the steps of the first method's run whose accuracies are targets. */
const SHARES = [0.25, 0.5, 0.75];

/**
 * @param runs all of them; the variant of the first is what the others are compared with
 * @param steps of each run
 * @param overheads how much longer a step of each variant takes than one of the first, by ids of variants
 * @param chance on the images that the runs were evaluated on
 * @param split which those images are
 */
export function conclude(
  runs: readonly FinishedRun[],
  steps: number,
  overheads: ReadonlyMap<string, Overhead>,
  chance: Chance,
  split: Conclusions['split'] = 'test',
): Conclusions {
  const variants = [...new Map(runs.map(({ variant }) => [variant.id, variant])).values()];
  const [base] = variants;
  const baseSeconds = mean(
    runs.filter(({ variant }) => variant.id === base.id).map(({ record }) => record.secondsPerStep),
  );
  const results = variants.map((variant): VariantResult => {
    const own = runs.filter((run) => run.variant.id === variant.id);
    const complete = own.filter(({ record }) => record.diverged === undefined);
    const last = complete.map(({ record }) => record.curve.at(-1)!);
    return {
      ...variant,
      runs: own.map(({ seed, record }) => runResult(seed, record)),
      curve: meanCurve(complete.map(({ record }) => record.curve)),
      final:
        last.length === 0
          ? null
          : {
              accuracy: spread(last.map(({ accuracy }) => accuracy)),
              loss: spread(last.map(({ loss }) => loss)),
            },
      secondsPerStep: baseSeconds * (1 + (overheads.get(variant.id)?.overhead ?? 0)),
      ...(variant.id !== base.id && { versus: versus(runs, base, variant, overheads.get(variant.id)) }),
    };
  });
  return { steps, split, chance, variants: results, targets: targets(results, runs, steps, chance) };
}

/** Whether a method ends clearly above chance. */
export function hasLearned({ final }: VariantResult, { clearlyAbove }: Chance): boolean {
  return final !== null && final.accuracy.mean >= clearlyAbove;
}

function runResult(seed: number, { id, curve, secondsPerStep, diverged }: RunRecord): RunResult {
  const last = diverged === undefined ? curve.at(-1) : undefined;
  return {
    seed,
    id,
    accuracy: last?.accuracy ?? null,
    loss: last?.loss ?? null,
    secondsPerStep,
    ...(diverged !== undefined && { diverged }),
  };
}

/** The runs of two variants that belong together, seed by seed, where both came to their end. */
function pairs(runs: readonly FinishedRun[], a: Variant, b: Variant): [RunRecord, RunRecord][] {
  const find = (variant: Variant, seed: number): RunRecord | undefined =>
    runs.find((run) => run.variant.id === variant.id && run.seed === seed)?.record;
  return [...new Set(runs.map(({ seed }) => seed))].flatMap((seed): [RunRecord, RunRecord][] => {
    const [first, second] = [find(a, seed), find(b, seed)];
    const whole = first && second && first.diverged === undefined && second.diverged === undefined;
    return whole ? [[first, second]] : [];
  });
}

function versus(
  runs: readonly FinishedRun[],
  base: Variant,
  variant: Variant,
  measured: Overhead | undefined,
): Versus | null {
  const both = pairs(runs, base, variant);
  if (both.length === 0) return null;
  const final = ({ curve }: RunRecord): number => curve.at(-1)!.accuracy;
  return {
    accuracy: pairedDifference(both.map(([first, second]) => final(second) - final(first))),
    ...(measured && { overhead: measured.overhead, overheadInterval: measured.interval }),
  };
}

function targets(
  results: readonly VariantResult[],
  runs: readonly FinishedRun[],
  steps: number,
  chance: Chance,
): Target[] {
  const [base] = results;
  if (!base.final || !hasLearned(base, chance)) return [];
  const accuracies = (curve: readonly MeanPoint[]): { step: number; accuracy: number }[] =>
    curve.map(({ step, accuracy }) => ({ step, accuracy: accuracy.mean }));
  const baseCurve = accuracies(base.curve);
  const final = base.final.accuracy.mean;
  const wanted: { accuracy: number; kind: Target['kind'] }[] = SHARES.map((share) => ({
    accuracy: bestUntil(share * steps, baseCurve),
    kind: share,
  }));
  const least = Math.max(baseCurve[0].accuracy, chance.clearlyAbove);
  // What it had before the first step is no target, nor what guessing gives; and none beyond the last one is asked for.
  const easier = wanted.filter(
    ({ accuracy }, i) => accuracy > least && accuracy < final && accuracy !== wanted[i - 1]?.accuracy,
  );
  return [...easier, { accuracy: final, kind: 'final' as const }].map(({ accuracy, kind }) => {
    const baseSteps = stepsTo(accuracy, baseCurve);
    const ratio = (from: number | null, to: number | null): number | null =>
      from === null || to === null || to === 0 ? null : from / to;
    const reached = results.map((result): Reached => {
      const own = stepsTo(accuracy, accuracies(result.curve));
      const seconds = (count: number | null, each: number): number | null =>
        count === null ? null : count * each;
      const time = seconds(own, result.secondsPerStep);
      const curves = runs
        .filter(({ variant, record }) => variant.id === result.id && record.diverged === undefined)
        .map(({ record }) => record.curve);
      return {
        variant: result.id,
        steps: own,
        seeds: {
          reached: curves.filter((curve) => stepsTo(accuracy, curve) !== null).length,
          of: curves.length,
        },
        seconds: time,
        speedup: ratio(baseSteps, own),
        speedupInTime: ratio(seconds(baseSteps, base.secondsPerStep), time),
        speedupBySeed: pairs(runs, base, result).map(([first, second]) =>
          ratio(stepsTo(accuracy, first.curve), stepsTo(accuracy, second.curve)),
        ),
      };
    });
    return { accuracy, kind, reached };
  });
}
