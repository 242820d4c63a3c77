/** From the flags of `tract train` to what is trained, on what, and where it is kept. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { batchCount } from '../data/batches.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import type { Model } from '../nn/model.js';
import { createModel } from '../models/registry.js';
import { createOptimizer, createSchedule } from '../optim/registry.js';
import type { GradientTransform } from '../optim/transform.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { tract, tractSetting } from '../tract/tract.js';
import { readWeights, restoreTrainer } from '../train/checkpoint.js';
import { loadModel } from '../train/load-model.js';
import { type RunConfig, describeRun, runOptionsOf } from '../train/run-config.js';
import { RunFolder, describedError, describing, readBytes } from '../train/run-folder.js';
import { Trainer } from '../train/trainer.js';
import { checkFits } from '../train/loaders.js';
import type { RunOptions, TrainerOptions } from '../train/options.js';
import { datasetFacts } from './dataset-names.js';
import { datasetOfRun, loadDataset } from './datasets.js';
import { UsageError } from './errors.js';
import { groupsFrom, transformsFrom, withHead } from './fine-tuning.js';
import { longFlag } from './flags.js';
import { resumedRun } from './resume.js';
import { note } from './terminal.js';
import { DEFAULT_MOMENTUM, type TrainFlags, defaultRates, isModelFile } from './train-flags.js';

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
  // What is wrong with the flags is said before anything is read.
  const builtIn = isModelFile(flags.model) ? undefined : modelFrom(flags, command);
  const optimization = optimizationFrom(flags, command);
  if (flags.patience !== undefined && flags.validation === undefined)
    throw new UsageError(
      `${longFlag(command, 'patience')} is told by validation images, because a run that ends by its test images has figures on them that are too good; set some aside with ${longFlag(command, 'validation')}`,
    );
  const weights = flags.weights === undefined ? undefined : await weightsIn(flags.weights);
  const dataset = await datasetFrom(flags, signal);
  const model = builtIn ?? (await modelInFile(flags, command, dataset));
  const given = withTransforms(withTract(model, flags), transformsFrom(flags));
  const groups = groupsFrom(flags, model);
  const trainerOptions = { ...optimization, ...(groups.length > 0 && { groups }) };
  // Said now rather than after the step has been compiled.
  batchCount(imageCount(dataset.train), {
    batchSize: flags.batchSize,
    last: 'drop',
  });
  checkFits(dataset, given.model);
  const { epochs, maxSteps, device, threads } = flags;
  const options: RunOptions = {
    epochs,
    augmentation: flags.augment ? dataset.augmentation : null,
    ...(maxSteps !== undefined && { maxSteps }),
  };
  const name = `runs/${flags.data}-${basename(flags.model, '.onnx')}${tractSetting(given) ? '-tract' : ''}`;
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
          const complete = withHead(weights, await trainer.weights(), model);
          trainer.load(complete.weights);
          if (complete.isNew.length > 0)
            note(`The head is new, because the weights have none of its size: ${complete.isNew.join(', ')}`);
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
  const { file, checkpoint, extended, folder, name } = await resumedRun(run, flags, command);
  const { config } = checkpoint;
  const { device, threads } = flags;
  try {
    const dataset = await loadDataset({
      name,
      dir: flags.dataDir,
      ...datasetOfRun(config.data),
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

/** The dataset that the flags name, cut to their limits. */
export function datasetFrom(flags: TrainFlags, signal: AbortSignal): Promise<ImageDataset> {
  const { data, dataDir, limitTrain, limitTest, validation, seed } = flags;
  const setAside = validation === undefined ? undefined : { share: validation, seed };
  return loadDataset({ name: data, dir: dataDir, limitTrain, limitTest, setAside, signal });
}

/** The flags that set an option of a model, by the option's name. */
const modelFlags = ['width', 'depth', 'stem', 'patch', 'heads', 'mlpRatio'] as const;

/** The model that the flags describe. @throws UsageError, OptionError */
export function modelFrom(flags: TrainFlags, command: Command): Model {
  for (const key of ['head', 'batchNorm'] as const) {
    if (flags[key] !== undefined)
      throw new UsageError(`${longFlag(command, key)} is for models in .onnx files, not for ${flags.model}`);
  }
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
  return createModel(flags.model, { ...datasetFacts[flags.data], ...options });
}

/**
 * The model in the file that the flags name, of as many classes as the data have.
 *
 * @throws UsageError, OptionError, GraphError
 */
async function modelInFile(
  flags: TrainFlags,
  command: Command,
  { classNames, imageShape: [channels, height, width] }: ImageDataset,
): Promise<Model> {
  const foreign = modelFlags.find((key) => flags[key] !== undefined);
  if (foreign !== undefined)
    throw new UsageError(`${longFlag(command, foreign)} is no option of a model in a file`);
  const { head, batchNorm } = flags;
  return loadModel(flags.model, {
    classes: classNames.length,
    imageSize: [height, width],
    channels,
    ...(head !== undefined && { head }),
    ...(batchNorm !== undefined && { batchNorm }),
  });
}

/** What the flags train: the model, with TrAct if they say so. @throws OptionError */
function withTract(model: Model, flags: TrainFlags): Trainable {
  if (flags.tract === undefined && flags.tractLayer === undefined) return trainable(model);
  const setting = {
    ...(flags.tract !== undefined && { lambda: flags.tract }),
    ...(flags.tractLayer !== undefined && { layer: flags.tractLayer }),
  };
  return tract(model, setting);
}

const withTransforms = ({ model, transforms }: Trainable, more: readonly GradientTransform[]): Trainable => ({
  model,
  transforms: [...transforms, ...more],
});

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
  const { lr = defaultRates[optimizer], warmup } = flags;
  return {
    optimizer: createOptimizer(optimizer, createSchedule(flags.schedule, { lr, warmup }), config),
    batchSize,
    seed,
    labelSmoothing,
  };
}

async function weightsIn(path: string): Promise<ReturnType<typeof readWeights>> {
  const bytes = await readBytes(path);
  return describing(path, () => readWeights(bytes));
}
