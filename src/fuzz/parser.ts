/** What reads a file or a text from outside, with valid inputs of it and ways to change them. */
import type { Random } from '../random/random.js';

export interface FuzzedParser {
  readonly name: string;
  /** Valid inputs; made once. */
  readonly seeds: () => Promise<readonly Uint8Array[]>;
  /** A changed copy of an input. */
  readonly mutate: (input: Uint8Array, random: Random, seeds: readonly Uint8Array[]) => Uint8Array;
  /**
   * Reads an input, and checks what came of it.
   *
   * @param folder an empty folder for files, which stays the same from input to input
   * @throws what the parser throws; a WrongResult where it accepts an input and gives something that cannot be
   */
  readonly read: (input: Uint8Array, folder: string) => void | Promise<void>;
  /** Whether an error is one that the parser is documented to throw. */
  readonly documented: (error: unknown) => boolean;
}

/** A parser accepted an input, but what it made of it is wrong. */
export class WrongResult extends Error {
  override name = 'WrongResult';
}

/** @throws WrongResult unless a condition holds */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new WrongResult(message);
}

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
/** What is no UTF-8 becomes U+FFFD, as where Node reads a text. */
export const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
