/** From the flags of `tract train` to what is trained, on what, and where it is kept. */
import type { Command } from 'commander';
import { batchCount } from '../data/batches.js';
import { colorJitter } from '../data/colour.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import type { ImageTransform } from '../data/image-transform.js';
import { randAugment } from '../data/rand-augment.js';
import { randomErasing } from '../data/random-erasing.js';
import type { Model } from '../nn/model.js';
import { createModel } from '../models/registry.js';
import { createOptimizer, createSchedule } from '../optim/registry.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { tract, tractSetting } from '../tract/tract.js';
import { readWeights, restoreTrainer } from '../train/checkpoint.js';
import { type RunConfig, describeRun, runOptionsOf } from '../train/run-config.js';
import { RunFolder, describedError, describing, readBytes } from '../train/run-folder.js';
import { Trainer } from '../train/trainer.js';
import { checkFits } from '../train/loaders.js';
import type { RunOptions, TrainerOptions } from '../train/options.js';
import { datasetFacts, isDatasetName } from './dataset-names.js';
import { datasetOfRun, loadDataset } from './datasets.js';
import { UsageError } from './errors.js';
import { givenFlags, longFlag } from './flags.js';
import { resumedRun } from './resume.js';
import {
  DEFAULT_MOMENTUM,
  type DataFlags,
  type TrainFlags,
  checkFolderFlags,
  defaultRates,
} from './train-flags.js';

/** Everything that is settled before the training step is compiled. */
export interface TrainPlan {
  readonly config: RunConfig;
  readonly dataset: ImageDataset;
  readonly options: RunOptions;
  readonly folder: RunFolder;
  /** Whether it continues a run. */
  readonly resumed: boolean;
  /** Whether the configuration is another than the checkpoint's that it continues. */
  readonly extended: boolean;
  createTrainer(): Promise<Trainer>;
}

/** A new run. */
export async function newRun(flags: TrainFlags, command: Command, signal: AbortSignal): Promise<TrainPlan> {
  const trainerOptions = optimizationFrom(flags, command);
  // Said before anything is downloaded; of a folder it depends on its pictures.
  const known = isDatasetName(flags.data) ? trainableFrom(flags, command) : undefined;
  const weights = flags.weights === undefined ? undefined : await weightsIn(flags.weights);
  const dataset = await datasetFrom(flags, signal);
  const given = known ?? trainableFrom(flags, command, dataset);
  // Said now rather than after the step has been compiled.
  batchCount(imageCount(dataset.train), {
    batchSize: flags.batchSize,
    last: 'drop',
  });
  checkFits(dataset, given.model);
  const { epochs, maxSteps, device, threads } = flags;
  const options: RunOptions = {
    epochs,
    augmentation: augmentationFrom(flags, dataset),
    ...(maxSteps !== undefined && { maxSteps }),
  };
  const name = `runs/${isDatasetName(flags.data) ? flags.data : dataset.name}-${flags.model}${tractSetting(given) ? '-tract' : ''}`;
  return {
    config: describeRun(given, trainerOptions, dataset, options),
    dataset,
    options,
    folder: await (flags.out === undefined ? RunFolder.createFresh(name) : RunFolder.create(flags.out)),
    resumed: false,
    extended: false,
    async createTrainer() {
      const trainer = await Trainer.create(given, { ...trainerOptions, device, ...(threads && { threads }) });
      if (weights) {
        try {
          trainer.load(weights);
        } catch (error) {
          await trainer.release();
          throw error;
        }
      }
      return trainer;
    },
  };
}

