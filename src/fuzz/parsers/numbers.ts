/** The values of flags: λ, numbers, words. */
import { InvalidArgumentError } from 'commander';
import type { Random } from '../../random/random.js';
import { number, oneOf, whole } from '../../cli/values.js';
import { formatLambda, parseLambda } from '../../tract/lambda.js';
import { pick } from '../mutate-bytes.js';
import { mutateText } from '../mutate-text.js';
import { type FuzzedParser, decode, encode, expect } from '../parser.js';

const texts = (...examples: readonly string[]) => ({
  seeds: () => Promise.resolve(examples.map(encode)),
  mutate: (input: Uint8Array, random: Random, seeds: readonly Uint8Array[]) =>
    encode(mutateText(decode(input), random, decode(pick(random, seeds)))),
});

export const lambda: FuzzedParser = {
  name: 'lambda',
  ...texts('0.1', '1e-3', 'relative:0.1', 'relative:2.5E+2', '.5', '7.'),
  read(input) {
    const read = parseLambda(decode(input));
    const again = parseLambda(formatLambda(read));
    expect(JSON.stringify(again) === JSON.stringify(read), `${formatLambda(read)} is read as another λ`);
  },
  // Not any RangeError: a stack that overflows gives one, too.
  documented: (error) => error instanceof RangeError && error.message.startsWith('TrAct'),
};

const flags = [
  number('above 0', (value) => value > 0),
  number('any', () => true),
  whole(1),
  oneOf(['cosine', 'constant', 'step']),
];

export const flagValues: FuzzedParser = {
  name: 'flag-values',
  ...texts('0.1', '128', '-1e-3', '+1.5', ' 7 ', 'cosine', 'constant'),
  read(input) {
    const text = decode(input);
    // Every parser looks at every text; one that takes it is enough.
    const refusals: unknown[] = [];
    for (const parse of flags) {
      try {
        const value = parse(text);
        if (typeof value === 'number') expect(Number.isFinite(value), `${value} is not finite`);
      } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error;
        refusals.push(error);
      }
    }
    if (refusals.length === flags.length) throw refusals[0];
  },
  documented: (error) => error instanceof InvalidArgumentError,
};
