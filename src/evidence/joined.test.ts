import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Results } from '../compare/results.js';
import { joinedTable } from './joined.js';

const method = (label: string, ...accuracies: readonly (number | null)[]): object => ({
  label,
  runs: accuracies.map((accuracy, seed) => ({ seed, accuracy })),
  final: accuracies.includes(null) ? null : { accuracy: { mean: accuracies[0], deviation: 0.01 } },
});
const comparison = (...variants: readonly object[]): Results =>
  ({ split: 'test', variants }) as unknown as Results;

it('methods of several comparisons stand against the first of the first, by the seeds that both have', () => {
  const table = joinedTable([
    [comparison(method('vanilla', 0.6, 0.7), method('TrAct', 0.65, 0.75)), ''],
    [comparison(method('vanilla', 0.61, 0.71, 0.9), method('lost', null, null)), 'otherwise'],
  ]);
  assert.deepEqual(table, [
    ['method', 'seeds', 'test accuracy', 'difference to vanilla'],
    ['vanilla', '2', '60.0 % ± 1.0', ''],
    ['TrAct', '2', '65.0 % ± 1.0', '+5.0 (+5.0 to +5.0)'],
    ['vanilla, otherwise', '3', '61.0 % ± 1.0', '+1.0 (+1.0 to +1.0)'],
    ['lost, otherwise', '2', 'diverged', ''],
  ]);
});
