/** `tract train --resume`: which checkpoint, and whether the other flags agree with it. */
import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../tensor/counted.js';
import { formatLambda } from '../tract/lambda.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { CheckpointError } from '../train/json-check.js';
import { type RunConfig, stepsOf, wholeTrainImages } from '../train/run-config.js';
import type { ResolutionStage } from '../train/progressive.js';
import { RunFolder, findCheckpoint, readCheckpoint } from '../train/run-folder.js';
import { isDatasetName } from './dataset-names.js';
import { augmentationFlags } from './augmentation.js';
import { UsageError } from './errors.js';
import { givenFlags, longFlag } from './flags.js';
import { groupFlags, optimizerOptions, scheduleOptions } from './optimization-flags.js';
import { type TrainFlags, endFlags, freeFlags } from './train-flags.js';

export interface ResumedRun {
  /** The checkpoint's file. */
  readonly file: string;
  /** Its configuration is the one to go on with. */
  readonly checkpoint: Checkpoint;
  /** Whether that is another than the run had so far. */
  readonly extended: boolean;
  /** The folder it goes on in, which belongs to this process until it is closed. */
  readonly folder: RunFolder;
}

/**
 * Takes the folder of a run, and reads the checkpoint that it continues from.
 *
 * @throws CheckpointError where there is none, or it is damaged
 * @throws OutputError where another process is at the run
 * @throws UsageError for a flag that contradicts it
 */
