/** What the first layer of a trained model looks like, and how one update would move images. */
import { type ImageDataset, imageCount } from '../data/dataset.js';
import type { Device } from '../engine/device.js';
import type { Model } from '../nn/model.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { FirstLayerError } from '../tract/first-layer.js';
import type { Lambda } from '../tract/lambda.js';
import type { LearnedState } from '../train/evaluator.js';
import { firstImages } from '../train/loaders.js';
import { type ActivationUpdates, activationUpdates } from './activation-update.js';
import { type Chart } from './chart.js';
import { type FilterPicture, drawFilters, firstFilters } from './filters.js';
import { figure, filterFigure, page, paragraphs, updateExplanation } from './page.js';
import {
  type UpdateCorrelations,
  updateCharts,
  updateCorrelations,
  updateSentences,
} from './update-charts.js';

/** Images of the batch whose update is looked at. */
export const UPDATE_IMAGES = 256;

/** How an inspection is made. */
export interface InspectionOptions {
  /** Default: that of the model, else 0.1. */
  readonly lambda?: Lambda;
  readonly device?: Device;
  readonly threads?: number;
}

/** How far an update of the first layer moves each image. */
export interface UpdatePicture {
  readonly updates: ActivationUpdates;
  readonly correlations: UpdateCorrelations;
  readonly charts: readonly Chart[];
  readonly sentences: readonly string[];
}

/**
 * The ‖Δz‖ picture of a model, on the first training images of a dataset as they are.
 *
 * @returns undefined for a model whose first layer TrAct is not for (whitening, say)
 */
export async function updatePicture(
  model: Model | Trainable,
  { weights, standardization }: LearnedState,
  dataset: ImageDataset,
  options: InspectionOptions = {},
): Promise<UpdatePicture | undefined> {
  const count = Math.min(UPDATE_IMAGES, imageCount(dataset.train));
  const { images, labels } = await firstImages(dataset, dataset.train, count);
  let updates: ActivationUpdates;
  try {
    updates = await activationUpdates({
      model,
      weights,
      standardization,
      images,
      labels,
      ...options,
    });
  } catch (error) {
    if (error instanceof FirstLayerError) return undefined;
    throw error;
  }
  return {
    updates,
    correlations: updateCorrelations(updates),
    charts: await updateCharts(updates),
    sentences: updateSentences(updates),
  };
}

export async function filterPicture(
  model: Model,
  weights: LearnedState['weights'],
): Promise<FilterPicture | undefined> {
  const filters = firstFilters(model, weights);
  return filters && drawFilters(filters);
}

/** What the first layer of a trained model looks like, and how far an update moves each image. */
export interface Inspection {
  readonly filters?: FilterPicture;
  readonly updates?: UpdatePicture;
  /** A self-contained page. */
  readonly html: string;
}

/**
 * Draws the filters of a trained model and its ‖Δz‖ picture.
 *
 * @param title of the page
 */
export async function inspect(
  title: string,
  given: Model | Trainable,
  learned: LearnedState,
  dataset: ImageDataset,
  options: InspectionOptions = {},
): Promise<Inspection> {
  const { model } = trainable(given);
  const filters = await filterPicture(model, learned.weights);
  const updates = await updatePicture(given, learned, dataset, options);
  const sections = [
    paragraphs([title], 'answer long'),
    filters &&
      `<h2>What the first layer looks for</h2><p class="note">Each tile is one filter on a scale of its own: grey is no weight, colours are what the filter responds to.</p><div class="charts">${filterFigure(model.name, filters)}</div>`,
    updates &&
      `<h2>How far one update moves each image</h2>${paragraphs(updateExplanation)}<div class="charts small">${updates.charts.map((chart) => figure(chart)).join('')}</div>${paragraphs(updates.sentences)}`,
    !updates &&
      paragraphs([
        'The first layer of this model is none that TrAct is for, so that there are no updates to compare.',
      ]),
  ];
  return {
    ...(filters && { filters }),
    ...(updates && { updates }),
    html: page(title, sections.filter(Boolean).join('\n')),
  };
}
