/** One checkpoint of a trainer, as a file. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { outputError, writeAtomically } from '../../data/atomic-write.js';
import { toCheckpoint } from '../checkpoint.js';
import { checkFinite } from '../divergence.js';
import type { Progress } from '../progress.js';
import { type RunConfig, stepsPerEpochOf } from '../run-config.js';
import type { Trainer } from '../trainer.js';
import { type RunDescription, begunEpochs, configOf, folderOf } from './run-files.js';

/**
 * Saves what a trainer has learned, and all it takes to go on.
 *
 * @param path of a file, where it ends in `.safetensors`; else of a run's folder, which `tract train --resume`,
 *   `Classifier.load`, `tract eval`, `predict` and `export` take; folders that are missing are made
 * @returns the path of the checkpoint's file
 * @throws RunExistsError where another run is in the folder
 * @throws OutputError where it cannot be written
 * @throws DivergenceError when the state holds a number that is none
 * @throws DataError for a dataset with less images than a batch
 */
export async function saveRun(trainer: Trainer, path: string, description: RunDescription): Promise<string> {
  const described = configOf(trainer, description);
  const { progress: reached, ...state } = await trainer.state();
  const progress = inEpochs(reached, described);
  const config = { ...described, epochs: description.epochs ?? begunEpochs(progress) };
  const checkpoint = { config, state: { ...state, progress } };
  if (path.endsWith('.safetensors')) {
    checkFinite(state.tensors, progress.step);
    await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
      throw outputError(error, path);
    });
    await writeAtomically(path, toCheckpoint(checkpoint));
    return path;
  }
  const { folder } = await folderOf(path, config, progress);
  try {
    await folder.begin(config, progress, trainer.model);
    return await folder.save('last', checkpoint);
  } finally {
    await folder.close();
  }
}

/** Whoever makes the steps themselves never closes an epoch; a checkpoint counts no more steps in one than there are. */
function inEpochs(progress: Progress, config: RunConfig): Progress {
  const { epoch, stepInEpoch, lossSum, correctSum } = progress;
  const stepsPerEpoch = stepsPerEpochOf(config);
  if (stepInEpoch <= stepsPerEpoch) return progress;
  const rest = stepInEpoch % stepsPerEpoch;
  const share = rest / stepInEpoch;
  return {
    ...progress,
    epoch: epoch + Math.floor(stepInEpoch / stepsPerEpoch),
    stepInEpoch: rest,
    lossSum: lossSum * share,
    correctSum: correctSum * share,
  };
}
