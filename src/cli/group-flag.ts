/** The value of `--group`: which parameters, and how they are trained. */
import { InvalidArgumentError } from 'commander';
import { number } from './values.js';

export interface GroupFlag {
  readonly parameters: readonly string[];
  readonly learningRateFactor?: number;
  readonly weightDecay?: number;
}

const settings = { 'lr-factor': 'learningRateFactor', 'weight-decay': 'weightDecay' } as const;
const FORM = `It must be like norm,bias:weight-decay=0, with ${Object.keys(settings).join(' or ')} after the colon.`;
const notNegative = number('a number of at least 0', (value) => value >= 0);

/** @throws InvalidArgumentError for what has not this form */
export function groupValue(text: string): GroupFlag {
  const [which, how] = pair(text, ':');
  const parameters = words(which, ',');
  const entries = words(how, ',').map((setting) => {
    const [name, value] = pair(setting, '=');
    if (!Object.hasOwn(settings, name)) throw new InvalidArgumentError(FORM);
    return [settings[name as keyof typeof settings], notNegative(value)] as const;
  });
  if (new Set(entries.map(([key]) => key)).size < entries.length) throw new InvalidArgumentError(FORM);
  return { parameters, ...Object.fromEntries(entries) };
}

function words(text: string, separator: string): string[] {
  const found = text.split(separator).map((word) => word.trim());
  if (found.includes('')) throw new InvalidArgumentError(FORM);
  return found;
}

function pair(text: string, separator: string): [string, string] {
  const [first, second, ...more] = [...words(text, separator), ''];
  if (second === '' || more.length !== 1) throw new InvalidArgumentError(FORM);
  return [first, second];
}
