/**
 * Checkpoints: a run's state and configuration as one safetensors file.
 *
 * Weights carry PyTorch's names. Beside them stands the state of optimizer and transforms, as
 * `conv1.weight/momentum_buffer`. The names of the weights, configuration and progress are JSON in the file's metadata.
 */
import type { Tensors } from '../engine/session.js';
import { models } from '../models/registry.js';
import type { Model } from '../nn/model.js';
import { checkMetrics } from '../nn/metrics.js';
import { fromSafetensors, toSafetensors } from '../tensor/safetensors.js';
import { checkTrainerOptions } from './check-options.js';
import { CheckpointError, integer, list, number, numberIn, parseJson, record } from './json-check.js';
import type { TrainerOptions } from './options.js';
import type { Progress, StageProgress } from './progress.js';
import { type ModelMaker, type RunConfig, stepsPerEpochOf } from './run-config.js';
import { type OwnParts, checkProgressive, modelOf, trainableOf, trainerOptionsOf } from './run-parts.js';
import { parseRunConfig } from './parse-run-config.js';
import { stageAt } from './stages.js';
import { OptionError } from '../tensor/option-error.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TrainingState } from './state.js';
import { emaName } from './training-graph.js';
import { checkWeights } from './step-graph.js';
import { Trainer } from './trainer.js';

/** A run's state, and the configuration that it takes to build the same model and optimizer. */
export interface Checkpoint {
  readonly config: RunConfig;
  readonly state: TrainingState;
  /** The model, where it is out of a file that lies beside the checkpoint. */
  readonly model?: Model;
}

/** The version of what is written below, in the metadata under `tract_ts_checkpoint`. */
const FORMAT = '1';

/** The bytes of a checkpoint's file. */
export function toCheckpoint({ config, state }: Checkpoint): Uint8Array {
  return toSafetensors({
    tensors: state.tensors,
    metadata: {
      // What PyTorch's own files say; tools that read weights look for it.
      format: 'pt',
      tract_ts_checkpoint: FORMAT,
      weights: JSON.stringify(state.weightNames),
      config: JSON.stringify(config),
      progress: JSON.stringify(state.progress),
    },
  });
}

/**
 * Reads a checkpoint's bytes.
 *
 * @throws SafetensorsError for a file that is damaged or none of this format
 * @throws CheckpointError for one that holds tensors, but not what they are of, or a value that cannot be
 * @throws StateError for one whose weights are not those of the model it names
 */
export function fromCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = fromSafetensors(bytes);
  const entries: Readonly<Partial<Record<string, string>>> = metadata;
  const { tract_ts_checkpoint: format, config: configText, progress: progressText } = entries;
  if (format === undefined || configText === undefined || progressText === undefined) {
    throw new CheckpointError(
      'it holds tensors, but no configuration of a model: it is not a checkpoint of tract-ts (weights alone are what a new run may begin with)',
    );
  }
  if (format !== FORMAT) {
    throw new CheckpointError(
      `it was written in version ${JSON.stringify(format)} of the checkpoint format, and this tract-ts reads version ${FORMAT}`,
    );
  }
  const config = parseRunConfig(parseJson(configText, 'config'));
  const { mean, deviation } = config.data;
  const progress = parseProgress(parseJson(progressText, 'progress'), config);
  const state = {
    tensors,
    weightNames: namesOf(entries, tensors),
    progress,
    standardization: { mean, deviation },
  };
  checkGroups(config, state);
  checkModel(config, state);
  return { config, state };
}

/** The names of a checkpoint's weights. Until files had a list of them, none had a slash. */
function namesOf({ weights }: Readonly<Partial<Record<string, string>>>, tensors: Tensors): string[] {
  const plain = Object.keys(tensors).filter((name) => !name.includes('/'));
  if (weights === undefined) return plain;
  const listed = list(parseJson(weights, 'weights'), 'weights', (name, place) => {
    if (typeof name === 'string' && Object.hasOwn(tensors, name)) return name;
    throw new CheckpointError(`${place} is no tensor of the file`);
  });
  // What optimizer and transforms keep has a slash in its name: whatever else there is claims to be a weight.
  return [...new Set([...listed, ...plain])];
}

/** Checks that groups and stages are of parameters that the file has. */
function checkGroups({ groups = [], stages = [] }: RunConfig, { weightNames }: TrainingState): void {
  const known = new Set(weightNames);
  const named = [
    ...groups.map(({ parameters }, i) => ({ place: `groups[${i}].parameters`, parameters })),
    ...stages.flatMap(({ parameters }, i) =>
      parameters ? [{ place: `stages[${i}].parameters`, parameters }] : [],
    ),
  ];
  named.forEach(({ place, parameters }) => {
    if (parameters.length === 0) throw new CheckpointError(`${place} must name a parameter at least`);
    const unknown = parameters.find((name) => !known.has(name));
    if (unknown !== undefined)
      throw new CheckpointError(`${place}: the file has no weight ${JSON.stringify(unknown)}`);
  });
}

/** Checks that tensors are those of the model; of a model of the user's own only they know. */
function checkModel(config: RunConfig, state: TrainingState): void {
  if (!models.has(config.model.name)) return;
  const model = modelOf(config);
  // First the weights: a model of a million layers, say, is then never built.
  checkWeights(model, weightsOf(state));
  trainableOf({ ...config, transforms: [] }, model);
}

