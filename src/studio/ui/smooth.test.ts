import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smooth } from './smooth.js';

const run = (steps: number) => Array.from({ length: steps }, (_, i) => ({ step: i + 1, value: i }));

test('a short run has the mean of the last ten steps at each', () => {
  const points = smooth(run(30));
  assert.equal(points.length, 30);
  assert.deepEqual(points[0], { step: 1, value: 0 });
  assert.deepEqual(points[4], { step: 5, value: 2 });
  assert.deepEqual(points[29], { step: 30, value: 24.5 });
});

test('a long run has no more points than can be seen, and the last step among them', () => {
  for (const steps of [801, 1600, 45_775]) {
    const points = smooth(run(steps));
    assert.ok(points.length <= 801, String(points.length));
    assert.deepEqual(points.at(-1), { step: steps, value: steps - 5.5 });
  }
});

test('there is nothing of a run without steps', () => {
  assert.deepEqual(smooth([]), []);
});
