/** A trained model, as `tract eval`, `predict` and `export` take it. */
import type { Model } from '../nn/model.js';
import type { Checkpoint } from '../train/checkpoint.js';
import type { LearnedState } from '../train/evaluator.js';
import { createVariantModel } from '../compare/variant.js';
import type { RunConfig } from '../train/run-config.js';
import { trainableOf } from '../train/run-parts.js';
import type { Trainable } from '../optim/trainable.js';
import { describing, readKeptCheckpoint } from '../train/run-folder.js';
import { trainedModel } from '../train/trained.js';
import { refuseFolderOfRuns } from './runs-within.js';

export interface Trained {
  /** The checkpoint's file. */
  readonly file: string;
  readonly config: RunConfig;
  readonly state: Checkpoint['state'];
  readonly progress: Checkpoint['state']['progress'];
  readonly model: Model;
  /** The model with the transforms it was trained with. */
  readonly trainable: Trainable;
  readonly learned: LearnedState;
}

/**
 * Reads a checkpoint, or the one that a run's folder is for: its best one, where validation images chose one, else its
 * last.
 *
 * @throws CheckpointError naming the file and what is wrong with it
 */
export async function readTrained(run: string): Promise<Trained> {
  await refuseFolderOfRuns(run);
  const { file, ...checkpoint } = await readKeptCheckpoint(run);
  const { config, state } = checkpoint;
  return describing(file, () => {
    const { model, learned } = trainedModel(checkpoint, { makeModel: createVariantModel });
    const { progress } = state;
    return { file, config, state, progress, model, trainable: trainableOf(config, model), learned };
  });
}
