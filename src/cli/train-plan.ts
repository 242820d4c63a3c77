/** From the flags of `tract train` to what is trained, on what, and where it is kept. */
import type { Command } from 'commander';
import { batchCount } from '../data/batches.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import type { Model } from '../nn/model.js';
import { createModel, modelOptions } from '../models/registry.js';
import { type Trainable, trainable } from '../optim/trainable.js';
import { tract, tractSetting } from '../tract/tract.js';
import { readWeights, restoreTrainer } from '../train/checkpoint.js';
import { type RunConfig, describeRun, runOptionsOf } from '../train/run-config.js';
import { RunFolder, describedError, describing, readBytes } from '../train/run-folder.js';
import { Trainer } from '../train/trainer.js';
import { checkFits } from '../train/loaders.js';
import { speedGroups } from '../train/recipes.js';
import type { RunOptions, TrainerOptions } from '../train/options.js';
import { augmentationOf } from './augmentation.js';
import { datasetFacts } from './dataset-names.js';
import { datasetOfRun, loadDataset } from './datasets.js';
import { UsageError } from './errors.js';
import { longFlag } from './flags.js';
import { hasSpeedGroups, withRecipe } from './recipe-flags.js';
import { resumedRun } from './resume.js';
import { optimizationOf, transformsOf } from './optimization.js';
import type { TrainFlags } from './train-flags.js';

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
export async function newRun(asked: TrainFlags, command: Command, signal: AbortSignal): Promise<TrainPlan> {
  const flags = withRecipe(asked, command);
  const given = trainableFrom(flags, command);
  const trainerOptions = optimizationFrom(flags, command);
  const weights = flags.weights === undefined ? undefined : await weightsIn(flags.weights);
  const dataset = await datasetFrom(flags, signal);
  // Said now rather than after the step has been compiled.
  batchCount(imageCount(dataset.train), {
    batchSize: flags.batchSize,
    last: 'drop',
  });
  checkFits(dataset, given.model);
  const { epochs, maxSteps, device, threads } = flags;
  const options: RunOptions = {
    epochs,
    augmentation: augmentationOf(flags, dataset),
    ...(maxSteps !== undefined && { maxSteps }),
  };
  const name = `runs/${flags.data}-${flags.model}${tractSetting(given) ? '-tract' : ''}`;
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
const modelFlags = ['width', 'depth', 'stem', 'patch', 'heads', 'mlpRatio', 'dropPath', 'whitening'] as const;

/** The model that the flags describe. @throws UsageError, OptionError */
export function modelFrom(flags: TrainFlags, command: Command): Model {
  const config = modelOptions(flags.model);
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

/** What the flags train: the model, with TrAct if they say so. @throws OptionError */
export function trainableFrom(flags: TrainFlags, command: Command): Trainable {
  const model = { model: modelFrom(flags, command), transforms: transformsOf(flags) };
  if (flags.tract === undefined && flags.tractLayer === undefined) return trainable(model);
  const setting = {
    ...(flags.tract !== undefined && { lambda: flags.tract }),
    ...(flags.tractLayer !== undefined && { layer: flags.tractLayer }),
  };
  return tract(model, setting);
}

/** How it is trained. @throws UsageError, OptionError */
export function optimizationFrom(flags: TrainFlags, command: Command): TrainerOptions {
  const { batchSize, seed, labelSmoothing, testViews, progressive } = flags;
  // What is not for Muon has optimizers of its own in the recipe.
  const groups = hasSpeedGroups(flags, command) ? speedGroups(batchSize) : [];
  return {
    ...optimizationOf(flags, command, groups),
    batchSize,
    seed,
    labelSmoothing,
    ...(testViews && { testViews }),
    ...(progressive && { progressive }),
  };
}

export async function weightsIn(path: string): Promise<ReturnType<typeof readWeights>> {
  const bytes = await readBytes(path);
  return describing(path, () => readWeights(bytes));
}
