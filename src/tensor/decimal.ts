/** Numbers in the text of flags and files. */

// Without two ways to read the same digits, so that a text of any length is read in one pass.
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * The number that a text is the decimal notation of, such as `-1.5e-3`; NaN for anything else. Stricter than
 * `Number`, for which an empty text is 0 and `0x1` is 1.
 */
export function parseDecimal(text: string): number {
  return decimal.test(text) ? Number(text) : NaN;
}
