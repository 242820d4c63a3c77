/**
 * Whether a dataset is what it says. A model that is trained on labels, statistics or images that are wrong trains,
 * and gives figures that mean nothing: they are looked at before the first step.
 */
import { DataError } from './data-error.js';
import { type ImageDataset, checkSplit } from './dataset.js';
import { type Images, labelsOf } from './image-source.js';

/**
 * Checks that a split holds images, that its pixels fit their number, and that every label names a class.
 *
 * @param kind what the split is called, such as `training`
 * @throws DataError naming the dataset, the split, and the first label that names no class
 */
export function checkImages(
  { name, imageShape, classNames }: ImageDataset,
  kind: string,
  split: Images,
): void {
  const what = `The ${kind} split of ${name}`;
  checkSplit(split, imageShape, what);
  checkLabelRange(labelsOf(split), classNames.length, what);
}

/**
 * Checks that every label names a class.
 *
 * @param source what the labels are of, for the message
 * @throws DataError naming the first that does not
 */
export function checkLabelRange(labels: ArrayLike<number>, classes: number, source: string): void {
  for (let image = 0; image < labels.length; image++) {
    const label = labels[image];
    // Written so that a label that is no number at all is found, too: labels may be any array to JavaScript.
    if (Number.isInteger(label) && label >= 0 && label < classes) continue;
    throw new DataError(
      `${source}: the label of image ${image} is ${label}, but there are ${classes} classes, whose labels are 0 to ${classes - 1}. Correct the labels, or name all classes.`,
    );
  }
}

/** Checks all splits of a dataset. @throws DataError as `checkImages` does */
export function checkSplits(dataset: ImageDataset): void {
  checkImages(dataset, 'training', dataset.train);
  if (dataset.validation) checkImages(dataset, 'validation', dataset.validation);
  checkImages(dataset, 'test', dataset.test);
}

/**
 * Checks the numbers that pixels are standardised by: one mean and one deviation a channel, of pixel values scaled to
 * [0, 1]. A deviation of 1 and a mean of 0 leave such pixels as they are.
 *
 * @param source what they are of, for the message
 * @throws DataError naming the source, the first number that is wrong, and what it may be
 */
export function checkStatistics(
  statistics: { readonly mean: readonly number[]; readonly deviation: readonly number[] },
  channels: number,
  source: string,
): void {
  for (const key of ['mean', 'deviation'] as const) {
    const values = statistics[key];
    if (values.length !== channels) {
      throw new DataError(
        `${source}: ${key} has ${values.length} numbers, but images of ${channels} channels need ${channels}.`,
      );
    }
    const channel = values.findIndex((value) => !ranges[key](value));
    if (channel < 0) continue;
    throw new DataError(
      `${source}: ${key}[${channel}] is ${values[channel]}, but of pixel values scaled to [0, 1] a mean is from 0 to 1, and a deviation above 0 and at most 1. Divide those of pixels from 0 to 255 by 255.`,
    );
  }
}

/** What a rounding error may add to the mean of white images. */
const ROUNDING = 1e-6;

const ranges = {
  mean: (value: number) => value >= -ROUNDING && value <= 1 + ROUNDING,
  // The graph divides by it in float32: it has to be a normal number there.
  deviation: (value: number) => Math.fround(value) >= 2 ** -126 && value <= 1,
};
