import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { median, medianInterval, overheadOf } from './statistics.js';

describe('medianInterval', () => {
  it('has the ranks of the binomial distribution', () => {
    const ranks = (count: number): readonly [number, number] =>
      medianInterval(Array.from({ length: count }, (_, i) => i + 1));
    // From tables of distribution-free intervals for the median at 95 %.
    assert.deepEqual(ranks(5), [1, 5]);
    assert.deepEqual(ranks(6), [1, 6]);
    assert.deepEqual(ranks(10), [2, 9]);
    assert.deepEqual(ranks(20), [6, 15]);
    assert.deepEqual(ranks(30), [10, 21]);
  });

  it('holds the median', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 }), (values) => {
        const [low, high] = medianInterval(values);
        const middle = median(values);
        assert.ok(low <= middle && middle <= high);
      }),
    );
  });
});

describe('overheadOf', () => {
  it('compares what was measured in turn, so that what slows both down counts in neither', () => {
    const base = [100, 100, 900, 100, 100, 100, 100];
    const { overhead, interval } = overheadOf(
      base,
      base.map((time) => time + 5),
    );
    assert.equal(overhead, 0.05);
    assert.deepEqual(interval, [0.05, 0.05]);
  });
});
