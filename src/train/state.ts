/** The state of a training run, and whether it fits a model. */
import type { Tensors } from '../engine/session.js';
import { shorten } from '../tensor/shorten.js';
import { type TensorType, formatShape, sameShape } from '../tensor/tensor.js';
import type { Progress } from './progress.js';

/** Per channel, of pixel values scaled to [0, 1]. */
export interface Standardization {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** All it takes to continue a run to the same bits. */
export interface TrainingState {
  /** Parameters, buffers, and what optimizer and transforms keep. */
  readonly tensors: Tensors;
  /** Which of them are the model's own: parameters and buffers. */
  readonly weightNames: readonly string[];
  readonly progress: Progress;
  /** Absent before the first batch. */
  readonly standardization?: Standardization;
}

/** State that belongs to another model or optimizer. */
export class StateError extends Error {
  override name = 'StateError';

  constructor(message: string) {
    // It may name a tensor of a file, and names there have any length.
    super(shorten(message, 1000));
  }
}

/**
 * @param wanted the tensors that the model has, or their types
 * @param given those that are to take their place
 * @throws StateError naming the first tensor that differs
 */
export function checkState(wanted: Readonly<Record<string, TensorType>>, given: Tensors): void {
  for (const [name, type] of Object.entries(wanted)) checkTensor(name, type, given);
  const extra = Object.keys(given).find((name) => !Object.hasOwn(wanted, name));
  if (extra !== undefined)
    throw new StateError(`the checkpoint has a tensor "${extra}", which the model lacks`);
}

/**
 * @param wanted the type of the tensor that the model has under this name
 * @throws StateError where `given` lacks it, or has another
 */
export function checkTensor(name: string, { dtype, shape }: TensorType, given: Tensors): void {
  const found = Object.hasOwn(given, name) ? given[name] : undefined;
  if (!found) {
    throw new StateError(
      `the model has a tensor "${name}" of ${dtype} ${formatShape(shape)}, which the checkpoint lacks`,
    );
  }
  if (found.dtype !== dtype || !sameShape(found.shape, shape)) {
    throw new StateError(
      `"${name}" is ${dtype} ${formatShape(shape)} in the model, but ${found.dtype} ${formatShape(found.shape)} in the checkpoint`,
    );
  }
}
