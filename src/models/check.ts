/** Checks that models share. */

/** @throws RangeError naming the model, the option and the value */
export function positiveIntegers(model: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${model}: ${name} must be a positive whole number, not ${value}`);
    }
  }
}
