/**
 * Checkpoints: a run's state and configuration as one safetensors file.
 *
 * Weights carry PyTorch's names. Beside them stands the optimizer's state, as `conv1.weight/momentum_buffer`; no name
 * of a weight holds a slash, so that other programs can tell the two apart. Configuration and progress are JSON in
 * the file's metadata.
 */
import type { Tensors } from '../engine/session.js';
import { fromSafetensors, toSafetensors } from '../tensor/safetensors.js';
import { CheckpointError, integer, list, number, parseJson, record } from './json-check.js';
import type { TrainerOptions } from './options.js';
import type { Progress } from './progress.js';
import { type RunConfig, modelOf, parseRunConfig, trainerOptionsOf } from './run-config.js';
import { type TrainingState, checkState } from './state.js';
import { modelTensors } from './step-graph.js';
import { Trainer } from './trainer.js';

export interface Checkpoint {
  readonly config: RunConfig;
  readonly state: TrainingState;
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
      config: JSON.stringify(config),
      progress: JSON.stringify(state.progress),
    },
  });
}

/**
 * Reads a checkpoint's bytes.
 *
 * @throws SafetensorsError for a file that is damaged or none of this format
 * @throws CheckpointError for one that holds tensors, but not what they are of
 */
export function fromCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = fromSafetensors(bytes);
  const entries: Readonly<Partial<Record<string, string>>> = metadata;
  const { tract_ts_checkpoint: format, config: configText, progress: progressText } = entries;
  if (format === undefined || configText === undefined || progressText === undefined) {
    throw new CheckpointError(
      'it holds tensors, but no configuration of a model: it is not a checkpoint of tract-ts (weights alone are taken by train --weights)',
    );
  }
  if (format !== FORMAT) {
    throw new CheckpointError(
      `it was written in version ${JSON.stringify(format)} of the checkpoint format, and this tract-ts reads version ${FORMAT}`,
    );
  }
  const config = parseRunConfig(parseJson(configText, 'config'));
  const { mean, deviation } = config.data;
  const progress = parseProgress(parseJson(progressText, 'progress'));
  return { config, state: { tensors, progress, standardization: { mean, deviation } } };
}

/** The parameters and running statistics of a state, without the optimizer's. */
export function weightsOf(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).filter(
      // PyTorch's batch norm counts batches, which nothing here depends on.
      ([name]) => !name.includes('/') && !name.endsWith('.num_batches_tracked'),
    ),
  );
}

/**
 * A trainer that stands where the run of a checkpoint stood.
 *
 * @param options.device, options.threads where it goes on; they need not be those of before
 * @throws StateError naming the first tensor that differs between the file's configuration and its tensors
 * @throws RangeError for a configuration with values out of range
 */
export async function restoreTrainer(
  { config, state }: Checkpoint,
  options: Pick<TrainerOptions, 'device' | 'threads'> = {},
): Promise<Trainer> {
  const model = modelOf(config);
  // Before anything of the size that the configuration claims is allocated.
  checkState(modelTensors(model), weightsOf(state.tensors));
  const trainer = await Trainer.create(model, { ...trainerOptionsOf(config), ...options });
  try {
    trainer.restore(state);
  } catch (error) {
    await trainer.release();
    throw error;
  }
  return trainer;
}

function parseProgress(value: unknown): Progress {
  const progress = record(value, 'progress');
  const count = (key: 'epoch' | 'stepInEpoch' | 'step'): number =>
    integer(progress[key], `progress.${key}`, 0);
  const random = list(progress.random, 'progress.random', (word, place) => integer(word, place, -(2 ** 31)));
  if (random.length !== 4 || random.every((word) => word === 0) || random.some((word) => word >= 2 ** 32)) {
    throw new CheckpointError('progress.random is not the state of a generator');
  }
  const [a, b, c, d] = random;
  return {
    epoch: count('epoch'),
    stepInEpoch: count('stepInEpoch'),
    step: count('step'),
    lossSum: number(progress.lossSum, 'progress.lossSum'),
    correctSum: number(progress.correctSum, 'progress.correctSum'),
    bestAccuracy: number(progress.bestAccuracy, 'progress.bestAccuracy'),
    random: [a, b, c, d],
  };
}
