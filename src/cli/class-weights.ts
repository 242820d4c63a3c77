/** The value of `--class-weights`: how much each class counts in the loss. */
import { InvalidArgumentError } from 'commander';
import { balancedClassWeights } from '../data/class-weights.js';
import type { ImageDataset } from '../data/dataset.js';
import type { TrainerOptions } from '../train/options.js';
import { UsageError } from './errors.js';
import { nearest } from './suggest.js';
import { number } from './values.js';

/** By class name, or in inverse proportion to the number of images. */
export type ClassWeightsFlag = 'balanced' | ReadonlyMap<string, number>;

const positive = number('a number above 0', (value) => value > 0);

/** Such as `balanced` or `cat=2,dog=0.5`. */
export function classWeightsValue(text: string): ClassWeightsFlag {
  if (text === 'balanced') return text;
  const entries = text.split(',').map((entry) => {
    const at = entry.lastIndexOf('=');
    if (at < 1)
      throw new InvalidArgumentError('It must be balanced, or numbers by class, such as cat=2,dog=0.5.');
    return [entry.slice(0, at).trim(), positive(entry.slice(at + 1))] as const;
  });
  if (new Set(entries.map(([name]) => name)).size < entries.length)
    throw new InvalidArgumentError('A class is there twice.');
  return new Map(entries);
}

/** @throws UsageError for a class that the dataset does not have */
export function classWeightsOf(
  { classWeights: asked }: { readonly classWeights?: ClassWeightsFlag },
  dataset: ImageDataset,
): Pick<TrainerOptions, 'classWeights'> {
  if (asked === undefined) return {};
  if (asked === 'balanced') return { classWeights: balancedClassWeights(dataset) };
  const { classNames, name } = dataset;
  for (const wanted of asked.keys()) {
    if (classNames.includes(wanted)) continue;
    const meant = nearest(wanted, classNames);
    throw new UsageError(
      `--class-weights ${wanted}: ${name} has no such class${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    );
  }
  return { classWeights: classNames.map((one) => asked.get(one) ?? 1) };
}
