import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError } from '../tensor/option-error.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { evaluate } from '../testing/run.js';
import { type Metric, checkMetrics, classAccuracy, figureOf, topAccuracy } from './metrics.js';

/** What five images of three classes add to a metric's sums, image by image. */
async function contributions(metric: Metric): Promise<number[]> {
  const logits = tensor(
    'float32',
    [5, 3],
    [
      ...[3, 2, 1],
      ...[1, 2, 3],
      ...[5, 5, 5], // ties count for the label
      ...[0, -1, -2],
      ...[-3, 7, 0],
    ],
  );
  const labels = tensor('int32', [5], [0, 0, 2, 1, 0]);
  return toNumbers(await evaluate([logits, labels], (x, y) => metric.contributions(x, y)));
}

test('top-k accuracy counts images with fewer than k classes above the label', async () => {
  assert.deepEqual(await contributions(topAccuracy(1)), [1, 0, 1, 0, 0]);
  assert.deepEqual(await contributions(topAccuracy(2)), [1, 0, 1, 1, 0]);
  assert.deepEqual(await contributions(topAccuracy(3)), [1, 1, 1, 1, 1]);
  assert.equal(figureOf(topAccuracy(2), [3], 5), 0.6);
  for (const k of [0, 1.5, NaN]) assert.throws(() => topAccuracy(k), OptionError);
});

test('accuracy by class has a figure for each class, and none for one without images', async () => {
  const rows = await contributions(classAccuracy);
  // Right answers of each class, then its images: the highest logit decides, of equal ones the first.
  assert.deepEqual(rows, [
    ...[1, 0, 0, 1, 0, 0],
    ...[0, 0, 0, 1, 0, 0],
    ...[0, 0, 0, 0, 0, 1],
    ...[0, 0, 0, 0, 1, 0],
    ...[0, 0, 0, 1, 0, 0],
  ]);
  assert.deepEqual(figureOf(classAccuracy, [1, 0, 0, 3, 1, 0], 4), [1 / 3, 0, NaN]);
});

test('metrics have names of their own that events can carry', () => {
  const named = (name: string): Metric => ({ ...topAccuracy(1), name });
  checkMetrics([topAccuracy(1), topAccuracy(5), classAccuracy]);
  assert.throws(() => {
    checkMetrics([topAccuracy(5), topAccuracy(5)]);
  }, /there are two metrics named "top5"/);
  for (const name of ['', '5top', 'a/b', 'a b'])
    assert.throws(() => {
      checkMetrics([named(name)]);
    }, /a metric's name is a letter followed by/);
});
