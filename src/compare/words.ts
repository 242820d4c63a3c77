/** What a comparison found, in sentences for someone who has not read the paper. */
import type { Conclusions, Reached, VariantResult } from './conclude.js';

/** `87.3 %` */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A difference of accuracies in percentage points: `3.1 points`. */
export const points = (share: number): string => `${Math.abs(100 * share).toFixed(1)} points`;

/** The same with its sign and without the word: `+3.1`. */
export const signed = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}`;

/** `1.43 times`, with the digits that a ratio near one needs. */
export const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

/** Ratios nearer to 1 than this read as 1.00. */
const EQUAL = 0.005;

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** How a method did on the hardest target, the final accuracy of the first one: the answer to the whole question. */
export function speedupSentence(conclusions: Conclusions, variant: VariantResult): string {
  const { steps, split, targets, variants } = conclusions;
  const [base] = variants;
  const name = capitalized(variant.label);
  const target = targets.at(-1);
  if (!target)
    return `${capitalized(base.label)} diverged, so that there is nothing to compare ${variant.label} with.`;
  if (!variant.final) return `${name} is not faster here: its loss became no number (it diverged).`;
  const own = target.reached.find((reached) => reached.variant === variant.id)!;
  const goal = `the ${percent(target.accuracy)} ${split} accuracy that ${base.label} ends at`;
  if (own.steps === null) {
    return `${name} is not faster here: in ${steps} steps it did not reach ${goal}; its best is ${percent(bestAccuracy(variant))}.`;
  }
  if (own.speedup === null) return `${name} is not faster here: ${base.label} ends no better than it began.`;
  const baseSteps = Math.round(stepsOf(target.reached, base.id));
  const counts = `after ${Math.round(own.steps)} steps instead of ${baseSteps}`;
  const time = own.speedupInTime === null ? '' : `, ${times(own.speedupInTime)} counted in training time`;
  if (own.speedup > 1 + EQUAL) {
    return `${name} trains ${times(own.speedup)} faster than ${base.label} here${doubt(variant)}: it reaches ${goal} ${counts}${time}.`;
  }
  if (own.speedup < 1 - EQUAL) {
    return `${name} is not faster here: it reaches ${goal} only ${counts} (${times(own.speedup)}${time}).`;
  }
  return `${name} is not faster here: it needs as many steps as ${base.label} (${baseSteps}) to reach the ${percent(target.accuracy)} that it ends at${time}.`;
}

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
  const start = `After the same ${steps} steps ${variant.label} is ${points(mean)} ${direction} accurate than ${base.label}`;
  if (!interval) return `${start}; one seed cannot tell whether that is more than chance.`;
  const range = `95 % confidence interval ${signed(interval[0])} to ${signed(interval[1])}, ${pairs} seeds`;
  if (interval[0] > 0 || interval[1] < 0) return `${start} (${range}): more than chance.`;
  return `${start}, but these ${pairs} seeds cannot tell it from chance (${range}, which includes zero).`;
}

/** What a step costs. */
export function overheadSentence({ variants }: Conclusions, variant: VariantResult): string | undefined {
  if (!variant.versus) return undefined;
  const { overhead } = variant.versus;
  const size = `${Math.abs(100 * overhead).toFixed(1)} %`;
  if (Math.abs(overhead) < 5e-4)
    return `A step of ${variant.label} takes as long as one of ${variants[0].label}.`;
  return `A step of ${variant.label} takes ${size} ${overhead > 0 ? 'longer' : 'less time'} than one of ${variants[0].label} (steps of both made in turn on this machine).`;
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

/** Everything there is to say, the answer first. */
export function sentences(conclusions: Conclusions): string[] {
  const [, ...rivals] = conclusions.variants;
  return [
    ...rivals.map((variant) => speedupSentence(conclusions, variant)),
    ...rivals.flatMap((variant) => budgetSentence(conclusions, variant) ?? []),
    ...rivals.flatMap((variant) => overheadSentence(conclusions, variant) ?? []),
    ...divergenceSentences(conclusions),
  ];
}

function bestAccuracy({ curve }: VariantResult): number {
  return Math.max(...curve.map(({ accuracy }) => accuracy.mean));
}

function stepsOf(reached: readonly Reached[], id: string): number {
  return reached.find(({ variant }) => variant === id)!.steps!;
}
