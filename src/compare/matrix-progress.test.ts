import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MatrixCounter } from './matrix-progress.js';

it('tells the time left over the whole matrix', () => {
  let now = 0;
  const counter = new MatrixCounter(3, 100, () => now);
  assert.ok(Number.isNaN(counter.progress.secondsLeft));
  // The first run was finished before; the second goes on at step 50.
  counter.finish();
  counter.begin();
  now = 10_000;
  for (let step = 51; step <= 60; step++) counter.step(step);
  assert.deepEqual(counter.progress, {
    runs: 1,
    totalRuns: 3,
    steps: 160,
    totalSteps: 300,
    secondsLeft: 140,
  });
});
