/** The options of training that are numbers, checked in one place: whoever calls from JavaScript may give anything. */
import { checkTransforms } from '../data/image-transforms.js';
import { checkMixing } from '../data/mixing.js';
import { OptionError } from '../tensor/option-error.js';
import { shown } from '../tensor/shorten.js';
import type { RunOptions, TrainerOptions } from './options.js';

/**
 * @param name of the option, for the message
 * @throws OptionError when a value is not a whole number of at least 1
 */
export function checkPositive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new OptionError(`${name} must be a positive whole number, not ${shown(value)}`);
}

/** The same, or Infinity for no limit. */
function checkLimit(name: string, value: number): void {
  if (value !== Infinity) checkPositive(name, value);
}

/**
 * What a trainer and an evaluator have in common. A seed is checked by `Random`, label smoothing by the loss.
 *
 * @throws OptionError for a batch size or number of threads that is none, and mixing out of range
 */
export function checkTrainerOptions(options: Pick<TrainerOptions, 'batchSize' | 'threads' | 'mixing'>): void {
  const { batchSize = 128, threads = 1, mixing } = options;
  checkPositive('the batch size', batchSize);
  checkPositive('threads', threads);
  if (mixing) checkMixing(mixing);
}

/** @throws OptionError for a number of epochs or steps that is none, and an augmentation that is no transform */
export function checkRunOptions(
  options: Pick<RunOptions, 'epochs' | 'maxSteps' | 'evaluateEvery' | 'augmentation'>,
): void {
  const { epochs, maxSteps = Infinity, evaluateEvery = Infinity, augmentation } = options;
  checkPositive('epochs', epochs);
  checkLimit('maxSteps', maxSteps);
  checkLimit('evaluateEvery', evaluateEvery);
  if (augmentation) checkTransforms('augmentation', augmentation);
}
