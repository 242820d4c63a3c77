/** From the flags of `tract train` to what is trained, on what, and where it is kept. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { batchCount } from '../data/batches.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import type { FileModel } from '../models/file-model-options.js';
import { tractSetting } from '../tract/tract.js';
import type { MpiGroup } from '../mpi/mpi-group.js';
import {
  type Checkpoint,
  fromCheckpoint,
  readWeights,
  restoreTrainer,
  toCheckpoint,
} from '../train/checkpoint.js';
import { FILE_MODEL, modelOfRun } from '../train/load-model.js';
import { bytesOfFirst } from '../train/ranks.js';
import { type RunConfig, describeRun } from '../train/run-config.js';
import { runOptionsOf } from '../train/run-parts.js';
import { RunFolder, describedError, describing, readBytes } from '../train/run-folder.js';
import { checkTrainingStages } from '../train/stages.js';
import { Trainer } from '../train/trainer.js';
import { checkFits } from '../train/loaders.js';
import { speedGroups } from '../train/recipes.js';
import type { RunOptions, TrainerOptions } from '../train/options.js';
import { augmentationOf, checkAugmentation, mixingOf } from './augmentation.js';
import { classWeightsOf } from './class-weights.js';
import { knownModel, modelFor, trainableFrom } from './chosen-model.js';
import { isDatasetName } from './dataset-names.js';
import { datasetOfRun, loadDataset } from './datasets.js';
import { UsageError } from './errors.js';
import { checkSelection, epochsOf, tellWeights, withHead } from './fine-tuning.js';
import { givenFlags, longFlag } from './flags.js';
import { inTurns } from './ranks.js';
import { hasSpeedGroups, withDefaults } from './recipe-flags.js';
import { resumedRun } from './resume.js';
import { optimizationOf } from './optimization.js';
import { withWarmup } from './warmup.js';
import { type DataFlags, type TrainFlags, checkFolderFlags } from './train-flags.js';
import { checkWithoutTract } from './tract-flags.js';

/** Everything that is settled before the training step is compiled. */
export interface TrainPlan {
  readonly config: RunConfig;
  readonly dataset: ImageDataset;
  readonly options: RunOptions;
  /** Where the run is kept; of several processes rank 0 alone has it. */
  readonly folder: RunFolder | undefined;
  /** Whether it continues a run. */
  readonly resumed: boolean;
  /** Whether the configuration is another than the checkpoint's that it continues. */
  readonly extended: boolean;
  createTrainer(): Promise<Trainer>;
}

/** Who runs it: whether it is to end early, and the processes it is one of, if there are several. */
export interface Runner {
  readonly signal: AbortSignal;
  readonly group: MpiGroup | undefined;
}

/** A new run. */
export async function newRun(asked: TrainFlags, command: Command, runner: Runner): Promise<TrainPlan> {
  const flags = withDefaults(asked, command);
  const { signal, group } = runner;
  const isFirst = !group || group.rank === 0;
  // What is wrong with the flags is said before anything is read; of a folder it depends on its pictures.
  optimizationFrom(flags, command);
  if (flags.tract === undefined && flags.tractLayer === undefined) checkWithoutTract(flags, command);
  if (flags.patience !== undefined && flags.validation === undefined)
    throw new UsageError(
      `${longFlag(command, 'patience')} is told by validation images, because a run that ends by its test images has figures on them that are too good; set some aside with ${longFlag(command, 'validation')}`,
    );
  if (flags.stages && givenFlags(command).includes('epochs'))
    throw new UsageError(
      `${longFlag(command, 'stages')} and ${longFlag(command, 'epochs')} both say how long the run is; leave one out`,
    );
  const known = knownModel(flags, command);
  const weights = flags.weights === undefined ? undefined : await weightsIn(flags.weights, group);
  const dataset = await inTheirTurns(group, flags, () => datasetFrom(flags, signal));
  const model = known ?? (await modelFor(flags, command, dataset));
  const { shards = group?.size ?? 1, ...others } = optimizationFrom(withWarmup(flags, dataset), command);
  const trainerOptions = { ...others, shards, ...classWeightsOf(flags, dataset) };
  checkSelection(flags, model);
  if (flags.stages) checkTrainingStages(flags.stages, model, trainerOptions.groups, trainerOptions.optimizer);
  const given = trainableFrom(model, flags, dataset);
  // Said now rather than after the step has been compiled.
  batchCount(imageCount(dataset.train), {
    batchSize: flags.batchSize,
    last: 'drop',
  });
  checkFits(dataset, given.model);
  const { stages, maxSteps, device, threads } = flags;
  const options: RunOptions = {
    epochs: stages ? epochsOf(stages) : flags.epochs,
    augmentation: augmentationOf(flags, dataset),
    ...(maxSteps !== undefined && { maxSteps }),
  };
  const name = `runs/${runName(flags, dataset)}${tractSetting(given) ? '-tract' : ''}`;
  return {
    config: describeRun(given, trainerOptions, dataset, options),
    dataset,
    options,
    folder: isFirst
      ? await (flags.out === undefined ? RunFolder.createFresh(name) : RunFolder.create(flags.out))
      : undefined,
    resumed: false,
    extended: false,
    async createTrainer() {
      const trainer = await Trainer.create(given, {
        ...trainerOptions,
        device,
        ...(threads && { threads }),
        ...(group && { group }),
      });
      if (weights) {
        try {
          const complete = withHead(weights, await trainer.weights(), model);
          trainer.load(complete.weights);
          tellWeights(complete, model);
        } catch (error) {
          await trainer.release();
          throw error;
        }
      }
      return trainer;
    },
  };
}

