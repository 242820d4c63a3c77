/** The report of a comparison: what came out, in words, pictures and figures, as one HTML file. */
import { type Chart, escapeXml, seriesColour } from './chart.js';
import type { Reached, VariantResult } from './conclude.js';
import type { Spread } from './curves.js';
import type { FilterPicture } from './filters.js';
import {
  definitions,
  figure,
  filterFigure,
  list,
  page,
  paragraphs,
  prose,
  updateExplanation,
} from './page.js';
import type { Results } from './results.js';
import { percent, signed, times } from './words.js';

export interface ReportParts {
  readonly results: Results;
  readonly accuracy: Chart;
  readonly loss: Chart;
  /** Absent where the first method diverged. */
  readonly targets?: Chart;
  /** By the id of the variant. */
  readonly filters: ReadonlyMap<string, FilterPicture>;
  readonly updates?: { readonly charts: readonly Chart[]; readonly sentences: readonly string[] };
}

export function report(parts: ReportParts): string {
  const { results, accuracy, loss, targets, filters, updates } = parts;
  const { setup, split, variants, sentences } = results;
  const [answer, ...others] = sentences;
  const many = setup.seeds.length > 1;
  const band = many ? ' The bands are one standard deviation over the seeds.' : '';
  const sections = [
    `<h1>${escapeXml(title(results))}</h1>`,
    `<p class="answer${answer.length > 110 ? ' long' : ''}">${prose(answer)}</p>`,
    tiles(results),
    list(others),
    `<h2>How they learn</h2><div class="charts">${figure(accuracy, `Share of the ${split === 'test' ? setup.testImages : setup.validationImages!} ${split} images that is classified right; higher is better.${band}`)}${figure(loss, `How wrong and how sure the predictions are; lower is better.${band}`)}</div>`,
    targets
      ? `<h2>How long it takes to get there</h2><p class="note">Steps until the mean curve first reaches an accuracy, between evaluations by linear interpolation. The last target is the accuracy that ${escapeXml(variants[0].label)} ends at; the others are those it had after a quarter, a half and three quarters of its steps.</p><div class="charts">${figure(targets)}</div>`
      : '',
    `<h2>The figures</h2>${table(results)}`,
    filterSection(variants, filters),
    updates
      ? `<h2>Why TrAct learns differently</h2>${paragraphs(updateExplanation)}<div class="charts small">${updates.charts.map((chart) => figure(chart)).join('')}</div>${paragraphs(updates.sentences)}`
      : '',
    `<h2>How it was measured</h2>${paragraphs(method(results))}${definitions(settings(results))}`,
  ];
  return page(title(results), sections.filter(Boolean).join('\n'));
}

function title({ setup, variants }: Results): string {
  return `${variants.map(({ label }) => label).join(' vs. ')}: ${setup.model} on ${setup.data}`;
}

/** The most important figures of the first rival. */
function tiles({ split, variants, targets }: Results): string {
  const rival = variants.at(1);
  if (!rival) return '';
  const reached = targets.at(-1)?.reached.find(({ variant }) => variant === rival.id);
  const entries: [string, string][] = [
    [ratio(reached?.speedup), 'speed-up in steps to the same accuracy'],
    [ratio(reached?.speedupInTime), 'speed-up in training time'],
  ];
  if (rival.versus) {
    const { mean } = rival.versus.accuracy;
    entries.push([`${signed(mean)} points`, `${split} accuracy after the same steps`]);
    entries.push([`${signed(rival.versus.overhead)} %`, 'time a step']);
  }
  const cells = entries.map(
    ([value, text]) => `<div class="tile"><b>${prose(value)}</b><span>${escapeXml(text)}</span></div>`,
  );
  return `<div class="tiles">${cells.join('')}</div>`;
}

const ratio = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'not reached' : times(value);

const spreadText = ({ mean, deviation }: Spread, format: (value: number) => string): string =>
  `${format(mean)}${deviation === null ? '' : `<small>± ${format(deviation)}</small>`}`;

