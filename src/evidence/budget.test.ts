import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Results } from '../compare/results.js';
import { budgetTable, neededEpochs } from './budget.js';

/** A comparison of so many epochs whose runs end at these accuracies, a pair for each seed. */
function results(epochs: number, pairs: readonly (readonly [vanilla: number, tract: number])[]): Results {
  const final = (column: 0 | 1): unknown => ({
    accuracy: { mean: pairs.reduce((sum, pair) => sum + pair[column], 0) / pairs.length, deviation: 0.01 },
  });
  const runs = (column: 0 | 1): unknown => pairs.map((pair, seed) => ({ seed, accuracy: pair[column] }));
  return {
    setup: { epochs, seeds: pairs.map((_, seed) => seed) },
    variants: [
      { runs: runs(0), final: final(0) },
      { runs: runs(1), final: final(1), versus: { accuracy: { mean: 0.02, interval: [0.01, 0.03] } } },
    ],
  } as unknown as Results;
}

describe('neededEpochs', () => {
  const short = results(5, [
    [0.6, 0.7],
    [0.6, 0.65],
  ]);
  const long = results(20, [
    [0.8, 0.81],
    [0.7, 0.75],
  ]);

  it('is where vanilla’s curve over the logarithm of the epochs is at what TrAct ends at', () => {
    const { epochs, interval } = neededEpochs([long, short], 5)!;
    // Both seeds are halfway from 5 epochs to 20.
    assert.ok(Math.abs(epochs - 10) < 1e-9, String(epochs));
    assert.ok(Math.abs(interval![0] - 10) < 1e-9 && Math.abs(interval![1] - 10) < 1e-9);
  });

  it('is more than was tried where a seed of vanilla never comes to it', () => {
    assert.deepEqual(neededEpochs([short, long], 20), { epochs: Infinity, interval: null });
  });

  it('leaves out seeds that were not run with the largest budget where these do not come to it', () => {
    const needed = neededEpochs([short, results(20, [[0.8, 0.81]])], 5)!;
    assert.ok(Math.abs(needed.epochs - 10) < 1e-9, String(needed.epochs));
    assert.equal(needed.interval, null);
  });

  it('is unknown where vanilla is better with the smallest budget', () => {
    assert.equal(neededEpochs([results(5, [[0.7, 0.6]]), results(20, [[0.8, 0.9]])], 5), undefined);
  });

  it('has an interval by the differences between seeds', () => {
    const uneven = results(5, [
      [0.6, 0.7],
      [0.6, 0.625],
    ]);
    const { epochs, interval } = neededEpochs([uneven, long], 5)!;
    // 10 and 5·4^(1/4) epochs.
    assert.ok(Math.abs(epochs - Math.sqrt(10 * 5 * Math.SQRT2)) < 1e-9);
    assert.ok(interval![0] < 5 && interval![1] > 10);
  });

  it('is told in the table, with how many times as many that is', () => {
    const [, first, second] = budgetTable([short, long]);
    assert.deepEqual(first.slice(-2), ['10.0 epochs', '2.00 (2.00 to 2.00)']);
    assert.deepEqual(second.slice(-2), ['more than 20', 'more than 1.0']);
  });
});