/** What a run is called by its data and its model, such as `cifar10-resnet18`. */
export function runName({ data, model }: TrainFlags, { name }: ImageDataset): string {
  return `${isDatasetName(data) ? data : name}-${basename(model, '.onnx')}`;
}

/** A run that goes on. Of several processes rank 0 reads the checkpoint, and gives it to all. */
export async function continuedRun(
  run: string,
  flags: TrainFlags,
  command: Command,
  { signal, group }: Runner,
): Promise<TrainPlan> {
  const own = !group || group.rank === 0 ? await resumedRun(run, flags, command) : undefined;
  const { folder, extended = false, file = run } = own ?? {};
  const { device, threads } = flags;
  try {
    const checkpoint = await sharedCheckpoint(group, own?.checkpoint);
    const { config } = checkpoint;
    const dataset = await inTheirTurns(group, flags, () =>
      datasetOfRun(config.data, file, {
        dir: flags.dataDir,
        ...(givenFlags(command).includes('data') && { data: flags.data }),
        reading: flags,
        signal,
      }),
    );
    return {
      config,
      dataset,
      options: runOptionsOf(config),
      folder,
      resumed: true,
      extended,
      async createTrainer() {
        try {
          return await restoreTrainer(checkpoint, {
            device,
            ...(threads && { threads }),
            ...(group && { group }),
          });
        } catch (error) {
          throw describedError(file, error);
        }
      },
    };
  } catch (error) {
    await folder?.close();
    throw error;
  }
}

/** Loads the dataset; where it may have to be downloaded, one of several processes on each machine does it first. */
function inTheirTurns(
  group: MpiGroup | undefined,
  { dataDir }: TrainFlags,
  load: () => Promise<ImageDataset>,
): Promise<ImageDataset> {
  return group && dataDir === undefined ? inTurns(group, load) : load();
}

/** A checkpoint that rank 0 has, if there are several processes. */
export async function sharedCheckpoint(
  group: MpiGroup | undefined,
  own: Checkpoint | undefined,
): Promise<Checkpoint> {
  if (!group) return own!;
  const checkpoint = fromCheckpoint(await bytesOfFirst(group, own && toCheckpoint(own)));
  const { model } = checkpoint.config;
  if (model.name !== FILE_MODEL) return own ?? checkpoint;
  const file = own?.model as FileModel | undefined;
  const source = await bytesOfFirst(group, file?.file.bytes);
  return own ?? { ...checkpoint, model: await modelOfRun(source, model) };
}

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

/** How it is trained. @throws UsageError, OptionError */
export function optimizationFrom(flags: TrainFlags, command: Command): TrainerOptions {
  const { batchSize, shards, seed, labelSmoothing, testViews, progressive, stages } = flags;
  // What is not for Muon has optimizers of its own in the recipe.
  const groups = hasSpeedGroups(flags, command) ? speedGroups(batchSize) : [];
  return {
    ...optimizationOf(flags, command, groups),
    batchSize,
    ...(shards !== undefined && { shards }),
    seed,
    labelSmoothing,
    ...mixingOf(flags),
    ...(testViews && { testViews }),
    ...(progressive && { progressive }),
    ...(stages && { stages }),
  };
}

/** The weights in a file, which of several processes rank 0 reads. */
export async function weightsIn(path: string, group?: MpiGroup): Promise<ReturnType<typeof readWeights>> {
  const own = !group || group.rank === 0 ? await readBytes(path) : undefined;
  const bytes = group ? await bytesOfFirst(group, own) : own!;
  return describing(path, () => readWeights(bytes));
}
