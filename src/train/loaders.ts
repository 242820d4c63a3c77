/** How a dataset is read for a model. */
import { InlineLoader } from '../data/batches.js';
import { checkStatistics } from '../data/check-dataset.js';
import { DataError } from '../data/data-error.js';
import { checkTransforms } from '../data/image-transforms.js';
import type { ImageDataset, Images } from '../data/dataset.js';
import type { Batch, BatchLoader, BatchPlan } from '../data/loader.js';
import { checkFileClasses } from '../models/file-head.js';
import { isFileModel } from '../models/file-model-options.js';
import type { Model } from '../nn/model.js';
import { sameShape } from '../tensor/tensor.js';

/** A loader of a split; a dataset that brings its own way of reading (a worker thread) is read in that way. */
export function loaderOf(dataset: ImageDataset, split: Images): BatchLoader {
  const { imageShape, preprocessing = [], createLoader } = dataset;
  const options = { preprocessing };
  return createLoader?.(split, imageShape, options) ?? new InlineLoader(split, imageShape, options);
}

/** Images in their order, as they are evaluated: nothing depends on the generator. */
export function evaluationPlan({
  evaluation,
}: ImageDataset): Pick<BatchPlan, 'shuffle' | 'random' | 'augmentation'> {
  return { shuffle: false, random: [1, 0, 0, 0], ...(evaluation && { augmentation: evaluation }) };
}

/**
 * The first images of a split in one batch, preprocessed but not augmented.
 *
 * @throws DataError when there are fewer, or one of them cannot be read
 */
export function firstImages(
  dataset: ImageDataset,
  split: Images,
  count: number,
): Promise<Pick<Batch, 'images' | 'labels'>> {
  return firstBatch(dataset, split, { batchSize: count, last: 'drop', ...evaluationPlan(dataset) });
}

/**
 * The first batch of a plan.
 *
 * @throws DataError when there are fewer images, or one of them cannot be read
 */
export async function firstBatch(
  { imageShape, preprocessing = [] }: ImageDataset,
  split: Images,
  plan: BatchPlan,
): Promise<Pick<Batch, 'images' | 'labels'>> {
  // Not in a worker thread: for one batch none is worth its start.
  const loader = new InlineLoader(split, imageShape, { preprocessing });
  // The plan is checked: there is one.
  return (await loader.epoch(plan)[Symbol.asyncIterator]().next()).value as Batch;
}

/**
 * @throws DataError when a model does not take a dataset's images, or has another number of classes; and when the
 *   dataset's statistics are none
 * @throws HeadError when a model out of a file has logits of other classes, or of the same in another order
 */
export function checkFits(dataset: ImageDataset, model: Model): void {
  const { name, imageShape, classNames } = dataset;
  if (!sameShape(imageShape, model.imageShape) || classNames.length !== model.classes) {
    throw new DataError(
      `${name} has ${classNames.length} classes of images [${imageShape.join(', ')}], but this ${model.name} takes ${model.classes} classes of images [${model.imageShape.join(', ')}].`,
    );
  }
  if (isFileModel(model)) checkFileClasses(model, dataset);
  checkStatistics(dataset, imageShape[0], name);
  if (dataset.preprocessing) checkTransforms('preprocessing', dataset.preprocessing);
  if (dataset.evaluation) checkTransforms('evaluation', dataset.evaluation);
}

/** Lets pending events of the platform (signals, timers, messages of workers) be handled. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}
