/** Deciding between methods seed by seed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../random/random.js';
import type { FinishedRun } from './conclude.js';
import { decide } from './sequential.js';
import { studentT } from './statistics.js';

const tract = { id: 'tract', label: 'TrAct' };

function runs(pairs: readonly (readonly [number, number])[]): FinishedRun[] {
  return pairs.flatMap((pair, seed) =>
    ['vanilla', 'tract'].map((id, i): FinishedRun => {
      const point = { step: 1, accuracy: pair[i], loss: 1 };
      const method = id as 'vanilla' | 'tract';
      return {
        variant: { id, label: id, method },
        seed,
        record: { id, curve: [point], secondsPerStep: 1 },
      };
    }),
  );
}

describe('a decision', () => {
  it('comes when the interval excludes zero, or lies within the difference', () => {
    const ahead = [0.02, 0.022, 0.018].map((gain) => [0.5, 0.5 + gain] as const);
    const better = decide(runs(ahead), 'vanilla', tract, 3, 0)!;
    assert.equal(better.verdict, 'better');
    assert.equal(better.seeds, 3);
    assert.ok(Math.abs(better.difference - 0.02) < 1e-12);
    // A single look of three pairs: t of two degrees of freedom at 95 %, deviation 0.002.
    const half = (studentT(2, 0.95) * 0.002) / Math.sqrt(3);
    assert.ok(Math.abs(better.interval[0] - (0.02 - half)) < 1e-9);
    assert.equal(decide(runs(ahead.map(([a, b]) => [b, a])), 'vanilla', tract, 3, 0)!.verdict, 'worse');
    const even = [0.001, -0.001, 0].map((gain) => [0.5, 0.5 + gain] as const);
    assert.equal(decide(runs(even), 'vanilla', tract, 3, 0), undefined);
    assert.equal(decide(runs(even), 'vanilla', tract, 3, 0.01)!.verdict, 'alike');
  });

  it('is the more careful the oftener it is asked for, and needs three seeds', () => {
    const close = [0.01, 0.022, 0.018].map((gain) => [0.5, 0.5 + gain] as const);
    assert.equal(decide(runs(close), 'vanilla', tract, 3, 0)!.verdict, 'better');
    assert.equal(decide(runs(close), 'vanilla', tract, 12, 0), undefined);
    assert.equal(decide(runs(close.slice(0, 2)), 'vanilla', tract, 12, 0.5), undefined);
  });

  it('of methods that are alike is wrong in no more than 5 % of comparisons', () => {
    const random = Random.fromSeed(1);
    const seeds = 10;
    let wrong = 0;
    const comparisons = 1000;
    for (let i = 0; i < comparisons; i++) {
      const pairs = Array.from({ length: seeds }, () => [0.5, 0.5 + random.normal(0, 0.01)] as const);
      for (let taken = 3; taken <= seeds; taken++) {
        if (decide(runs(pairs.slice(0, taken)), 'vanilla', tract, seeds, 0)) {
          wrong++;
          break;
        }
      }
    }
    // Three standard deviations of a binomial distribution beyond 5 %.
    assert.ok(wrong <= 50 + 3 * Math.sqrt(47.5), `${wrong} of ${comparisons}`);
    assert.ok(wrong > 0);
  });
});
