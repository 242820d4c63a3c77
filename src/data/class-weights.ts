/** How much each class counts in a loss. */
import { OptionError } from '../tensor/option-error.js';
import type { ImageDataset } from './dataset.js';
import { labelsOf } from './image-source.js';

/**
 * Weights that let all classes count alike however many training images they have, as scikit-learn's `balanced`:
 * images / (classes · images of the class). A class without training images has 1.
 */
export function balancedClassWeights({ train, classNames }: ImageDataset): number[] {
  const counts = classNames.map(() => 0);
  const labels = labelsOf(train);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  const found = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count === 0 ? 1 : labels.length / (found * count)));
}

/** @throws OptionError unless there is a positive weight for each class */
export function checkClassWeights(weights: readonly number[], classes: number): void {
  if (weights.length !== classes)
    throw new OptionError(
      `classWeights must have a weight for each of the ${classes} classes, not ${weights.length}`,
    );
  const wrong = weights.find((weight) => !(weight > 0 && Number.isFinite(Math.fround(weight))));
  if (wrong !== undefined) throw new OptionError(`classWeights must be above 0, not ${wrong}`);
}