function table({ split, variants, targets }: Results): string {
  const target = targets.at(-1);
  const [base] = variants;
  const head = [
    'method',
    `${split} accuracy at the end`,
    `difference to ${base.label}`,
    `${split} loss at the end`,
    `steps to ${target ? percent(target.accuracy) : 'the target'}`,
    'speed-up in steps',
    'speed-up in time',
    'time of a step',
  ];
  const rows = variants.map((variant, i) => row(variant, i, target?.reached));
  return `<div class="scroll" tabindex="0"><table><thead><tr>${head.map((cell) => `<th>${escapeXml(cell)}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function row(variant: VariantResult, index: number, all: readonly Reached[] | undefined): string {
  const { label, final, versus, secondsPerStep } = variant;
  const reached = all?.find(({ variant: id }) => id === variant.id);
  const interval = versus?.accuracy.interval;
  const difference = versus
    ? `${signed(versus.accuracy.mean)} points${interval ? `<small>95 %: ${signed(interval[0])} to ${signed(interval[1])}</small>` : '<small>one seed</small>'}`
    : '';
  const bySeed = (reached?.speedupBySeed ?? []).filter((value) => value !== null);
  const range =
    index > 0 && bySeed.length > 1
      ? `<small>${times(Math.min(...bySeed))} to ${times(Math.max(...bySeed))} by seed</small>`
      : '';
  const cells = [
    `<span class="swatch" style="background:${seriesColour(index)}"></span>${escapeXml(label)}`,
    final ? spreadText(final.accuracy, percent) : 'diverged',
    difference,
    final ? spreadText(final.loss, (value) => value.toFixed(3)) : 'diverged',
    reached?.steps === null || reached === undefined ? 'not reached' : String(Math.round(reached.steps)),
    index === 0 ? '' : ratio(reached?.speedup) + range,
    index === 0 ? '' : ratio(reached?.speedupInTime),
    `${(1000 * secondsPerStep).toFixed(secondsPerStep < 0.1 ? 1 : 0)} ms`,
  ];
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function filterSection(
  variants: readonly VariantResult[],
  filters: ReadonlyMap<string, FilterPicture>,
): string {
  const pictures = variants.flatMap(({ id, label }) => {
    const picture = filters.get(id);
    return picture ? [filterFigure(label, picture)] : [];
  });
  if (pictures.length === 0) return '';
  return `<h2>What the first layer looks for</h2><p class="note">The trained first-layer filters (first seed), each on a scale of its own: grey is no weight, colours are what a filter responds to.</p><div class="charts">${pictures.join('')}</div>`;
}

function method({ setup, variants, steps }: Results): string[] {
  const seeds = setup.seeds.length;
  return [
    `Each of the ${variants.length} methods was trained ${seeds === 1 ? 'once' : `with ${seeds} seeds`}. With equal seeds all methods start from the same initial weights and see the same batches in the same order with the same augmentation; only the method differs.`,
    `Every run has the same schedule over its ${steps} steps, so that a speed-up is measured within runs of this length. A run that is planned shorter from the start lowers its learning rate sooner and may get further in as many steps.`,
    'Training time is the number of steps times the time of one step. The overhead of a method was measured by steps of it and of the first method in turn, so that whatever else the machine was doing slowed both down alike; evaluations do not count.',
  ];
}

function settings({ setup, split, steps }: Results): [string, string][] {
  const json = (value: unknown): string =>
    Object.entries(value as Record<string, unknown>)
      .map(([key, entry]) => `${key} ${String(entry)}`)
      .join(', ');
  return [
    [
      'data',
      `${setup.data}: ${setup.trainImages} training${split === 'test' ? '' : `, ${setup.validationImages!} validation`} and ${setup.testImages} test images`,
    ],
    ['model', `${setup.model} (${json(setup.modelConfig)})`],
    ['optimizer', `${setup.optimizer} (${json(setup.optimizerConfig)})`],
    ['learning rate', `${setup.learningRate}, ${setup.schedule} schedule`],
    ['length', `${steps} steps of ${setup.batchSize} images, at most ${setup.epochs} epochs`],
    [
      'evaluation',
      `every ${setup.evaluateEvery} steps and after every epoch, on all ${split} images${split === 'test' ? '; nothing is chosen on them: figures at the end are those of the last step' : '; the test images were not looked at'}`,
    ],
    ['seeds', setup.seeds.join(', ')],
    [
      'pixels',
      `in [0, 1], minus ${setup.mean.join(', ')}, divided by ${setup.deviation.map((value) => Number(value.toPrecision(4))).join(', ')}`,
    ],
    ['device', setup.device],
  ];
}
