/** The matrix of runs that a comparison is made of. */
import { createHash } from 'node:crypto';
import { batchCount } from '../data/batches.js';
import { DataError } from '../data/data-error.js';
import { type ImageDataset, followedSplit, imageCount } from '../data/dataset.js';
import { labelsOf } from '../data/image-source.js';
import type { ImageTransform } from '../data/image-transform.js';
import { storedTransforms } from '../data/image-transforms.js';
import { eachPicture } from '../data/pictures.js';
import type { Model } from '../nn/model.js';
import type { GradientTransform } from '../optim/transform.js';
import type { Trainable } from '../optim/trainable.js';
import { sameShape } from '../tensor/tensor.js';
import { checkRunOptions, checkTrainerOptions } from '../train/check-options.js';
import { checkFits } from '../train/loaders.js';
import type { TrainerOptions } from '../train/options.js';
import { type RunConfig, describeRun } from '../train/run-config.js';
import { OptionError } from '../tensor/option-error.js';
import type { TractOptions } from '../tract/tract.js';
import { type Variant, checkVariants, trainableOfVariant } from './variant.js';

/** What is otherwise for one of the variants: a point of a grid. */
export interface VariantSettings {
  readonly model?: Model;
  /** In place of the whole of the comparison's; of the same batch size, so that runs have the same steps. */
  readonly training?: Omit<TrainerOptions, 'seed'>;
  readonly transforms?: readonly GradientTransform[];
  readonly tract?: Omit<TractOptions, 'lambda'>;
  readonly augmentation?: readonly ImageTransform[] | null;
}

/** What is compared: methods and seeds, on which model and data. */
export interface Comparison {
  /** The same for all runs, in the same scale of its pixels. */
  readonly dataset: ImageDataset;
  /** Built in, or your own. */
  readonly model: Model;
  /** The first is what the others are compared with. */
  readonly variants: readonly Variant[];
  /** What is otherwise for some of them, by their ids. */
  readonly settings?: ReadonlyMap<string, VariantSettings>;
  /** Of initial weights, order and augmentation: runs of equal seeds see the same batches. */
  readonly seeds: readonly number[];
  readonly training: Omit<TrainerOptions, 'seed'>;
  /** Of the gradients, alike for all methods; behind TrAct. Default none. */
  readonly transforms?: readonly GradientTransform[];
  /** Of the methods that are TrAct, beside their λ. Default: the first layer, alike in all steps. */
  readonly tract?: Omit<TractOptions, 'lambda'>;
  readonly epochs: number;
  readonly maxSteps?: number;
  /** Default: the dataset's own; `null` for none. */
  readonly augmentation?: readonly ImageTransform[] | null;
  /**
   * Stops asking about a method when its seeds tell: when the interval of its difference to the first one excludes zero, or
   * lies within this difference in accuracy (0 to 1; 0 for the former alone). It is looked at after each seed from the
   * third on, with an interval that allows for looking so often. Default: all seeds are run.
   */
  readonly stopWhen?: number;
  /** Steps between two evaluations. Default: a sixteenth of the run. */
  readonly evaluateEvery?: number;
}

export interface PlannedRun {
  readonly variant: Variant;
  readonly seed: number;
  readonly given: Trainable;
  readonly config: RunConfig;
  readonly training: Omit<TrainerOptions, 'seed'>;
  readonly augmentation?: readonly ImageTransform[] | null;
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
  /** The steps after which each run is evaluated, in order: what the curve of a finished run has to hold. */
  readonly evaluations: readonly number[];
}

/** How many evaluations a run has if nothing else is asked for. */
const EVALUATIONS = 16;

/**
 * Lays out the runs of a comparison, and refuses what could only fail after hours of training.
 *
 * @throws OptionError for values that models or the matrix cannot take
 * @throws DataError when a batch is larger than the dataset, the dataset does not fit the model, or an image cannot be read
 */
