/**
 * What is wrong with data that came from outside: a file, a download, an image.
 *
 * The message is one or more whole sentences for the user (which file, what was found, what was expected, the way
 * out), so a command prints it alone, without a stack trace.
 */
export class DataError extends Error {
  override readonly name = 'DataError';
}
