/** Stages of training: which parameters are trained, and for how many epochs, one after the other. */
import type { Model } from '../nn/model.js';
import { type Selector, assignGroups, checkMeaning, selects } from '../optim/groups.js';
import { type ParameterGroups, groupedParameters } from '../optim/model-groups.js';
import type { Optimizer } from '../optim/optimizer.js';
import { OptionError } from '../tensor/option-error.js';
import { type Progress, totalSteps } from './progress.js';

/**
 * A part of a run that trains some of the parameters. It begins as a run of its own does that is given the weights of the
 * stage before: what the optimizer keeps, the mean of weights, the schedule and its warm-up begin anew.
 */
export interface TrainingStage {
  /** Which parameters are trained in it, of those that parameter groups train. Default: all of these. */
  readonly parameters?: Selector;
  /** Passes over the training images. The last stage lasts to the end of the run, whichever that is. */
  readonly epochs: number;
  /** What learning rates are multiplied by in it. Default 1. */
  readonly learningRateFactor?: number;
}

/** The stage that is next in a run. */
export interface NextStage {
  readonly index: number;
  /** The step of the run that it ends with. */
  readonly end: number;
}

/** More than any run has; each costs a compilation. */
const MOST_STAGES = 16;

/** The stage that an epoch is in, all counted from 0. */
export function stageAt(stages: readonly TrainingStage[], epoch: number): number {
  let end = 0;
  const found = stages.findIndex(({ epochs }) => epoch < (end += epochs));
  return found < 0 ? stages.length - 1 : found;
}

/** The stage of the next step of a run that is to have so many epochs, and where it ends. */
export function nextStage(
  stages: readonly TrainingStage[],
  progress: Progress,
  stepsPerEpoch: number,
  epochs: number,
  maxSteps: number,
): NextStage {
  const index = stageAt(stages, progress.epoch);
  const lasts = stages.slice(0, index + 1).reduce((sum, stage) => sum + stage.epochs, 0);
  const until = index === stages.length - 1 ? epochs : Math.min(lasts, epochs);
  return { index, end: totalSteps(progress, stepsPerEpoch, until, maxSteps) };
}

/** The parameter groups of a stage. */
export function groupsInStage({ parameters }: TrainingStage, groups: ParameterGroups = []): ParameterGroups {
  if (parameters === undefined) return groups;
  const trained = selects(parameters);
  return (model) => {
    const given = typeof groups === 'function' ? groups(model) : groups;
    const others = groupedParameters(model).filter((parameter) => !trained(parameter));
    const names = new Set(others.map(({ name }) => name));
    if (names.size === 0) return given;
    return [{ parameters: ({ name }) => names.has(name), trainable: false }, ...given];
  };
}

/** @throws OptionError for stages that are none, or that train nothing */
export function checkTrainingStages(
  stages: readonly TrainingStage[],
  model: Model,
  groups: ParameterGroups | undefined,
  optimizer: Optimizer,
): void {
  if (stages.length < 1 || stages.length > MOST_STAGES)
    throw new OptionError(`there may be 1 to ${MOST_STAGES} stages, not ${stages.length}`);
  const parameters = groupedParameters(model);
  stages.forEach((stage, i) => {
    const { epochs, learningRateFactor = 1, parameters: selector } = stage;
    if (!(Number.isSafeInteger(epochs) && epochs >= 1))
      throw new OptionError(`the epochs of stage ${i + 1} must be a positive whole number, not ${epochs}`);
    if (!(learningRateFactor > 0 && Number.isFinite(learningRateFactor)))
      throw new OptionError(
        `the learningRateFactor of stage ${i + 1} must be above 0, not ${learningRateFactor}`,
      );
    const words = typeof selector === 'function' || selector === undefined ? [] : [selector].flat();
    const unknown = words.find((word) => !parameters.some(selects(word)));
    if (unknown !== undefined)
      throw new OptionError(`stage ${i + 1}: no parameter is ${JSON.stringify(unknown)}`);
    checkMeaning(words, parameters);
    const chosen = groupsInStage(stage, groups);
    const own = typeof chosen === 'function' ? chosen(model) : chosen;
    if ([...assignGroups(parameters, own, optimizer).values()].every(({ trainable }) => !trainable))
      throw new OptionError(`stage ${i + 1} trains nothing`);
  });
}
