/** The figures of a comparison as rows of text, for a terminal. */
import type { Conclusions, VariantResult } from './conclude.js';
import { percent, spreadPercent, times } from './words.js';

/** A heading, and a row for each method. Of a method by itself there is no speed-up, nor where nothing was learned. */
export function summaryRows({ split, variants, targets }: Conclusions): string[][] {
  const target = variants.length > 1 ? targets.at(-1) : undefined;
  const [base] = variants;
  const row = (variant: VariantResult): string[] => {
    const { id, label, final } = variant;
    const cells = [label, final ? spreadPercent(final.accuracy) : 'diverged'];
    const reached = target?.reached.find((one) => one.variant === id);
    if (!reached) return cells;
    const { steps, speedup } = reached;
    return [
      ...cells,
      steps === null ? 'not reached' : String(Math.round(steps)),
      id === base.id || speedup === null ? '' : times(speedup),
    ];
  };
  const heading = ['method', `${split} accuracy`];
  if (target) heading.push(`steps to ${percent(target.accuracy)}`, 'speed-up');
  return [heading, ...variants.map(row)];
}
