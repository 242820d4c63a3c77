/** What a comparison found, in sentences for someone who has not read the paper. */
import type { Schedule } from '../optim/schedule.js';
import { counted } from '../tensor/counted.js';
import { type Conclusions, type Reached, type VariantResult, hasLearned } from './conclude.js';
import type { Spread } from './curves.js';
import type { Decision } from './sequential.js';

/** `87.3 %` */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A difference of accuracies in percentage points: `3.1 points`. */
export const points = (share: number): string => `${Math.abs(100 * share).toFixed(1)} points`;

/** The same with its sign and without the word: `+3.1`. */
export const signed = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}`;

/** `1.43×`, with the digits that a ratio near one needs. */
export const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

/** Ratios nearer to 1 than this read as 1.00. */
const EQUAL = 0.005;

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `a`, `a and b`, `a, b and c` */
const listed = (parts: readonly string[]): string =>
  [parts.slice(0, -1).join(', '), ...parts.slice(-1)].filter(Boolean).join(' and ');

/** How a method did on the hardest target, the final accuracy of the first one: the answer to the whole question. */
export function speedupSentence(conclusions: Conclusions, variant: VariantResult): string {
  const { steps, split, chance, targets, variants } = conclusions;
  const [base] = variants;
  const name = capitalized(variant.label);
  if (!base.final)
    return `${capitalized(base.label)} diverged, so that there is nothing to compare ${variant.label} with.`;
  if (!variant.final) return `${name} is not faster here: its loss became no number (it diverged).`;
  const target = targets.at(-1);
  if (!target) {
    const ends = `ends at ${percent(variant.final.accuracy.mean)} ${split} accuracy`;
    const guessing = `guessing gives ${percent(chance.accuracy)}`;
    return hasLearned(variant, chance)
      ? `${name} learns here and ${base.label} does not: it ${ends}, ${base.label} at ${percent(base.final.accuracy.mean)} where ${guessing}, so that there is no speed-up to measure.`
      : `${name} is not faster here: like ${base.label} it ${ends} where ${guessing}.`;
  }
  const own = target.reached.find((reached) => reached.variant === variant.id)!;
  const goal = `the ${percent(target.accuracy)} ${split} accuracy that ${base.label} ends at`;
  if (own.steps === null) {
    return `${name} is not faster here: in ${counted(steps, 'step')} it did not reach ${goal}; its best is ${percent(bestAccuracy(variant))}.`;
  }
  if (own.speedup === null) return `${name} is not faster here: ${base.label} ends no better than it began.`;
  const baseSteps = Math.round(stepsOf(target.reached, base.id));
  const counts = `after ${counted(Math.round(own.steps), 'step')} instead of ${baseSteps}`;
  const time =
    own.speedupInTime === null || !isMeasurable(variant)
      ? ''
      : `, ${times(own.speedupInTime)} counted in training time`;
  if (own.speedup > 1 + EQUAL) {
    return `${name} trains ${times(own.speedup)} faster than ${base.label} here${doubt(variant)}: it reaches ${goal} ${counts}${time}.`;
  }
  if (own.speedup < 1 - EQUAL) {
    return `${name} is not faster here: it reaches ${goal} only ${counts} (${times(own.speedup)}${time}).`;
  }
  return `${name} is not faster here: it needs as many steps as ${base.label} (${baseSteps}) to reach the ${percent(target.accuracy)} that it ends at${time}.`;
}

/** Where no method ends clearly above chance, that is all there is to say of them. */
export function chanceSentence({ steps, split, chance, variants }: Conclusions): string | undefined {
  const ends = variants.filter(({ final }) => final !== null);
  if (ends.length === 0 || variants.some((variant) => hasLearned(variant, chance))) return undefined;
  const everLearned = ends.some((variant) => bestAccuracy(variant) >= chance.clearlyAbove);
  const figures = ends.map(({ label, final }) => `${percent(final!.accuracy.mean)} (${label})`);
  const opening = everLearned ? 'No method ends better than guessing' : 'Nothing has been learned yet';
  const help = variants.length > 1 ? 'show a difference between methods' : 'help';
  const advice = everLearned ? 'A lower learning rate may help.' : `Longer training may ${help}.`;
  return `${opening}: after ${counted(steps, 'step')} the ${split} accuracy is ${listed(figures)}, and guessing gives ${percent(chance.accuracy)}, by luck up to ${percent(chance.clearlyAbove)}. ${advice}`;
}

/** What one method by itself came to. */
export function singleSentence({ steps, split }: Conclusions, { label, final }: VariantResult): string {
  // Where every run diverged there are no conclusions.
  const { mean, deviation } = final!.accuracy;
  const seeds = deviation === null ? '' : ` (standard deviation over the seeds ${points(deviation)})`;
  return `${capitalized(label)} ends at ${percent(mean)} ${split} accuracy after ${counted(steps, 'step')}${seeds}.`;
}

/**
 * The speed-up of the mean curve beside those of the seeds, of which some may have none: the two figures differ, and
 * have to say how they came about.
 */
export function bySeedSentence(
  { targets, variants }: Conclusions,
  variant: VariantResult,
): string | undefined {
  const target = targets.at(-1);
  const [base] = variants;
  const find = (id: string): Reached => target!.reached.find((reached) => reached.variant === id)!;
  if (!target || !variant.final || find(variant.id).speedupBySeed.length < 2) return undefined;
  const [first, own] = [find(base.id), find(variant.id)];
  const ratios = own.speedupBySeed.filter((ratio) => ratio !== null);
  const count = ({ seeds }: Reached): string => `${seeds.reached} of ${seeds.of} seeds`;
  const mean =
    own.speedup === null
      ? ''
      : `The ${times(own.speedup)} of ${variant.label} are read off the mean curves. `;
  const goal = `the ${percent(target.accuracy)}`;
  if (ratios.length === 0) {
    return `${mean}No seed reaches ${goal} with both methods (${base.label}: ${count(first)}; ${variant.label}: ${count(own)}), so that no seed has a speed-up of its own.`;
  }
  const speedup = `Seed by seed the speed-up of ${variant.label} is ${rangeOf(ratios)}`;
  if (ratios.length === own.speedupBySeed.length) {
    return `${mean}${speedup}; all ${ratios.length} reach ${goal} with both methods.`;
  }
  return `${mean}${speedup}, in the ${ratios.length} of ${own.speedupBySeed.length} seeds that reach ${goal} with both methods (${base.label}: ${count(first)}; ${variant.label}: ${count(own)}). A seed that misses it has no speed-up of its own, but counts in the mean curves.`;
}

/** `1.83× to 1.89×` */
export function rangeOf(ratios: readonly number[]): string {
  const [least, most] = [times(Math.min(...ratios)), times(Math.max(...ratios))];
  return least === most ? least : `${least} to ${most}`;
}

/** `95.5 % ± 1.9` */
export const spreadPercent = ({ mean, deviation }: Spread): string =>
  `${percent(mean)}${deviation === null ? '' : ` ± ${(100 * deviation).toFixed(1)}`}`;

/** A speed-up is believed where the difference after the same steps is more than chance. */
function doubt({ versus }: VariantResult): string {
  if (!versus) return ', though no seed came to its end with both';
  const { interval, pairs } = versus.accuracy;
  if (interval && interval[0] > 0) return '';
  return `, though ${interval ? `${pairs} seeds` : 'one seed'} cannot tell that from chance`;
}

/** Who is ahead when both have trained for the same number of steps, and whether that may be chance. */
export function budgetSentence({ steps, variants }: Conclusions, variant: VariantResult): string | undefined {
  const [base] = variants;
  if (!variant.versus) return undefined;
  const { mean, interval, pairs } = variant.versus.accuracy;
  const direction = mean >= 0 ? 'more' : 'less';
  const start = `After the same ${counted(steps, 'step')} ${variant.label} is ${points(mean)} ${direction} accurate than ${base.label}`;
  if (!interval) return `${start}; one seed cannot tell whether that is more than chance.`;
  const range = `95 % confidence interval ${signed(interval[0])} to ${signed(interval[1])}, ${pairs} seeds`;
  if (interval[0] > 0 || interval[1] < 0) return `${start} (${range}): more than chance.`;
  return `${start}, but these ${pairs} seeds cannot tell it from chance (${range}, which includes zero).`;
}

/** Whether the overhead of a method is told from zero. */
export function isMeasurable({ versus }: VariantResult): boolean {
  const interval = versus?.overheadInterval;
  return interval !== undefined && (interval[0] > 0 || interval[1] < 0);
}

/** What a step costs. */
export function overheadSentence({ variants }: Conclusions, variant: VariantResult): string | undefined {
  const { overhead, overheadInterval: interval } = variant.versus ?? {};
  if (overhead === undefined || !interval) return undefined;
  const range = `95 % confidence interval ${signed(interval[0])} to ${signed(interval[1])} %; steps of both made in turn on this machine`;
  const base = variants[0].label;
  if (!isMeasurable(variant))
    return `A step of ${variant.label} takes as long as one of ${base}, as far as could be told (${range}).`;
  const size = `${Math.abs(100 * overhead).toFixed(1)} %`;
  return `A step of ${variant.label} takes ${size} ${overhead > 0 ? 'longer' : 'less time'} than one of ${base} (${range}).`;
}

/** Runs that came to no end. */
export function divergenceSentences({ variants }: Conclusions): string[] {
  return variants.flatMap(({ label, runs }) => {
    const seeds = runs.filter(({ diverged }) => diverged !== undefined).map(({ seed }) => seed);
    if (seeds.length === 0) return [];
    const which = seeds.length === runs.length ? 'every seed' : `seed ${seeds.join(', ')}`;
    return [
      `${capitalized(label)} diverged with ${which}; ${seeds.length === runs.length ? 'it has no figures' : 'its figures are those of the other seeds'}.`,
    ];
  });
}

/** What was decided before all seeds had run, and how often it was looked at. */
export function decisionSentences(
  decisions: readonly Decision[],
  {
    variants: [base],
    seeds,
  }: { readonly variants: readonly { readonly label: string }[]; readonly seeds: readonly number[] },
): string[] {
  return decisions.map(({ label, verdict, difference, interval, seeds: taken }) => {
    const found = {
      better: `is more accurate than ${base.label}`,
      worse: `is less accurate than ${base.label}`,
      alike: `and ${base.label} are as good as alike`,
    }[verdict];
    return `${capitalized(label)} ${found}: ${signed(difference)} points (${signed(interval[0])} to ${signed(interval[1])}, at a confidence that allows for looking after each seed), decided by ${taken} of up to ${seeds.length} seeds.`;
  });
}

/** Of more methods than this the details stand in the table of the report, where they can be compared. */
const FEW = 2;

/** Everything there is to say, the answer first. */
export function sentences(conclusions: Conclusions): string[] {
  const [base, ...rivals] = conclusions.variants;
  const guessing = chanceSentence(conclusions);
  type Sentence = (conclusions: Conclusions, variant: VariantResult) => string | undefined;
  const each = (sentence: Sentence): string[] =>
    rivals.flatMap((variant) => sentence(conclusions, variant) ?? []);
  const detail = (sentence: Sentence): string[] => (rivals.length > FEW ? [] : each(sentence));
  return [
    ...(guessing === undefined
      ? [
          ...(rivals.length === 0 ? [singleSentence(conclusions, base)] : each(speedupSentence)),
          ...detail(bySeedSentence),
          ...detail(budgetSentence),
        ]
      : [guessing]),
    ...detail(overheadSentence),
    ...divergenceSentences(conclusions),
  ];
}

function bestAccuracy({ curve }: VariantResult): number {
  return Math.max(...curve.map(({ accuracy }) => accuracy.mean));
}

function stepsOf(reached: readonly Reached[], id: string): number {
  return reached.find(({ variant }) => variant === id)!.steps!;
}

/** A schedule in words, such as `cosine, 31 steps of warm-up`. */
export function scheduleWords({ name, config }: Pick<Schedule, 'name' | 'config'>): string {
  return config.warmup > 0 ? `${name}, ${counted(config.warmup, 'step')} of warm-up` : name;
}
