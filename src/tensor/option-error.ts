/** What is thrown for an option that cannot be. */

/**
 * An option out of range, or one that contradicts another; the message names it and says what it may be. Other
 * RangeErrors are no mistake in options: an argument that does not fit, or memory that the platform does not give.
 */
export class OptionError extends RangeError {
  override name = 'OptionError';
}
