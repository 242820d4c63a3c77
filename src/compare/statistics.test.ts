import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { correlation, mean, median, pairedDifference, standardDeviation, studentT } from './statistics.js';

const near = (actual: number, expected: number, tolerance = 1e-9): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
};

describe('studentT', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2, two-sided 95 % and 99 %.
  const table: [degrees: number, confidence: number, t: number][] = [
    [1, 0.95, 12.706],
    [2, 0.95, 4.303],
    [3, 0.95, 3.182],
    [4, 0.95, 2.776],
    [9, 0.95, 2.262],
    [30, 0.95, 2.042],
    [100, 0.95, 1.984],
    [1, 0.99, 63.657],
    [2, 0.99, 9.925],
    [5, 0.99, 4.032],
    [20, 0.99, 2.845],
  ];
  for (const [degrees, confidence, t] of table) {
    it(`is ${t} for ${degrees} degrees of freedom and ${confidence}`, () => {
      near(studentT(degrees, confidence), t, 5.1e-4);
    });
  }
});

describe('samples', () => {
  it('have means, medians and deviations', () => {
    near(mean([1, 2, 6]), 3);
    near(median([5, 1, 3]), 3);
    assert.throws(() => median([]), RangeError);
    near(median([4, 1, 3, 2]), 2.5);
    // 2, 4, 4, 4, 5, 5, 7, 9 has the sum of squares 32.
    near(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]), Math.sqrt(32 / 7));
    assert.ok(Number.isNaN(standardDeviation([1])));
  });

  it('correlate: Anscombe’s first set', () => {
    const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
    const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
    near(correlation(x, y), 0.81642, 1e-5);
    near(correlation([1, 2, 3], [6, 4, 2]), -1);
    assert.ok(Number.isNaN(correlation([1, 1, 1], [1, 2, 3])));
  });

  it('correlate alike after scaling and shifting', () => {
    const values = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 5, maxLength: 20 });
    fc.assert(
      fc.property(values, fc.double({ min: 0.1, max: 10, noNaN: true }), (x, scale) => {
        const y = x.map((value, i) => value * (i % 3) + i);
        const r = correlation(x, y);
        if (!Number.isFinite(r)) return;
        near(
          correlation(
            x.map((value) => scale * value + 3),
            y,
          ),
          r,
          1e-6,
        );
        assert.ok(Math.abs(r) <= 1 + 1e-9);
      }),
    );
  });
});

describe('pairedDifference', () => {
  it('has the interval of the paired t test', () => {
    // Differences 1, 2, 3: deviation 1, so that the half width is t(2) / √3.
    const { mean: center, interval, pairs } = pairedDifference([1, 2, 3]);
    near(center, 2);
    assert.equal(pairs, 3);
    near(interval![0], 2 - 4.302653 / Math.sqrt(3), 1e-5);
    near(interval![1], 2 + 4.302653 / Math.sqrt(3), 1e-5);
  });

  it('cannot tell anything of one pair', () => {
    assert.deepEqual(pairedDifference([0.5]), { mean: 0.5, pairs: 1, interval: null });
  });
});
