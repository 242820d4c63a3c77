/** The warm-up of a run that is not told of any. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shapes } from '../data/shapes.js';
import type { TrainFlags } from './train-flags.js';
import { withWarmup } from './warmup.js';

const dataset = shapes({ train: 3000, test: 1 });
const warmup = (flags: Partial<TrainFlags>): number | undefined =>
  withWarmup({ schedule: 'cosine', batchSize: 10, epochs: 1, ...flags } as TrainFlags, dataset).warmup;

test('the warm-up is a fifth of the run, but no more than an epoch, or 100 steps', () => {
  assert.equal(warmup({}), 60);
  assert.equal(warmup({ epochs: 5 }), 300);
  assert.equal(warmup({ epochs: 50 }), 300);
  assert.equal(warmup({ epochs: 50, batchSize: 100 }), 100);
  assert.equal(warmup({ epochs: 50, maxSteps: 44 }), 8);
  assert.equal(warmup({ stages: [{ epochs: 1 }, { epochs: 40 }] }), 60);
});

test('a warm-up that is given stays, and a schedule that grows by itself gets none', () => {
  assert.equal(warmup({ warmup: 0 }), 0);
  assert.equal(warmup({ warmup: 7 }), 7);
  assert.equal(warmup({ schedule: 'one-cycle' }), undefined);
});