export async function planComparison(comparison: Comparison): Promise<Plan> {
  const { dataset, model, variants, seeds, training, epochs, maxSteps, augmentation, transforms } =
    comparison;
  checkMatrix(comparison);
  const followed = followedSplit(dataset);
  if (imageCount(followed.split) === 0)
    throw new DataError(`${dataset.name} has no ${followed.kind} images.`);
  const stepsPerEpoch = batchCount(imageCount(dataset.train), {
    batchSize: training.batchSize ?? 128,
    last: 'drop',
  });
  const steps = Math.min(epochs * stepsPerEpoch, maxSteps ?? Infinity);
  const evaluateEvery = comparison.evaluateEvery ?? Math.max(1, Math.round(steps / EVALUATIONS));
  const data = await fingerprint(dataset);
  const runs = seeds.flatMap((seed) =>
    variants.map((variant): PlannedRun => {
      const own = comparison.settings?.get(variant.id);
      const ownTraining = own?.training ?? training;
      const varied = own?.augmentation === undefined ? augmentation : own.augmentation;
      const given = trainableOfVariant(
        variant,
        own?.model ?? model,
        own?.transforms ?? transforms,
        own?.tract ?? comparison.tract,
      );
      checkFits(dataset, given.model);
      const fit = {
        epochs,
        ...(maxSteps !== undefined && { maxSteps }),
        ...(varied !== undefined && { augmentation: varied }),
      };
      const config = describeRun(given, { ...ownTraining, seed }, dataset, fit);
      const device = ownTraining.device ?? 'cpu';
      const id = createHash('sha256')
        .update(JSON.stringify({ config, data, device, evaluateEvery }))
        .digest('hex')
        .slice(0, 16);
      return {
        variant,
        seed,
        given,
        config,
        training: ownTraining,
        ...(varied !== undefined && { augmentation: varied }),
        id,
        folder: `${variant.id}-seed${seed}-${id.slice(0, 8)}`,
      };
    }),
  );
  return { runs, steps, evaluateEvery, evaluations: evaluationSteps(steps, stepsPerEpoch, evaluateEvery) };
}

/** @throws RangeError */
function checkMatrix(comparison: Comparison): void {
  const { variants, seeds, training } = comparison;
  if (variants.length === 0 || seeds.length === 0) throw new OptionError('there is nothing to compare');
  checkVariants(variants);
  for (const seed of seeds) {
    if (!Number.isSafeInteger(seed)) throw new OptionError(`a seed must be a whole number, not ${seed}`);
  }
  if (new Set(seeds).size < seeds.length) throw new OptionError('a seed is given twice');
  checkTrainerOptions(training);
  const { settings = new Map<string, VariantSettings>(), stopWhen = 0 } = comparison;
  if (!(stopWhen >= 0 && stopWhen < 1))
    throw new OptionError(`stopWhen is a difference in accuracy, at least 0 and below 1, not ${stopWhen}`);
  for (const [id, { training: own }] of settings) {
    if (!variants.some((variant) => variant.id === id))
      throw new OptionError(`there are settings for "${id}", which is not compared`);
    if (own && (own.batchSize ?? 128) !== (training.batchSize ?? 128))
      throw new OptionError(
        `${id} has another batch size, so that its runs have other steps than those it is compared with`,
      );
  }
  checkRunOptions(comparison);
}

/** Before the first step, every so many steps, at the end of each epoch, and at the end of the run. */
function evaluationSteps(steps: number, stepsPerEpoch: number, evaluateEvery: number): number[] {
  const result = [0];
  for (let step = 1; step <= steps; step++) {
    if (step % evaluateEvery === 0 || step % stepsPerEpoch === 0 || step === steps) result.push(step);
  }
  return result;
}

/** Of all pixels and labels, and of what the pixels go through: a dataset of the same name may be another one. */
async function fingerprint(dataset: ImageDataset): Promise<string> {
  const { train, validation, test, imageShape, preprocessing = [], evaluation = [] } = dataset;
  const hash = createHash('sha256');
  for (const images of validation ? [train, validation, test] : [train, test]) {
    await eachPicture(images, imageShape, ({ data, shape }) => {
      if (!sameShape(shape, imageShape)) hash.update(JSON.stringify(shape));
      hash.update(data);
    });
    const labels = labelsOf(images);
    const bytes = Uint8Array.from(labels);
    const small = bytes.every((label, i) => label === labels[i]);
    hash.update(small ? bytes : Int32Array.from(labels));
  }
  for (const transforms of [preprocessing, evaluation]) {
    if (transforms.length > 0) hash.update(JSON.stringify(storedTransforms(transforms)));
  }
  return hash.digest('hex');
}