export async function resumedRun(run: string, flags: TrainFlags, command: Command): Promise<ResumedRun> {
  const file = await findCheckpoint(run, ['last']);
  if (basename(file) !== 'last.safetensors') {
    throw new UsageError(
      `--resume continues from last.safetensors, not from ${file}: the steps after it would be lost; to go on from there, copy it as last.safetensors into a new folder and resume that`,
    );
  }
  const folder = await RunFolder.resume(dirname(file));
  try {
    const checkpoint = await readCheckpoint(file);
    const { name, folder: pictures } = checkpoint.config.data;
    if (!isDatasetName(name) && !pictures) {
      throw new CheckpointError(`${file} is of a run on "${name}", which is no dataset of this command`);
    }
    refuseContradictions(checkpoint.config, folder.path, flags, command);
    const config = lengthened(checkpoint, folder.path, flags, command);
    return {
      file,
      checkpoint: { ...checkpoint, config },
      extended: config !== checkpoint.config,
      folder,
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/**
 * The configuration of a run that is to end later, or earlier, than it was begun with.
 *
 * @throws UsageError for an end before what the run has done, or one that changes nothing
 */
function lengthened(
  { config, state: { progress } }: Checkpoint,
  folder: string,
  flags: TrainFlags,
  command: Command,
): RunConfig {
  const given = givenFlags(command);
  const epochs = given.includes('epochs') ? flags.epochs : config.epochs;
  const maxSteps = given.includes('maxSteps') ? (flags.maxSteps ?? null) : config.maxSteps;
  if (epochs === config.epochs && maxSteps === config.maxSteps) return config;
  const { epoch, stepInEpoch, step } = progress;
  const begun = stepInEpoch > 0 ? ` and ${counted(stepInEpoch, 'step')} of the next` : '';
  const least = epoch + (stepInEpoch > 0 ? 1 : 0);
  if (epochs < least) {
    throw new UsageError(
      `--epochs ${epochs} is less than the run in ${folder} has done, ${counted(epoch, 'epoch')}${begun}; give at least ${least}`,
    );
  }
  if (maxSteps !== null && maxSteps < step) {
    throw new UsageError(
      `--max-steps ${maxSteps} is less than the run in ${folder} has done, ${counted(step, 'step')}; give at least ${step}`,
    );
  }
  const changed = { ...config, epochs, maxSteps };
  const both = given.includes('epochs') && given.includes('maxSteps');
  if (!both && stepsOf(changed, progress) === stepsOf(config, progress)) {
    const ends = [`--epochs ${epochs}`, `--max-steps ${maxSteps ?? ''}`];
    const [changing, other] = given.includes('epochs') ? ends : ends.reverse();
    throw new UsageError(
      `${changing} changes nothing: the run in ${folder} ends with ${other} all the same; give both`,
    );
  }
  return changed;
}

/** What else a run keeps that cannot be compared with a flag, and what it is called. */
const KEPT: Readonly<Partial<Record<string, string>>> = {
  recipe: 'options',
  stages: 'stages',
  classWeights: 'class weights',
  tractUntil: 'steps of TrAct',
};

function refuseContradictions(config: RunConfig, folder: string, flags: TrainFlags, command: Command): void {
  const stored: FlagValues = { ...flagValues(config), out: folder };
  const values: FlagValues = {
    ...(flags as unknown as FlagValues),
    tract: flags.tract === undefined ? undefined : formatLambda(flags.tract),
    betas: flags.betas?.join(','),
    progressive: flags.progressive && stagesText(flags.progressive),
  };
  const fixed = givenFlags(command).filter((key) => !freeFlags.has(key) && !endFlags.has(key));
  const kept = fixed.find(
    (key) => groupFlags.has(key) || augmentationFlags.has(key) || Object.hasOwn(KEPT, key),
  );
  if (kept !== undefined) {
    const what = KEPT[kept] ?? (groupFlags.has(kept) ? 'parameter groups' : 'augmentation');
    throw new UsageError(
      `${longFlag(command, kept)} is for a new run: the one in ${folder} keeps the ${what} that it was begun with; leave it out, or start a new run with another --out`,
    );
  }
  for (const key of fixed) {
    const [given, kept] = [values[key], stored[key]];
    // A folder of pictures may have been moved; whether they are the same is seen when they are read.
    if (key === 'data' && config.data.folder && !isDatasetName(flags.data)) continue;
    if (key === 'out' ? resolve(String(given)) === resolve(folder) : given === kept) continue;
    const flag = longFlag(command, key);
    const written = typeof given === 'boolean' ? flag : `${flag} ${given}`;
    const before =
      typeof given === 'boolean' || kept === undefined ? `without ${flag}` : `with ${flag} ${kept}`;
    throw new UsageError(
      `${written} contradicts the run in ${folder}, which goes on ${before}; leave it out, or start a new run with another --out`,
    );
  }
}

const stagesText = (stages: readonly ResolutionStage[]): string =>
  stages.map(({ size, until }) => `${size}:${until}`).join(',');

type FlagValues = Readonly<Record<string, string | number | boolean | undefined>>;

/** An option of one of the transforms that training images go through. */
function augmentationOption({ augmentation }: RunConfig, name: string, option: string): number | undefined {
  if (!augmentation || 'cropPadding' in augmentation) return undefined;
  const value = augmentation.find((one) => one.name === name)?.config[option];
  return typeof value === 'number' ? value : undefined;
}

/** The values that flags would have had to start a run with this configuration. */
function flagValues(config: RunConfig): FlagValues {
  const { data, model, tract, optimizer, schedule, transforms = [] } = config;
  const { beta1, beta2 } = optimizer.config;
  const options = (names: Readonly<Record<string, string>>, from: FlagValues): FlagValues =>
    Object.fromEntries(Object.entries(names).map(([key, option]) => [key, from[option]]));
  return {
    ...model.config,
    data: data.name,
    imageSize: data.folder?.size[0],
    background: data.folder?.decoding.background,
    limitTrain: wholeTrainImages(data),
    limitTest: data.testImages,
    validation: data.setAside?.share,
    augment: config.augmentation !== null,
    randAugment: augmentationOption(config, 'randAugment', 'magnitude'),
    colorJitter: augmentationOption(config, 'colorJitter', 'brightness'),
    randomErasing: augmentationOption(config, 'randomErasing', 'probability'),
    model: model.name,
    tract: tract ? formatLambda(tract.lambda) : undefined,
    tractLayer: tract ? [tract.layer].flat().join() : undefined,
    lambdaEnd: tract?.lambdaEnd,
    gramMomentum: tract?.gramMomentum,
    optimizer: optimizer.name.slice(optimizer.name.lastIndexOf('+') + 1),
    ...options(optimizerOptions, optimizer.config),
    betas: 'beta1' in optimizer.config ? `${beta1},${beta2}` : undefined,
    weightDecay: optimizer.config.weightDecay,
    lookahead: optimizer.config.lookaheadEvery,
    ema: config.emaDecay,
    centralize: transforms.some(({ name }) => name === 'centralize'),
    clipNorm: transforms.find(({ name }) => name === 'clip')?.config.maxNorm as number | undefined,
    schedule: schedule.name,
    ...options(scheduleOptions, schedule.config),
    lr: schedule.config.lr,
    warmup: schedule.config.warmup,
    labelSmoothing: config.labelSmoothing,
    mixup: config.mixing?.mixup,
    cutmix: config.mixing?.cutmix,
    testViews: config.testViews,
    progressive: config.progressive && stagesText(config.progressive),
    batchSize: config.batchSize,
    shards: config.shards ?? 1,
    seed: config.seed,
  };
}