/**
 * The parameters and buffers of a state, without what optimizer and transforms keep: the means of those that a mean is kept
 * of (`TrainerOptions.emaDecay`), since these are what the model is evaluated with.
 */
export function weightsOf({ tensors, weightNames }: Pick<TrainingState, 'tensors' | 'weightNames'>): Tensors {
  const evaluated = (name: string): Tensor =>
    Object.hasOwn(tensors, emaName(name)) ? tensors[emaName(name)] : tensors[name];
  return Object.fromEntries(weightNames.map((name) => [name, evaluated(name)]));
}

/**
 * The weights in a file of any program's: a checkpoint's own, or all tensors without what PyTorch's batch norm counts
 * and nothing here depends on.
 *
 * @throws SafetensorsError for a file that is damaged or none of this format
 * @throws CheckpointError for a checkpoint that is damaged
 */
export function readWeights(bytes: Uint8Array): Tensors {
  const { tensors, metadata } = fromSafetensors(bytes);
  if (Object.hasOwn(metadata, 'tract_ts_checkpoint'))
    return weightsOf({ tensors, weightNames: namesOf(metadata, tensors) });
  return Object.fromEntries(
    Object.entries(tensors).filter(([name]) => !name.endsWith('.num_batches_tracked')),
  );
}

/** Where a run goes on, and what of it no file holds. */
export interface RestoreOptions
  extends OwnParts, Pick<TrainerOptions, 'device' | 'threads' | 'metrics' | 'group'> {
  /** Makes models by name. Default: those of this package. */
  readonly makeModel?: ModelMaker;
}

/**
 * A trainer that stands where the run of a checkpoint stood.
 *
 * @param options.model, options.optimizer, options.transforms those of the run that are none of this package's
 * @param options.device, options.threads where it goes on; they need not be those of before
 * @throws StateError naming the first tensor that differs between the file's configuration and its tensors
 * @throws CheckpointError for a configuration with a value that cannot be, or a model that has to be given
 */
export async function restoreTrainer(
  { config, state, model: beside }: Checkpoint,
  options: RestoreOptions = {},
): Promise<Trainer> {
  const { makeModel, model: own, transforms, optimizer, ...others } = options;
  const model = own ?? beside ?? modelOf(config, makeModel);
  // Before anything of the size that the configuration claims is allocated.
  checkWeights(model, weightsOf(state));
  const given = trainableOf(config, model, transforms);
  checkProgressive(config, model);
  const trainerOptions = trainerOptionsOf(config, optimizer ? { optimizer } : {});
  checkTrainerOptions({ ...trainerOptions, ...others });
  checkMetrics(others.metrics ?? []);
  const { stage } = state.progress;
  const made = Trainer.createIn(stage?.index ?? 0, given, { ...trainerOptions, ...others });
  const trainer = await made.catch((error: unknown) => {
    // Of what is left only the file can be to blame: an optimizer, say, that is not for these parameters.
    if (!(error instanceof OptionError) || optimizer) throw error;
    throw new CheckpointError(`its options do not go together: ${error.message}`, { cause: error });
  });
  try {
    trainer.restore(state);
  } catch (error) {
    await trainer.release();
    throw error;
  }
  return trainer;
}

/** Checks a run's progress, and that its configuration can have led there. */
function parseProgress(value: unknown, config: RunConfig): Progress {
  const progress = record(value, 'progress');
  const count = (key: 'epoch' | 'stepInEpoch' | 'step', least: number, most?: number): number =>
    integer(progress[key], `progress.${key}`, least, most);
  const random = list(progress.random, 'progress.random', (word, place) =>
    integer(word, place, -(2 ** 31), 2 ** 31 - 1),
  );
  if (random.length !== 4 || random.every((word) => word === 0)) {
    throw new CheckpointError('progress.random is not the state of a generator');
  }
  const [a, b, c, d] = random;
  const stepsPerEpoch = stepsPerEpochOf(config);
  const epoch = count('epoch', 0);
  const stepInEpoch = count('stepInEpoch', 0, stepsPerEpoch);
  // A complete epoch has a step at least; it has fewer than the data give where a limit on the steps ended it.
  const step = count('step', epoch + stepInEpoch, epoch * stepsPerEpoch + stepInEpoch);
  const { stages } = config;
  const stage = stages && parseStageProgress(progress.stage, stageAt(stages, epoch), step);
  return {
    epoch,
    stepInEpoch,
    step,
    lossSum: number(progress.lossSum, 'progress.lossSum'),
    correctSum: numberIn(
      progress.correctSum,
      'progress.correctSum',
      'a number of at least 0',
      (sum) => sum >= 0,
    ),
    bestAccuracy: numberIn(
      progress.bestAccuracy,
      'progress.bestAccuracy',
      '-1 or a number from 0 to 1',
      (accuracy) => accuracy === -1 || (accuracy >= 0 && accuracy <= 1),
    ),
    random: [a, b, c, d],
    ...(stage && { stage }),
  };
}

/**
 * @param latest the stage of the epoch that the run is in
 * @param step of the run
 */
function parseStageProgress(value: unknown, latest: number, step: number): StageProgress {
  const stage = record(value, 'progress.stage');
  const index = integer(stage.index, 'progress.stage.index', 0, latest);
  return { index, step: integer(stage.step, 'progress.stage.step', 0, index === 0 ? 0 : step) };
}
