/** A finished run as one HTML file: its curves, what it does class by class, and what it saw. */
import { pictureFile } from '../data/folder/image-folder.js';
import type { ImageTransform } from '../data/image-transform.js';
import type { Model } from '../nn/model.js';
import type { LearnedState } from '../train/evaluator.js';
import type { RunConfig } from '../train/run-config.js';
import { escapeXml } from './chart.js';
import { evaluatedPictures, trainingPictures } from './contact-sheet.js';
import { type EvaluationReport, answer, evaluationSections, matrixStyle } from './evaluation-report.js';
import { sheetStyle } from './image-figure.js';
import { filterPicture } from './inspection.js';
import { definitions, figure, filterFigure, page } from './page.js';
import { curvesOf, runCharts } from './run-charts.js';
import { runSettings } from './run-settings.js';

/** What is reported of a run. */
export interface RunReport extends EvaluationReport {
  readonly config: RunConfig;
  readonly model: Model;
  readonly learned: LearnedState;
  /** The text of its `metrics.jsonl`. */
  readonly metrics: string;
  /** What training images went through; `null` for what they are evaluated by. */
  readonly augmentation: readonly ImageTransform[] | null;
}

/** A matrix of more classes is none for a file of a few MB. */
const LARGEST_MATRIX = 1000;

/** Pictures of a batch that are shown. */
const PICTURES = 24;

/** @throws DataError naming an image that cannot be read */
export async function runReport(report: RunReport): Promise<string> {
  const { title, config, model, learned, dataset, metrics, augmentation } = report;
  const charts = await runCharts(curvesOf(metrics));
  const filters = await filterPicture(model, learned.weights);
  const { seed, batchSize, mixing, shards } = config;
  const options = {
    ...{ augmentation, seed, batchSize, pictures: PICTURES },
    ...(mixing && { mixing }),
    ...(shards !== undefined && { shards }),
  };
  const sections = [
    `<h1>${escapeXml(title)}</h1>`,
    answer(report),
    definitions(runSettings(config)),
    charts.length > 0 &&
      `<h2>Curves</h2><div class="charts">${charts.map((chart) => figure(chart)).join('')}</div>`,
    ...(await evaluationSections(report)),
    '<h2>What the model saw in training</h2>',
    await trainingPictures(dataset, options),
    '<h2>What it sees in evaluation</h2>',
    await evaluatedPictures(dataset, PICTURES),
    filters &&
      `<h2>What the first layer looks for</h2><p class="note">Each tile is one filter on a scale of its own: grey is no weight, colours are what the filter responds to.</p><div class="charts">${filterFigure(model.name, filters)}</div>`,
  ];
  return page(title, `${matrixStyle}${sheetStyle}${sections.filter(Boolean).join('\n')}`);
}

/** What an evaluation found, for programs. */
export function evaluationJson({ dataset, split, evaluation, tally }: EvaluationReport): object {
  const { classNames } = dataset;
  const { loss, accuracy } = evaluation;
  return {
    format: 1,
    loss,
    accuracy,
    // JSON has no NaN: a figure of a class without images is null.
    classes: tally.figures(),
    ...(classNames.length <= LARGEST_MATRIX && {
      confusion: classNames.map((_, label) => classNames.map((_name, k) => tally.count(label, k))),
    }),
    mistakes: tally.mistakes.map((mistake) => {
      const file = pictureFile(split, mistake.index);
      return { ...mistake, ...(file !== undefined && { file }) };
    }),
  };
}
