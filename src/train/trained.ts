/** The model of a checkpoint, and what it has learned. */
import type { Model } from '../nn/model.js';
import { withTestViews } from '../nn/test-views.js';
import { type Checkpoint, weightsOf } from './checkpoint.js';
import type { LearnedState } from './evaluator.js';
import { CheckpointError } from './json-check.js';
import type { ModelMaker } from './run-config.js';
import { modelOf } from './run-parts.js';
import { checkState } from './state.js';
import { modelTensors } from './step-graph.js';

export interface TrainedModel {
  readonly model: Model;
  readonly learned: LearnedState;
}

/**
 * Makes the model of a checkpoint, seeing images in the views that it was evaluated in, and checks that everything in the file is that model's.
 *
 * @param options.model the model, if it is the user's own
 * @param options.makeModel makes models by name. Default: those of this package
 * @throws StateError naming the first weight that does not fit
 * @throws CheckpointError for another number of classes or channels, or a model that is not known
 */
export function trainedModel(
  { config, state, model: beside }: Checkpoint,
  options: { readonly model?: Model; readonly makeModel?: ModelMaker } = {},
): TrainedModel {
  const model = options.model ?? beside ?? modelOf(config, options.makeModel);
  const weights = weightsOf(state);
  checkState(modelTensors(model), weights);
  const { classNames, mean, deviation } = config.data;
  const [channels] = model.imageShape;
  if ([mean, deviation].some(({ length }) => length !== channels))
    throw new CheckpointError(`data.mean and data.deviation must have ${channels} numbers each`);
  if (classNames.length !== model.classes) {
    throw new CheckpointError(`it names ${classNames.length} classes, but its model has ${model.classes}`);
  }
  return {
    model: withTestViews(model, config.testViews ?? 'none'),
    learned: { weights, standardization: { mean, deviation } },
  };
}
