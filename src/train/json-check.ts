/** Values from a file's JSON, checked before they are believed. */
import { shorten } from '../tensor/shorten.js';

/** A checkpoint whose description is damaged or missing; the message says what is wrong. */
export class CheckpointError extends Error {
  override name = 'CheckpointError';

  constructor(message: string, options?: ErrorOptions) {
    // It may quote the file, and a file's texts have any length.
    super(shorten(message, 1000), options);
  }
}

/** What was found, in words: lists and objects by their kind alone, since they may be nested without end. */
const shown = (value: unknown): string => {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : shorten(JSON.stringify(value), 60);
};

/** @throws CheckpointError naming the place, what belongs there and what was found */
function expected(place: string, wanted: string, value: unknown): never {
  throw new CheckpointError(`${place} must be ${wanted}, but is ${shown(value)}`);
}

export function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CheckpointError(`${place} is not JSON`);
  }
}

export function record(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    expected(place, 'an object', value);
  return value as Readonly<Record<string, unknown>>;
}

export function text(value: unknown, place: string): string {
  if (typeof value !== 'string') expected(place, 'a text', value);
  return value;
}

/** One of a few words. @throws CheckpointError for any other value */
export function oneOf<T extends string>(value: unknown, place: string, words: readonly T[]): T {
  return words.find((word) => word === value) ?? expected(place, `one of ${words.join(', ')}`, value);
}

export function flag(value: unknown, place: string): boolean {
  if (typeof value !== 'boolean') expected(place, 'true or false', value);
  return value;
}

/** A finite number. */
export function number(value: unknown, place: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) expected(place, 'a finite number', value);
  return value;
}

/** A finite number for which `accepts` holds; `range` says which these are. */
export function numberIn(
  value: unknown,
  place: string,
  range: string,
  accepts: (value: number) => boolean,
): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || !accepts(value)) expected(place, range, value);
  return value;
}

/** A safe integer of at least `least` and, where that is given, at most `most`. */
export function integer(value: unknown, place: string, least: number, most?: number): number {
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  return numberIn(
    value,
    place,
    `a whole number ${range}`,
    (number) => Number.isSafeInteger(number) && number >= least && number <= (most ?? Infinity),
  );
}

export function list<T>(value: unknown, place: string, element: (value: unknown, place: string) => T): T[] {
  if (!Array.isArray(value)) expected(place, 'a list', value);
  return value.map((item, index) => element(item, `${place}[${index}]`));
}

export function nullable<T>(
  value: unknown,
  place: string,
  check: (value: unknown, place: string) => T,
): T | null {
  return value === null ? null : check(value, place);
}

/** An object whose values all pass the same check. */
export function dictionary<T>(
  value: unknown,
  place: string,
  check: (value: unknown, place: string) => T,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record(value, place)).map(([key, item]) => [key, check(item, `${place}.${shorten(key)}`)]),
  );
}
