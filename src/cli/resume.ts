/** `tract train --resume`: which checkpoint, and whether the other flags agree with it. */
import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { formatLambda } from '../tract/lambda.js';
import type { Checkpoint } from '../train/checkpoint.js';
import { CheckpointError } from '../train/json-check.js';
import { type RunConfig, wholeTrainImages } from '../train/run-config.js';
import { findCheckpoint, readCheckpoint } from '../train/run-folder.js';
import { type DatasetName, isDatasetName } from './dataset-names.js';
import { UsageError } from './errors.js';
import { givenFlags, longFlag } from './flags.js';
import { type TrainFlags, freeFlags } from './train-flags.js';

export interface ResumedRun {
  readonly checkpoint: Checkpoint;
  /** The folder it goes on in. */
  readonly folder: string;
  readonly name: DatasetName;
}

/**
 * Reads the checkpoint that a run continues from.
 *
 * @throws CheckpointError where there is none, or it is damaged
 * @throws UsageError for a flag that contradicts it
 */
export async function resumedRun(run: string, flags: TrainFlags, command: Command): Promise<ResumedRun> {
  const file = await findCheckpoint(run, ['last']);
  if (basename(file) !== 'last.safetensors') {
    throw new UsageError(
      `--resume continues from last.safetensors, not from ${file}: the steps after it would be lost; to go on from there, copy it as last.safetensors into a new folder and resume that`,
    );
  }
  const checkpoint = await readCheckpoint(file);
  const folder = dirname(file);
  const { name } = checkpoint.config.data;
  if (!isDatasetName(name)) {
    throw new CheckpointError(`${file} is of a run on "${name}", which is no dataset of this command`);
  }
  refuseContradictions(checkpoint.config, folder, flags, command);
  return { checkpoint, folder, name };
}

function refuseContradictions(config: RunConfig, folder: string, flags: TrainFlags, command: Command): void {
  const stored: FlagValues = { ...flagValues(config), out: folder };
  const values: FlagValues = {
    ...(flags as unknown as FlagValues),
    tract: flags.tract === undefined ? undefined : formatLambda(flags.tract),
  };
  for (const key of givenFlags(command).filter((name) => !freeFlags.has(name))) {
    const [given, kept] = [values[key], stored[key]];
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

type FlagValues = Readonly<Record<string, string | number | boolean | undefined>>;

/** The values that flags would have had to start a run with this configuration. */
function flagValues(config: RunConfig): FlagValues {
  const { data, model, tract, optimizer, schedule } = config;
  return {
    ...model.config,
    data: data.name,
    limitTrain: wholeTrainImages(data),
    limitTest: data.testImages,
    validation: data.setAside?.share,
    augment: config.augmentation !== null,
    model: model.name,
    tract: tract ? formatLambda(tract.lambda) : undefined,
    tractLayer: tract?.layer,
    optimizer: optimizer.name,
    momentum: optimizer.config.momentum,
    nesterov: optimizer.config.nesterov,
    weightDecay: optimizer.config.weightDecay,
    schedule: schedule.name,
    lr: schedule.config.lr,
    warmup: schedule.config.warmup,
    labelSmoothing: config.labelSmoothing,
    batchSize: config.batchSize,
    epochs: config.epochs,
    maxSteps: config.maxSteps ?? undefined,
    seed: config.seed,
  };
}
