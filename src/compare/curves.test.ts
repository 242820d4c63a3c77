import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bestUntil, meanCurve, stepsTo } from './curves.js';

const curve = [
  { step: 0, accuracy: 0.1 },
  { step: 10, accuracy: 0.3 },
  { step: 20, accuracy: 0.2 },
  { step: 30, accuracy: 0.6 },
];

describe('stepsTo', () => {
  it('interpolates between evaluations', () => {
    assert.ok(Math.abs(stepsTo(0.2, curve)! - 5) < 1e-9);
    assert.ok(Math.abs(stepsTo(0.4, curve)! - 25) < 1e-9);
  });
  it('takes the first time a target is reached', () => {
    assert.ok(Math.abs(stepsTo(0.25, curve)! - 7.5) < 1e-9);
  });
  it('is exact at an evaluation, and at the start', () => {
    assert.equal(stepsTo(0.3, curve), 10);
    assert.equal(stepsTo(0.05, curve), 0);
    assert.equal(stepsTo(0.6, curve), 30);
  });
  it('says when a target is not reached', () => {
    assert.equal(stepsTo(0.61, curve), null);
    assert.equal(stepsTo(0.1, []), null);
  });
});

describe('bestUntil', () => {
  it('is the highest so far, also between evaluations', () => {
    assert.equal(bestUntil(20, curve), 0.3);
    assert.ok(Math.abs(bestUntil(5, curve) - 0.2) < 1e-9);
    assert.ok(Math.abs(bestUntil(29, curve) - 0.56) < 1e-9);
  });
});

describe('meanCurve', () => {
  it('is taken over the steps that all curves have', () => {
    const point = (step: number, accuracy: number) => ({ step, accuracy, loss: 1 - accuracy });
    const found = meanCurve([
      [point(0, 0.1), point(10, 0.4), point(20, 0.5)],
      [point(0, 0.3), point(20, 0.7)],
    ]);
    assert.deepEqual(
      found.map(({ step }) => step),
      [0, 20],
    );
    assert.ok(Math.abs(found[1].accuracy.mean - 0.6) < 1e-9);
    assert.ok(Math.abs(found[1].accuracy.deviation! - Math.SQRT2 / 10) < 1e-9);
    assert.equal(meanCurve([[point(0, 0.1)]])[0].accuracy.deviation, null);
  });
});
