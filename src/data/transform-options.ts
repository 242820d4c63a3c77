/** The options of image transforms, checked: they may come from a file. */
import { shown } from '../tensor/shorten.js';

/** No option of a transform is larger; a damaged file must not make one that takes all memory. */
export const LARGEST_SIDE = 65_536;

/** @throws RangeError unless the value is a whole number in the range */
export function checkWhole(name: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${shown(value)}`);
}

/**
 * Height and width of a size that is one number for both, or one each.
 *
 * @throws RangeError unless they are whole numbers from 1 to 65,536
 */
export function sides(name: string, size: number | readonly number[]): readonly [number, number] {
  const both: readonly unknown[] = Array.isArray(size) ? size : [size, size];
  if (both.length !== 2) {
    throw new RangeError(`${name} must be a number, or [height, width], not ${shown(size)}`);
  }
  for (const side of both) checkWhole(name, side, 1, LARGEST_SIDE);
  return both as readonly [number, number];
}

/** @throws RangeError unless the value is a number from 0 to `most` */
export function checkFraction(name: string, value: unknown, most: number): void {
  if (typeof value === 'number' && value >= 0 && value <= most) return;
  throw new RangeError(`${name} must be a number from 0 to ${most}, not ${shown(value)}`);
}

/**
 * A range of positive numbers.
 *
 * @throws RangeError unless the two are positive, finite and in order
 */
export function checkRange(name: string, range: readonly number[], most: number): void {
  const numbers: readonly number[] = Array.isArray(range) ? range : [];
  const [least, largest] = numbers;
  if (numbers.length === 2 && least > 0 && least <= largest && largest <= most) return;
  throw new RangeError(`${name} must be [least, most], above 0 and at most ${most}, not ${shown(range)}`);
}
