/** The report of a comparison: what came out, in words, pictures and figures, as one HTML file. */
import { counted } from '../tensor/counted.js';
import { type Chart, escapeXml, seriesColour, seriesOpacity } from './chart.js';
import { type Reached, type VariantResult, type Versus, hasLearned } from './conclude.js';
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
import { isMeasurable, percent, rangeOf, signed, times } from './words.js';

export interface ReportParts {
  readonly results: Results;
  readonly accuracy: Chart;
  readonly loss: Chart;
  /** Absent without another method, and where the first one has reached nothing. */
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
  const goal =
    variants.length > 1 && results.targets.length > 0
      ? ` The dotted line is where ${variants[0].label} ends.`
      : '';
  const sections = [
    `<h1>${escapeXml(title(results))}</h1>`,
    `<p class="answer${answer.length > 110 ? ' long' : ''}">${prose(answer)}</p>`,
    tiles(results),
    others.length > 0 ? list(others) : '',
    `<h2>How they learn</h2><div class="charts">${figure(accuracy, `Share of the ${split === 'test' ? setup.testImages : setup.validationImages!} ${split} images that is classified right; higher is better.${goal}${band}`)}${figure(loss, `How wrong and how sure the predictions are; lower is better.${band}`)}</div>`,
    targets
      ? `<h2>How long it takes to get there</h2><p class="note">Steps until the mean curve first reaches an accuracy, between evaluations by linear interpolation. The last target is the accuracy that ${escapeXml(variants[0].label)} ends at; the others are those it had after a quarter, a half and three quarters of its steps.</p><div class="charts">${figure(targets)}</div>`
      : '',
    `<h2>The figures</h2>${table(results)}`,
    filterSection(variants, filters),
    updates
      ? `<h2>How far one update moves each image</h2>${paragraphs(updateExplanation)}<div class="charts small">${updates.charts.map((chart) => figure(chart)).join('')}</div>${paragraphs(updates.sentences)}`
      : '',
    `<h2>How it was measured</h2>${paragraphs(method(results))}${definitions(settings(results))}`,
  ];
  return page(title(results), sections.filter(Boolean).join('\n'));
}

function title({ setup, variants }: Results): string {
  const methods =
    variants.length > 4 ? `${variants.length} methods` : variants.map(({ label }) => label).join(' vs. ');
  return `${methods}: ${setup.model} on ${setup.data}`;
}

/** The most important figures of the first rival. */
function tiles({ split, variants, targets, chance }: Results): string {
  const rival = variants.at(1);
  if (!rival) return '';
  const reached = targets.at(-1)?.reached.find(({ variant }) => variant === rival.id);
  const entries: [string, string][] = [];
  if (reached) {
    entries.push([ratio(reached.speedup), 'speed-up in steps to the same accuracy']);
    entries.push([ratio(reached.speedupInTime), 'speed-up in training time']);
  }
  if (rival.versus) {
    const { mean } = rival.versus.accuracy;
    // Between two that guess there is no difference worth a tile.
    if (reached || hasLearned(rival, chance)) {
      entries.push([`${signed(mean)} points`, `${split} accuracy after the same steps`]);
    }
    const { overhead } = rival.versus;
    if (overhead !== undefined) {
      const sure = isMeasurable(rival) ? '' : ', not told from zero';
      entries.push([`${signed(overhead)} %`, `time a step${sure}`]);
    }
  }
  const cells = entries.map(
    ([value, text]) => `<div class="tile"><b>${prose(value)}</b><span>${escapeXml(text)}</span></div>`,
  );
  return `<div class="tiles">${cells.join('')}</div>`;
}

const ratio = (value: number | null): string => (value === null ? 'not reached' : times(value));

const spreadText = ({ mean, deviation }: Spread, format: (value: number) => string): string =>
  `${format(mean)}${deviation === null ? '' : `<small>± ${format(deviation)}</small>`}`;

interface Column {
  readonly head: string;
  /** HTML. @param index of the method */
  readonly cell: (variant: VariantResult, index: number) => string;
}

