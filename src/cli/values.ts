/** Parsers of the values of flags; what they throw names the flag when commander prints it. */
import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { parseDecimal } from '../tensor/decimal.js';
import { type Lambda, parseLambda } from '../tract/lambda.js';
import { nearest } from './suggest.js';

type Parser<T> = (text: string) => T;

/** A number for which `accepts` holds; `range` says which these are. */
export function number(range: string, accepts: (value: number) => boolean): Parser<number> {
  return (text) => {
    const value = parseDecimal(text.trim());
    if (!Number.isFinite(value) || !accepts(value)) throw new InvalidArgumentError(`It must be ${range}.`);
    return value;
  };
}

/** A whole number of at least `least`. */
export function whole(least: number): Parser<number> {
  return number(
    `a whole number of at least ${least}`,
    (value) => Number.isSafeInteger(value) && value >= least,
  );
}

/** One of a few words. */
export function oneOf<T extends string>(words: readonly T[]): Parser<T> {
  return (text) => {
    if ((words as readonly string[]).includes(text)) return text as T;
    const meant = nearest(text, words);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw new InvalidArgumentError(`It must be one of ${words.join(', ')}.${hint}`);
  };
}

/** One of a few words, or the path of something that is there. */
export function oneOfOrPath(words: readonly string[]): Parser<string> {
  return (text) => {
    if (words.includes(text) || existsSync(text)) return text;
    const meant = nearest(text, words);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw new InvalidArgumentError(
      `It must be one of ${words.join(', ')}, or a folder of pictures or a table of them that is there.${hint}`,
    );
  };
}

/** Names with commas between them. */
export function names(text: string): string[] {
  const found = text.split(',').map((name) => name.trim());
  if (found.includes('')) throw new InvalidArgumentError('It must be names with commas between them.');
  return found;
}

/** A colour, `#rrggbb`. */
export function colour(text: string): string {
  if (/^#[0-9a-f]{6}$/i.test(text)) return text;
  throw new InvalidArgumentError('It must be a colour such as #ffffff.');
}

/** λ: a number, or one after `relative:`. */
export function lambdaValue(text: string): Lambda {
  try {
    return parseLambda(text);
  } catch {
    throw new InvalidArgumentError('It must be a number above 0, or such a number after "relative:".');
  }
}
