/** A trained model, as `tract eval`, `predict` and `export` take it. */
import type { Model } from '../nn/model.js';
import { type Checkpoint, weightsOf } from '../train/checkpoint.js';
import type { LearnedState } from '../train/evaluator.js';
import { CheckpointError } from '../train/json-check.js';
import { createVariantModel } from '../compare/variant.js';
import { type RunConfig, modelOf, trainableOf } from '../train/run-config.js';
import type { Trainable } from '../optim/trainable.js';
import { findCheckpoint, readCheckpoint } from '../train/run-folder.js';
import { StateError, checkState } from '../train/state.js';
import { modelTensors } from '../train/step-graph.js';
import { refuseFolderOfRuns } from './runs-within.js';

export interface Trained {
  /** The checkpoint's file. */
  readonly file: string;
  readonly config: RunConfig;
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
  const { file, config, state } = await keptCheckpoint(run);
  const weights = weightsOf(state);
  const { mean, deviation } = config.data;
  try {
    const model = modelOf(config, createVariantModel);
    checkState(modelTensors(model), weights);
    const [channels] = model.imageShape;
    if ([mean, deviation].some(({ length }) => length !== channels)) {
      throw new CheckpointError(`data.mean and data.deviation must have ${channels} numbers each`);
    }
    if (config.data.classNames.length !== model.classes) {
      throw new CheckpointError(
        `it names ${config.data.classNames.length} classes, but its model has ${model.classes}`,
      );
    }
    return {
      file,
      config,
      progress: state.progress,
      model,
      trainable: trainableOf(config, model),
      learned: { weights, standardization: { mean, deviation } },
    };
  } catch (error) {
    if (!(error instanceof StateError || error instanceof RangeError || error instanceof CheckpointError))
      throw error;
    throw new CheckpointError(`${file} cannot be used: ${error.message}`, { cause: error });
  }
}

async function keptCheckpoint(run: string): Promise<Checkpoint & { file: string }> {
  const file = await findCheckpoint(run, ['best', 'last']);
  const checkpoint = await readCheckpoint(file);
  if (file === run || checkpoint.config.data.validationImages !== undefined) return { file, ...checkpoint };
  // A best one without validation images is of a version that chose it on the test images: its figure on them would
  // be too good.
  const last = await findCheckpoint(run, ['last', 'best']);
  return { file: last, ...(last === file ? checkpoint : await readCheckpoint(last)) };
}
