/** A comparison whose data have validation images. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { shapes } from '../data/shapes.js';
import { splitValidation } from '../data/split-validation.js';
import { mlp } from '../models/mlp.js';
import { cosine } from '../optim/schedule.js';
import { sgd } from '../optim/sgd.js';
import { temporaryFolder } from '../testing/command.js';
import { type CompareEvent, compare } from './compare.js';
import { type Comparison, planComparison } from './plan.js';
import { variantsOf } from './variant.js';

const folder = temporaryFolder();
const whole = shapes({ train: 120, test: 40 });
const comparison: Comparison = {
  dataset: splitValidation(whole, { share: 0.2 }),
  model: mlp({ width: 8, depth: 1 }),
  variants: variantsOf(['vanilla', 'tract'], [0.1]),
  seeds: [0],
  training: { optimizer: sgd({ learningRate: cosine(0.02), momentum: 0.9 }), batchSize: 16, threads: 1 },
  epochs: 2,
  evaluateEvery: 4,
};

test('its curves are on them, it says so, and the test images change nothing of it', async () => {
  const found = [];
  for (const test of [whole.test, shapes({ train: 1, test: 40, seed: 1 }).test]) {
    const out = join(folder, String(found.length));
    const events: CompareEvent[] = [];
    const dataset = { ...comparison.dataset, test };
    const result = await compare({ ...comparison, dataset }, { out, onEvent: (event) => events.push(event) });
    found.push({ results: result!.results, out, events });
  }
  const [{ results, out, events }, other] = found;
  const curves = ({ variants }: typeof results): unknown => variants.map(({ curve }) => curve);
  assert.deepEqual(curves(results), curves(other.results));
  assert.equal(results.split, 'validation');
  assert.deepEqual(
    [results.setup.trainImages, results.setup.validationImages, results.setup.testImages],
    [96, 24, 40],
  );
  const ends = events.filter((event) => event.event === 'run' && event.state === 'finished');
  assert.equal(ends.length, 2);
  for (const end of ends) {
    assert.ok('validationAccuracy' in end && !('testAccuracy' in end));
  }
  const html = await readFile(join(out, 'report.html'), 'utf8');
  assert.match(html, /24 validation images that is classified right/);
  assert.match(html, /on all validation images; the test images were not looked at/);
  assert.doesNotMatch(html, /test (accuracy|loss)/);
  assert.doesNotMatch(results.sentences.join(' '), /\btest\b/);
});

test('without them it is on the test images and chooses nothing, and says so', async () => {
  const { dataset, ...rest } = comparison;
  assert.ok(dataset.validation);
  const out = join(folder, 'plain');
  const { results } = (await compare({ ...rest, evaluateEvery: 1, dataset: whole }, { out }))!;
  assert.equal(results.split, 'test');
  for (const { curve, final } of results.variants) {
    assert.deepEqual(final!.accuracy, curve.at(-1)!.accuracy);
  }
  const html = await readFile(join(out, 'report.html'), 'utf8');
  assert.match(
    html,
    /every step, on all test images; nothing is chosen on them: figures at the end are those of the last/,
  );
});

test('its runs are others than those without, and those of another draw', async () => {
  const datasets = [
    whole,
    comparison.dataset,
    splitValidation(whole, { share: 0.2, seed: 1 }),
    splitValidation(whole, { share: 0.3 }),
  ];
  const ids = new Set<string>();
  for (const dataset of datasets) ids.add((await planComparison({ ...comparison, dataset })).runs[0].id);
  assert.equal(ids.size, 4);
});

test('numbers of epochs, steps and images that are none are refused before anything is made', async () => {
  for (const wrong of [
    { epochs: NaN },
    { epochs: 1.5 },
    { maxSteps: 0.5 },
    { evaluateEvery: 0 },
    { training: { ...comparison.training, batchSize: NaN } },
  ]) {
    await assert.rejects(
      planComparison({ ...comparison, ...wrong }),
      /OptionError: .* positive whole number/,
    );
  }
});
