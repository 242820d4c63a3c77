/** Checks that models share. */
import { OptionError } from '../tensor/option-error.js';

/** @throws OptionError naming the model, the option and the value */
export function positiveIntegers(model: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new OptionError(`${model}: ${name} must be a positive whole number, not ${value}`);
    }
  }
}

/** @throws OptionError for a probability of leaving a branch out that is none */
export function checkDropPath(model: string, rate: number): void {
  if (!(Number.isFinite(rate) && rate >= 0 && rate < 1))
    throw new OptionError(`${model}: dropPath must be at least 0 and below 1, not ${rate}`);
}