/** A run that goes on. */
export async function continuedRun(
  run: string,
  flags: TrainFlags,
  command: Command,
  signal: AbortSignal,
): Promise<TrainPlan> {
  const { file, checkpoint, extended, folder } = await resumedRun(run, flags, command);
  const { config } = checkpoint;
  const { device, threads } = flags;
  try {
    const dataset = await datasetOfRun(config.data, file, {
      dir: flags.dataDir,
      ...(givenFlags(command).includes('data') && { data: flags.data }),
      reading: flags,
      signal,
    });
    return {
      config,
      dataset,
      options: runOptionsOf(config),
      folder,
      resumed: true,
      extended,
      async createTrainer() {
        try {
          return await restoreTrainer(checkpoint, { device, ...(threads && { threads }) });
        } catch (error) {
          throw describedError(file, error);
        }
      },
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** What training images go through: what the dataset says, and what the flags add to it. */
export function augmentationFrom(
  { augment, randAugment: magnitude, colorJitter: strength, randomErasing: probability }: DataFlags,
  { augmentation }: ImageDataset,
): readonly ImageTransform[] | null {
  const added = [
    ...(magnitude === undefined ? [] : [randAugment({ magnitude })]),
    ...(strength === undefined ? [] : [jitter(strength)]),
    ...(probability === undefined ? [] : [randomErasing({ probability })]),
  ];
  return augment ? [...augmentation, ...added] : null;
}

/** @throws UsageError for flags that leave each other nothing */
function checkAugmentation({
  augment,
  randAugment: magnitude,
  colorJitter: strength,
  randomErasing: probability,
}: DataFlags): void {
  if (augment || [magnitude, strength, probability].every((value) => value === undefined)) return;
  throw new UsageError('--no-augment leaves nothing for --rand-augment, --color-jitter and --random-erasing');
}

const jitter = (strength: number): ImageTransform =>
  colorJitter({
    brightness: strength,
    contrast: strength,
    saturation: strength,
    hue: Math.min(0.5, strength / 4),
  });

/** The dataset that the flags name, cut to their limits. */
export function datasetFrom(flags: DataFlags, signal: AbortSignal): Promise<ImageDataset> {
  const { data, dataDir, limitTrain, limitTest, validation, seed, imageSize, background } = flags;
  checkFolderFlags(data, flags);
  checkAugmentation(flags);
  const setAside = validation === undefined ? undefined : { share: validation, seed };
  const folder = {
    ...(imageSize !== undefined && { size: imageSize }),
    ...(background !== undefined && { background }),
  };
  return loadDataset({
    name: data,
    dir: dataDir,
    limitTrain,
    limitTest,
    setAside,
    folder,
    reading: flags,
    signal,
  });
}

/** The flags that set an option of a model, by the option's name. */
const modelFlags = ['width', 'depth', 'stem', 'patch', 'heads', 'mlpRatio'] as const;

/**
 * The model that the flags describe.
 *
 * @param dataset what it is for, where that is not known by its name; before it is, the flags alone are checked
 * @throws UsageError, OptionError
 */
export function modelFrom(flags: TrainFlags, command: Command, dataset?: ImageDataset): Model {
  const { config } = createModel(flags.model);
  const given = modelFlags.filter((key) => flags[key] !== undefined);
  const foreign = given.find((key) => !(key in config));
  if (foreign !== undefined) {
    const own = modelFlags.filter((key) => key in config).map((key) => longFlag(command, key));
    throw new UsageError(
      `${longFlag(command, foreign)} is no option of ${flags.model}, which has ${own.join(', ')}`,
    );
  }
  const options = Object.fromEntries(given.map((key) => [key, flags[key]]));
  if (isDatasetName(flags.data)) return createModel(flags.model, { ...datasetFacts[flags.data], ...options });
  return createModel(flags.model, { ...(dataset && factsOf(dataset, config)), ...options });
}

/** What a model has to know of the pictures of a folder. */
function factsOf({ classNames, imageShape: [, imageSize] }: ImageDataset, config: Model['config']) {
  // Patches of 4 pixels would be thousands in a photograph.
  const patch = 'patch' in config && imageSize > LARGEST_SMALL ? { patch: PHOTO_PATCH } : {};
  return { classes: classNames.length, imageSize, ...patch };
}

/** Images up to this size are cut into the small patches that models take by default. */
const LARGEST_SMALL = 64;
const PHOTO_PATCH = 16;

/** What the flags train: the model, with TrAct if they say so. @throws OptionError */
function trainableFrom(flags: TrainFlags, command: Command, dataset?: ImageDataset): Trainable {
  const model = modelFrom(flags, command, dataset);
  if (flags.tract === undefined && flags.tractLayer === undefined) return trainable(model);
  const setting = {
    ...(flags.tract !== undefined && { lambda: flags.tract }),
    ...(flags.tractLayer !== undefined && { layer: flags.tractLayer }),
  };
  return tract(model, setting);
}

/** How it is trained. @throws UsageError, OptionError */
export function optimizationFrom(flags: TrainFlags, command: Command): TrainerOptions {
  const { optimizer, momentum, nesterov, weightDecay, batchSize, seed, labelSmoothing } = flags;
  const sgd = optimizer === 'sgd';
  for (const key of ['momentum', 'nesterov'] as const) {
    if (flags[key] !== undefined && !sgd)
      throw new UsageError(`${longFlag(command, key)} is for the optimizer sgd, not for ${optimizer}`);
  }
  const config = {
    ...(sgd && { momentum: momentum ?? DEFAULT_MOMENTUM }),
    ...(nesterov !== undefined && { nesterov }),
    ...(weightDecay !== undefined && { weightDecay }),
  };
  const { lr = defaultRates[optimizer], warmup, mixup, cutmix } = flags;
  return {
    optimizer: createOptimizer(optimizer, createSchedule(flags.schedule, { lr, warmup }), config),
    batchSize,
    seed,
    labelSmoothing,
    ...((mixup !== undefined || cutmix !== undefined) && {
      mixing: { ...(mixup !== undefined && { mixup }), ...(cutmix !== undefined && { cutmix }) },
    }),
  };
}

async function weightsIn(path: string): Promise<ReturnType<typeof readWeights>> {
  const bytes = await readBytes(path);
  return describing(path, () => readWeights(bytes));
}
