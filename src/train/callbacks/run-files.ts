/** A trainer's run in a folder: which configuration it has, and whether the folder is its own. */
import { isDeepStrictEqual } from 'node:util';
import { batchCount } from '../../data/batches.js';
import { type ImageDataset, imageCount } from '../../data/dataset.js';
import type { RunOptions } from '../options.js';
import type { Progress } from '../progress.js';
import { type RunConfig, describeRun } from '../run-config.js';
import { RunExistsError, RunFolder, findCheckpoint, readCheckpoint } from '../run-folder.js';
import type { Trainer } from '../trainer.js';

/** What a checkpoint says of a run beside its state. */
export interface RunDescription extends Pick<RunOptions, 'augmentation' | 'maxSteps'> {
  /** The images that it is trained on. */
  readonly dataset: ImageDataset;
  /** Passes over the training split of the whole run. Default: those that the trainer has begun, at least one. */
  readonly epochs?: number;
}

/**
 * A trainer's run in the terms of a checkpoint.
 *
 * @throws DataError where the dataset has less images than a batch
 */
export function configOf(trainer: Trainer, description: RunDescription): RunConfig {
  const { dataset, ...options } = description;
  // A checkpoint without a whole batch of images could not be read.
  batchCount(imageCount(dataset.train), { batchSize: trainer.batchSize, last: 'drop' });
  return describeRun(
    trainer.trainable,
    trainer.options,
    // A trainer keeps the standardisation that it began with.
    { ...dataset, ...trainer.standardization },
    { epochs: begunEpochs(trainer.progress), ...options },
  );
}

/**
 * The folder of a run: a new one for a run from the beginning, or that it was in before.
 *
 * @returns `changed`: whether the folder has no checkpoint of this configuration
 * @throws RunExistsError where another run is in it, or the same one, further on
 * @throws OutputError where another process has it, or it cannot be written to
 */
export async function folderOf(
  path: string,
  config: RunConfig,
  progress: Progress,
): Promise<{ readonly folder: RunFolder; readonly changed: boolean }> {
  const last = await findCheckpoint(path, ['last']).catch(() => undefined);
  if (progress.step === 0 || last === undefined || last === path)
    return { folder: await RunFolder.create(path), changed: true };
  const folder = await RunFolder.resume(path);
  try {
    // Read when no other process writes to it any more.
    const { config: kept, state } = await readCheckpoint(last);
    // As it comes back from a file.
    const present = JSON.parse(JSON.stringify(config)) as RunConfig;
    // A run may be given another end.
    const { epochs, maxSteps } = present;
    if (!isDeepStrictEqual({ ...kept, epochs, maxSteps }, present))
      throw new RunExistsError(`${path} holds another run; choose another folder`);
    if (state.progress.step > progress.step) {
      throw new RunExistsError(
        `${path} holds this run at step ${state.progress.step}, and the trainer is at step ${progress.step}; go on from there, or choose another folder`,
      );
    }
    return { folder, changed: !isDeepStrictEqual(kept, present) };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** At least one. */
export function begunEpochs({ epoch, stepInEpoch }: Progress): number {
  return Math.max(epoch + (stepInEpoch > 0 ? 1 : 0), 1);
}
