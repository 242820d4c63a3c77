/** The value of `--group`: which parameters, and how they are trained. */
import { InvalidArgumentError } from 'commander';
import { optimizers } from '../optim/registry.js';
import { number, oneOf } from './values.js';

/** Those that can train a part of a model beside another one. */
export const restOptimizers = optimizers.filter((name) => name !== 'muon');
export type RestOptimizerName = (typeof restOptimizers)[number];

export interface GroupFlag {
  readonly parameters: readonly string[];
  readonly learningRateFactor?: number;
  readonly weightDecay?: number;
  /** In place of the common one, with a rate of its own. */
  readonly optimizer?: RestOptimizerName;
  /** The highest rate of that optimizer. */
  readonly lr?: number;
}

const notNegative = number('a number of at least 0', (value) => value >= 0);

const settings = {
  'lr-factor': { key: 'learningRateFactor', parse: notNegative },
  'weight-decay': { key: 'weightDecay', parse: notNegative },
  optimizer: { key: 'optimizer', parse: oneOf(restOptimizers) },
  lr: { key: 'lr', parse: number('a number above 0', (value) => value > 0) },
} as const;
const FORM = `It must be like norm,bias:weight-decay=0, with ${Object.keys(settings).join(' or ')} after the colon.`;

/** @throws InvalidArgumentError for what has not this form */
export function groupValue(text: string): GroupFlag {
  const [which, how] = pair(text, ':');
  const parameters = words(which, ',');
  const entries = words(how, ',').map((setting) => {
    const [name, value] = pair(setting, '=');
    if (!Object.hasOwn(settings, name)) throw new InvalidArgumentError(FORM);
    const { key, parse } = settings[name as keyof typeof settings];
    return [key, parse(value)] as const;
  });
  const keys = new Set<string>(entries.map(([key]) => key));
  if (keys.size < entries.length) throw new InvalidArgumentError(FORM);
  if (keys.has('lr') && !keys.has('optimizer'))
    throw new InvalidArgumentError('lr goes with an optimizer of its own: first:optimizer=adam,lr=0.003.');
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
