/** How a dataset is read for a model. */
import { InlineLoader } from '../data/batches.js';
import { checkStatistics } from '../data/check-dataset.js';
import { DataError } from '../data/data-error.js';
import type { ImageDataset, Split } from '../data/dataset.js';
import type { BatchLoader } from '../data/loader.js';
import type { Model } from '../nn/model.js';
import { sameShape } from '../tensor/tensor.js';

/** A loader of a split; a dataset that brings its own way of reading (a worker thread) is read in that way. */
export function loaderOf(dataset: ImageDataset, split: Split): BatchLoader {
  return dataset.createLoader?.(split, dataset.imageShape) ?? new InlineLoader(split, dataset.imageShape);
}

/**
 * @throws DataError when a model does not take a dataset's images, or has another number of classes; and when the
 *   dataset's statistics are none
 */
export function checkFits(dataset: ImageDataset, model: Model): void {
  const { name, imageShape, classNames } = dataset;
  if (!sameShape(imageShape, model.imageShape) || classNames.length !== model.classes) {
    throw new DataError(
      `${name} has ${classNames.length} classes of images [${imageShape.join(', ')}], but this ${model.name} takes ${model.classes} classes of images [${model.imageShape.join(', ')}].`,
    );
  }
  checkStatistics(dataset, imageShape[0], name);
}

/** Lets pending events of the platform (signals, timers, messages of workers) be handled. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}
