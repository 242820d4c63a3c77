/** Changes of a short text: characters that go, come, repeat many times, or are strange. */
import type { Random } from '../random/random.js';
import { pick } from './mutate-bytes.js';

const strange = [
  '',
  ' ',
  '\n',
  '\0',
  '-',
  '+',
  '.',
  'e',
  'E',
  'x',
  ':',
  '0',
  '9',
  '_',
  ',',
  'n',
  '١',
  '１',
  '\ud83d',
  '\u202e',
  'Infinity',
  'NaN',
  '0x1',
  '1e400',
];

/** A changed text: one to four edits. */
export function mutateText(text: string, random: Random, other: string): string {
  let result = text;
  const count = 1 + random.integer(4);
  for (let i = 0; i < count; i++) {
    const at = random.integer(result.length + 1);
    const end = Math.min(result.length, at + random.integer(4));
    const [before, range, after] = [result.slice(0, at), result.slice(at, end), result.slice(end)];
    switch (random.integer(5)) {
      case 0:
        result = before + after;
        break;
      case 1:
        result = before + range + pick(random, strange) + after;
        break;
      case 2:
        result = before + pick(random, strange) + after;
        break;
      case 3:
        // What takes time that grows with the square of a length shows in texts like these.
        result = before + (range || '1').repeat(pick(random, [2, 2, 3, 10, 5000])) + after;
        break;
      default:
        result = before + other.slice(random.integer(other.length + 1));
    }
  }
  return result.slice(0, 100_000);
}
