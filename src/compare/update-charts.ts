/** The picture that motivates TrAct: how far one update moves each image's pre-activations. */
import type { TopLevelSpec } from 'vega-lite';
import type { ActivationUpdates } from './activation-update.js';
import { type Chart, NARROW, drawChart, seriesColour } from './chart.js';
import { correlation, mean } from './statistics.js';

/** How ‖Δz‖ depends on what an image looks like, under both methods and for a random change of the weights. */
export interface UpdateCorrelations {
  readonly vanilla: Correlations;
  readonly tract: Correlations;
  readonly random: Correlations;
}

/** Of the images' ‖Δz‖ with properties of theirs. */
export interface Correlations {
  /** Pearson's, with the standard deviation of the image's pixels. */
  readonly contrast: number;
  /** With the mean of its pixels. */
  readonly brightness: number;
  /** With how far that mean is from what the model sees as 0 (the average image), in either direction. */
  readonly brightnessDistance: number;
}

export function updateCorrelations(updates: ActivationUpdates): UpdateCorrelations {
  const { brightness, contrast, zero } = updates;
  const of = (moved: readonly number[]): Correlations => ({
    contrast: correlation(contrast, moved),
    brightness: correlation(brightness, moved),
    brightnessDistance: correlation(
      brightness.map((value) => Math.abs(value - zero)),
      moved,
    ),
  });
  return { vanilla: of(updates.vanilla), tract: of(updates.tract), random: of(updates.random) };
}

const names = { vanilla: 'vanilla', tract: 'TrAct' } as const;
const statistics = {
  contrast: 'contrast (deviation of the pixels)',
  brightness: 'brightness (mean of the pixels)',
} as const;

/** Four scatter plots: contrast and brightness, under vanilla training and TrAct; a dot for each image. */
export async function updateCharts(updates: ActivationUpdates): Promise<Chart[]> {
  const correlations = updateCorrelations(updates);
  const charts: Chart[] = [];
  // On one scale, so that the two methods can be compared by eye.
  const relative = (method: keyof typeof names): number[] => {
    const middle = mean(updates[method]) || 1;
    return updates[method].map((value) => value / middle);
  };
  const moved = { vanilla: relative('vanilla'), tract: relative('tract') };
  const top = Math.max(...moved.vanilla, ...moved.tract);
  for (const statistic of ['contrast', 'brightness'] as const) {
    for (const method of ['vanilla', 'tract'] as const) {
      const r = correlations[method][statistic === 'contrast' ? 'contrast' : 'brightnessDistance'];
      const measured =
        statistic === 'contrast' ? 'with contrast' : `with distance from ${Number(updates.zero.toFixed(2))}`;
      const values = moved[method].map((y, i) => ({ x: updates[statistic][i], y }));
      const colour = seriesColour(method === 'vanilla' ? 0 : 1);
      const spec: TopLevelSpec = {
        // Narrow enough for a phone, and good on a desk.
        width: NARROW,
        height: 290,
        autosize: { type: 'fit', contains: 'padding' },
        title: {
          // Short, since Vega takes letters for wider than they are and would shrink the plot to make room.
          text: `${names[method]}: correlation ${formatCorrelation(r)}`,
          subtitle: measured,
          anchor: 'start',
          frame: 'group',
          color: 'var(--ink)',
          subtitleColor: 'var(--muted)',
          fontSize: 15,
          subtitleFontSize: 12.5,
          subtitlePadding: 4,
          offset: 8,
        },
        data: { values },
        layer: [
          {
            mark: { type: 'circle', size: 30, opacity: 0.55, color: colour },
            encoding: {
              x: { field: 'x', type: 'quantitative', title: statistics[statistic], scale: { zero: false } },
              y: {
                field: 'y',
                type: 'quantitative',
                title: ['‖Δz‖ of the image', '(mean of all = 1)'],
                scale: { domain: [0, top], nice: true },
              },
            },
          },
          {
            // Brightness acts in both directions, which a straight line would hide.
            transform: [{ loess: 'y', on: 'x', bandwidth: 0.6 }],
            mark: { type: 'line', strokeWidth: 2.5, color: colour },
            encoding: {
              x: { field: 'x', type: 'quantitative' },
              y: { field: 'y', type: 'quantitative' },
            },
          },
        ],
      };
      charts.push(
        await drawChart(
          `update-${statistic}-${method}`,
          `How far one ${names[method]} update moves the pre-activations of each of ${values.length} images, against its ${statistic}; correlation ${measured} ${formatCorrelation(r)}`,
          spec,
        ),
      );
    }
  }
  return charts;
}

const WEAK = 0.2;
const STRONG = 0.5;

/**
 * Correlations nearer to 0 than this are called none, and those that differ by less are called alike. What is
 * independent is up to two standard errors from 0 by chance.
 */
const negligible = (images: number): number => Math.max(WEAK, 2 / Math.sqrt(images));

/** What a correlation says of how far an image is moved. */
function dependence(r: number, images: number, other: string): string {
  const size = Math.abs(r);
  if (!(size >= negligible(images))) return `hardly depends on ${other}`;
  return `${size >= STRONG ? '' : 'somewhat '}${r > 0 ? 'grows' : 'shrinks'} with ${other}`;
}

/** What TrAct changes of a dependence. */
function difference(before: number, after: number, images: number): string {
  const least = negligible(images);
  const opposite = before * after < 0 && Math.min(Math.abs(before), Math.abs(after)) >= least;
  if (opposite) return 'TrAct turns that around';
  const change = Math.abs(after) - Math.abs(before);
  if (!(Math.abs(change) >= least)) return 'the methods hardly differ in that';
  return `it matters ${change < 0 ? 'less' : 'more'} under TrAct`;
}

/** What the picture shows, in words: each sentence follows from the correlations. */
export function updateSentences(updates: ActivationUpdates): string[] {
  const { vanilla, tract, random } = updateCorrelations(updates);
  const images = updates.vanilla.length;
  const sentence = (statistic: 'contrast' | 'brightnessDistance', other: string): string => {
    const [before, after, yardstick] = [vanilla[statistic], tract[statistic], random[statistic]];
    return `How far an image is moved ${dependence(before, images, other)} under vanilla training (correlation ${formatCorrelation(before)}) and ${dependence(after, images, 'it')} under TrAct (${formatCorrelation(after)}): ${difference(before, after, images)}. For a change of the weights in a random direction the correlation is ${formatCorrelation(yardstick)}.`;
  };
  const sentences = [
    sentence(
      'brightnessDistance',
      `the distance of its brightness from the one that the model sees as zero (${updates.zero.toFixed(2)})`,
    ),
    sentence('contrast', 'its contrast'),
  ];
  if (Math.min(tract.contrast, random.contrast) >= negligible(images)) {
    sentences.push(
      'A correlation with contrast under TrAct is no contradiction: one update is one change of the weights for all images, Δz = x ΔWᵀ, and doubling what is in an image doubles its Δz whatever ΔW is. The random direction shows how much of it comes from that alone.',
    );
  }
  return sentences;
}

export function formatCorrelation(value: number): string {
  if (!Number.isFinite(value)) return 'undefined';
  return value
    .toFixed(2)
    .replace(/^-0\.00$/, '0.00')
    .replace('-', '−');
}