function table(results: Results): string {
  const { variants } = results;
  const columns = columnsOf(results);
  const head = columns.map((column) => `<th>${prose(column.head)}</th>`).join('');
  // On a phone a row is a list, and the heads stand in it.
  const cells = (variant: VariantResult, index: number): string[] =>
    columns.map(({ head: name, cell }, column) => {
      const html = cell(variant, index);
      if (column === 0 || html === '') return `<td>${html}</td>`;
      return `<td data-name="${prose(name)}"><span>${html}</span></td>`;
    });
  const rows = variants.map((variant, i) => `<tr>${cells(variant, i).join('')}</tr>`);
  return `<div class="scroll" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function columnsOf({ split, variants, targets, setup }: Results): Column[] {
  const [base] = variants;
  const target = targets.at(-1);
  const many = setup.seeds.length > 1;
  const rival = variants.length > 1;
  const reachedBy = ({ id }: VariantResult): Reached =>
    target!.reached.find(({ variant }) => variant === id)!;
  const columns: (Column | false)[] = [
    { head: 'method', cell: ({ label }, i) => swatch(i) + escapeXml(label) },
    {
      head: `${split} accuracy at the end`,
      cell: ({ final }) => (final ? spreadText(final.accuracy, percent) : 'diverged'),
    },
    rival && {
      head: `difference to ${base.label}`,
      cell: ({ versus }) => (versus ? difference(versus) : ''),
    },
    {
      head: `${split} loss at the end`,
      cell: ({ final }) => (final ? spreadText(final.loss, (value) => value.toFixed(3)) : 'diverged'),
    },
    rival &&
      target !== undefined && {
        head: `steps to ${percent(target.accuracy)}`,
        cell: (variant) => steps(reachedBy(variant), many),
      },
    rival &&
      target !== undefined && {
        head: 'speed-up in steps',
        cell: (variant, i) => (i === 0 ? '' : speedup(reachedBy(variant), many)),
      },
    rival &&
      target !== undefined && {
        head: 'speed-up in time',
        cell: (variant, i) => (i === 0 ? '' : ratio(reachedBy(variant).speedupInTime)),
      },
    {
      head: 'time of a step',
      cell: ({ secondsPerStep: seconds }) => `${(1000 * seconds).toFixed(seconds < 0.1 ? 1 : 0)} ms`,
    },
  ];
  return columns.filter((column) => column !== false);
}

function swatch(index: number): string {
  return `<span class="swatch" style="background:${seriesColour(index)};opacity:${seriesOpacity(index)}"></span>`;
}

function difference({ accuracy: { mean, interval } }: Versus): string {
  const range = interval ? `95 %: ${signed(interval[0])} to ${signed(interval[1])}` : 'one seed';
  return `${signed(mean)} points<small>${range}</small>`;
}

function steps({ steps: needed, seeds }: Reached, many: boolean): string {
  const count = many ? `<small>${seeds.reached} of ${seeds.of} seeds</small>` : '';
  return (needed === null ? 'not reached' : String(Math.round(needed))) + count;
}

/** Of the mean curve, and below it those of the seeds that have one. */
function speedup({ speedup: ofMean, speedupBySeed }: Reached, many: boolean): string {
  const ratios = speedupBySeed.filter((value) => value !== null);
  const bySeed =
    ratios.length === 0
      ? 'no seed has one'
      : `${rangeOf(ratios)}</small><small>in ${ratios.length} of ${speedupBySeed.length} seeds`;
  return ratio(ofMean) + (many ? `<small>${bySeed}</small>` : '');
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

function method({ setup, variants, steps, targets }: Results): string[] {
  const seeds = setup.seeds.length;
  const times = seeds === 1 ? 'once' : `with ${seeds} seeds`;
  if (variants.length === 1) {
    return [
      `The method was trained ${times}. To compare it with others, name them, too (--methods): these runs will not be repeated.`,
    ];
  }
  return [
    `Each of the ${variants.length} methods was trained ${times}. With equal seeds all methods start from the same initial weights and see the same batches in the same order with the same augmentation; only the method differs.`,
    `Every run has the same schedule over its ${counted(steps, 'step')}, so that a speed-up is measured within runs of this length. A run that is planned shorter from the start lowers its learning rate sooner and may get further in as many steps.`,
    ...(seeds > 1 && targets.length > 0
      ? [
          `Steps to a target are read off the mean curve of a method's seeds, and so is the speed-up. By seed, each curve is read by itself, against the same target: a seed that ends below it has no speed-up, which leaves it out of the range that is given, while it counts in the mean curve.`,
        ]
      : []),
    'Training time is the number of steps times the time of one step. The overhead of a method was measured by steps of it and of the first method in turn, so that whatever else the machine was doing slowed both down alike. Where the 95 % confidence interval of the overhead includes zero, the machine was too busy, or the overhead too small, to tell it. Evaluations do not count.',
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
    ...(setup.grid
      ? ([
          [
            'grid',
            'model, optimizer and rate are those of the first method; of the others, what their names say',
          ],
        ] as [string, string][])
      : []),
    [
      'length',
      `${counted(steps, 'step')} of ${counted(setup.batchSize, 'image')}, at most ${counted(setup.epochs, 'epoch')}`,
    ],
    [
      'evaluation',
      `every ${setup.evaluateEvery === 1 ? 'step' : `${setup.evaluateEvery} steps and after every epoch`}, on all ${split} images${split === 'test' ? '; nothing is chosen on them: figures at the end are those of the last step' : '; the test images were not looked at'}`,
    ],
    ['seeds', setup.seeds.join(', ')],
    [
      'pixels',
      `in [0, 1], minus ${setup.mean.join(', ')}, divided by ${setup.deviation.map((value) => Number(value.toPrecision(4))).join(', ')}`,
    ],
    ['device', setup.device],
  ];
}
