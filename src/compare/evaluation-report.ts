/** What a trained model does on a split, class by class, as one HTML file. */
import type { ImageDataset, Images } from '../data/dataset.js';
import { pictureFile } from '../data/folder/image-folder.js';
import { sourceOf } from '../data/image-source.js';
import { Subset } from '../data/subset.js';
import type { Evaluation } from '../train/events.js';
import { firstImages } from '../train/loaders.js';
import { escapeXml } from './chart.js';
import type { ClassTally } from './class-figures.js';
import { imageFigure, sheetStyle } from './image-figure.js';
import { page, prose } from './page.js';
import { percent } from './words.js';

/** What is reported. */
export interface EvaluationReport {
  readonly title: string;
  readonly dataset: ImageDataset;
  /** What was evaluated. */
  readonly split: Images;
  readonly evaluation: Evaluation;
  readonly tally: ClassTally;
}

/** A matrix of more classes is too large to be read; the most frequent confusions are listed in any case. */
const LARGEST_MATRIX = 40;
const MOST_CONFUSIONS = 20;

/** @throws DataError naming an image that cannot be read */
export async function evaluationReport(report: EvaluationReport): Promise<string> {
  const { title } = report;
  const sections = [`<h1>${escapeXml(title)}</h1>`, answer(report), ...(await evaluationSections(report))];
  return page(title, `${matrixStyle}${sheetStyle}${sections.filter(Boolean).join('\n')}`);
}

/** What came out, in a sentence. */
export function answer({ evaluation, tally }: EvaluationReport): string {
  const images = tally.figures().reduce((sum, each) => sum + each.images, 0);
  return `<p class="answer">${prose(`${percent(evaluation.accuracy)} of ${images} images are right; the loss is ${evaluation.loss.toFixed(4)}`)}</p>`;
}

/** Class by class, what is taken for what, and the worst mistakes. @throws DataError as `evaluationReport` */
export async function evaluationSections(report: EvaluationReport): Promise<string[]> {
  const { dataset, tally } = report;
  const { classNames } = dataset;
  return [
    '<h2>Classes</h2>',
    figuresTable(tally),
    '<h2>What is taken for what</h2>',
    classNames.length <= LARGEST_MATRIX
      ? `<p class="note">A row is a class, a column what its images were taken for: the share of the row, and how many.</p>${matrix(classNames, tally)}`
      : '',
    confusionTable(classNames, tally),
    '<h2>The worst mistakes</h2>',
    await mistakes(report),
  ];
}

/** For pages with a matrix. */
export const matrixStyle = `<style>
.matrix td{text-align:center;padding:6px 8px}
.matrix td:first-child{text-align:left;position:sticky;left:0;background:var(--surface)}
.matrix td[style]{border-radius:3px}
.matrix thead th{text-align:center;writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap}
@media(max-width:520px){.matrix table,.matrix tbody{display:table;width:auto}.matrix tbody{display:table-row-group}.matrix tr{display:table-row}.matrix td,.matrix th{display:table-cell}.matrix thead{display:table-header-group}}
</style>`;

/** NaN as a dash. */
const share = (value: number): string => (Number.isNaN(value) ? '–' : percent(value));

function figuresTable(tally: ClassTally): string {
  const rows = tally.figures().map(({ name, images, precision, recall, f1 }) => {
    const cells = [
      ['images', String(images)],
      ['precision', share(precision)],
      ['recall', share(recall)],
      ['F1', share(f1)],
    ].map(([head, text]) => `<td data-name="${head}">${prose(text)}</td>`);
    return `<tr><td>${escapeXml(name)}</td>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr><th>class</th><th>images</th><th>precision</th><th>recall</th><th>F1</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function matrix(classNames: readonly string[], tally: ClassTally): string {
  const figures = tally.figures();
  const heads = classNames.map((name) => `<th>${escapeXml(name)}</th>`).join('');
  const rows = classNames.map((name, label) => {
    const cells = classNames.map((_, predicted) => {
      const count = tally.count(label, predicted);
      if (count === 0) return '<td></td>';
      const part = count / figures[label].images;
      // The colour of what is right is another than that of what is not.
      const hue = label === predicted ? 150 : 20;
      const colour = `hsl(${hue} 70% 50% / ${(0.08 + 0.62 * part).toFixed(2)})`;
      return `<td style="background:${colour}">${prose(`${Math.round(100 * part)} %`)}<small>${count}</small></td>`;
    });
    return `<tr><td>${escapeXml(name)}</td>${cells.join('')}</tr>`;
  });
  return `<div class="scroll matrix"><table><thead><tr><th></th>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function confusionTable(classNames: readonly string[], tally: ClassTally): string {
  const figures = tally.figures();
  const rows = tally.confusions.slice(0, MOST_CONFUSIONS).map(({ label, predicted, images }) => {
    const cells = [
      ['taken for', classNames[predicted]],
      ['images', String(images)],
      ['share of the class', percent(images / figures[label].images)],
    ].map(([head, text]) => `<td data-name="${head}">${prose(text)}</td>`);
    return `<tr><td>${escapeXml(classNames[label])}</td>${cells.join('')}</tr>`;
  });
  if (rows.length === 0) return '<p class="note">Nothing is taken for anything else.</p>';
  return `<div class="scroll"><table><thead><tr><th>class</th><th>taken for</th><th>images</th><th>share of the class</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

async function mistakes({ dataset, split, tally }: EvaluationReport): Promise<string> {
  const { classNames, imageShape } = dataset;
  const worst = tally.mistakes;
  if (worst.length === 0) return '<p class="note">There are none.</p>';
  const chosen = new Subset(
    sourceOf(split, imageShape),
    Uint32Array.from(worst, ({ index }) => index),
  );
  const { images } = await firstImages(dataset, chosen, worst.length);
  const size = images.length / worst.length;
  const figures = await Promise.all(
    worst.map(({ index, label, predicted, probability }, i) => {
      const file = pictureFile(split, index);
      const lines = [
        `${classNames[label]}, taken for ${classNames[predicted]} (${percent(probability)})`,
        ...(file === undefined ? [`image ${index}`] : [file]),
      ];
      return imageFigure(images.subarray(i * size, (i + 1) * size), imageShape, lines);
    }),
  );
  return `<p class="note">Those of the greatest loss, as the model saw them.</p><div class="sheet">${figures.join('')}</div>`;
}
