/** The matrix of runs that a comparison is made of. */
import { createHash } from 'node:crypto';
import { batchCount } from '../data/batches.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import type { Augmentation } from '../data/loader.js';
import type { Model } from '../nn/model.js';
import { checkRunOptions, checkTrainerOptions } from '../train/check-options.js';
import type { TrainerOptions } from '../train/options.js';
import { type RunConfig, describeRun } from '../train/run-config.js';
import type { Trainable } from '../optim/trainable.js';
import { OptionError } from '../tensor/option-error.js';
import { type Variant, trainableOfVariant } from './variant.js';

/** What is compared: methods and seeds, on which model and data. */
export interface Comparison {
  /** The same for all runs, in the same scale of its pixels. */
  readonly dataset: ImageDataset;
  /** Built in, or your own. */
  readonly model: Model;
  /** The first is what the others are compared with. */
  readonly variants: readonly Variant[];
  /** Of initial weights, order and augmentation: runs of equal seeds see the same batches. */
  readonly seeds: readonly number[];
  readonly training: Omit<TrainerOptions, 'seed'>;
  readonly epochs: number;
  readonly maxSteps?: number;
  /** Default: the dataset's own; `null` for none. */
  readonly augmentation?: Augmentation | null;
  /** Steps between two evaluations. Default: a sixteenth of the run. */
  readonly evaluateEvery?: number;
}

export interface PlannedRun {
  readonly variant: Variant;
  readonly seed: number;
  readonly given: Trainable;
  readonly config: RunConfig;
  /** A hash of everything that the run's figures depend on. */
  readonly id: string;
  /** The name of its folder. */
  readonly folder: string;
}

export interface Plan {
  /** Seed by seed, so that a disturbance of the machine hits all methods alike. */
  readonly runs: readonly PlannedRun[];
  /** Of each run. */
  readonly steps: number;
  readonly evaluateEvery: number;
}

/** How many evaluations a run has if nothing else is asked for. */
const EVALUATIONS = 16;

/**
 * Lays out the runs of a comparison.
 *
 * @throws OptionError for values that models or the matrix cannot take
 * @throws DataError when a batch is larger than the dataset
 */
export function planComparison(comparison: Comparison): Plan {
  const { dataset, model, variants, seeds, training, epochs, maxSteps, augmentation } = comparison;
  if (variants.length === 0 || seeds.length === 0) throw new OptionError('there is nothing to compare');
  checkTrainerOptions(training);
  checkRunOptions(comparison);
  if (new Set(seeds).size < seeds.length) throw new OptionError('a seed is given twice');
  const stepsPerEpoch = batchCount(imageCount(dataset.train), {
    batchSize: training.batchSize ?? 128,
    last: 'drop',
  });
  const steps = Math.min(epochs * stepsPerEpoch, maxSteps ?? Infinity);
  const evaluateEvery = comparison.evaluateEvery ?? Math.max(1, Math.round(steps / EVALUATIONS));
  const data = fingerprint(dataset);
  const runs = seeds.flatMap((seed) =>
    variants.map((variant): PlannedRun => {
      const given = trainableOfVariant(variant, model);
      const fit = {
        epochs,
        ...(maxSteps !== undefined && { maxSteps }),
        ...(augmentation !== undefined && { augmentation }),
      };
      const config = describeRun(given, { ...training, seed }, dataset, fit);
      const device = training.device ?? 'cpu';
      const id = createHash('sha256')
        .update(JSON.stringify({ config, data, device, evaluateEvery }))
        .digest('hex')
        .slice(0, 16);
      return {
        variant,
        seed,
        given,
        config,
        id,
        folder: `${variant.id}-seed${seed}-${id.slice(0, 8)}`,
      };
    }),
  );
  return { runs, steps, evaluateEvery };
}

/** Of all pixels and labels: a dataset of the same name may be another one. */
function fingerprint({ train, validation, test }: ImageDataset): string {
  const hash = createHash('sha256');
  for (const { images, labels } of validation ? [train, validation, test] : [train, test])
    hash.update(images).update(labels);
  return hash.digest('hex');
}
