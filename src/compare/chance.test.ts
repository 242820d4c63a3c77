import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chanceOf, upperLimit } from './chance.js';

/** P(X ≥ k), summed the plain way. */
function tail(k: number, trials: number, probability: number): number {
  let sum = 0;
  for (let i = k; i <= trials; i++) {
    let term = 1;
    for (let j = 1; j <= i; j++) term *= ((trials - i + j) / j) * probability;
    sum += term * (1 - probability) ** (trials - i);
  }
  return sum;
}

describe('upperLimit', () => {
  it('is the first number of successes that chance hardly reaches', () => {
    for (const [trials, probability] of [
      [10, 0.1],
      [40, 0.1],
      [100, 0.25],
      [100, 0.5],
    ]) {
      const limit = upperLimit(trials, probability);
      assert.ok(tail(limit, trials, probability) <= 0.025, `${trials}`);
      assert.ok(tail(limit - 1, trials, probability) > 0.025, `${trials}`);
    }
  });

  it('holds for as many images as test sets have', () => {
    // The normal approximation, 0.1 + 1.96 √(0.09 / n), is as good as exact there.
    for (const trials of [10_000, 50_000]) {
      const approximate = 0.1 + 1.96 * Math.sqrt(0.09 / trials);
      assert.ok(Math.abs(upperLimit(trials, 0.1) / trials - approximate) < 2e-4);
    }
  });

  it('cannot be reached where guessing is never wrong, or there are too few images', () => {
    assert.equal(upperLimit(20, 1), 21);
    assert.equal(upperLimit(1, 0.1), 2);
  });
});

describe('chanceOf', () => {
  it('is one in as many classes, or the share of the most frequent one', () => {
    const even = Array.from({ length: 100 }, (_, i) => i % 10);
    assert.equal(chanceOf(even, 10).accuracy, 0.1);
    assert.equal(chanceOf([0, 0, 0, 1], 10).accuracy, 0.75);
    // Of classes that the test images lack, too, one may be named.
    assert.equal(chanceOf([0, 1, 2, 3], 2 * 4).accuracy, 0.25);
    assert.equal(chanceOf(even, 10).clearlyAbove, upperLimit(100, 0.1) / 100);
  });
});
