/** Recipes, by the real command and in the library. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { shapes } from '../data/shapes.js';
import { tract as tractOf } from '../tract/tract.js';
import { Classifier } from '../train/classifier.js';
import { paperRecipe, speedRecipe } from '../train/recipes.js';
import { type RunConfig, describeRun } from '../train/run-config.js';
import { Trainer } from '../train/trainer.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';

const folder = temporaryFolder();
const data = ['--limit-train', '300', '--limit-test', '100', '--threads', '1', '--json'];

test('speed learns in few steps, resumes to the same bits, and answers as it is evaluated', async () => {
  const [straight, stopped] = [join(folder, 'straight'), join(folder, 'stopped')];
  const recipe = ['--recipe', 'speed', '--width', '4', '--batch-size', '100', '--seed', '2'];
  const whole = await tract(['train', ...data, ...recipe, '--epochs', '4', '--out', straight]);
  assert.equal(whole.code, 0, whole.stderr);
  const lines = jsonLines(whole.stdout);
  const first = await tract(['train', ...data, ...recipe, '--epochs', '4', '--out', stopped], {
    interrupt: { signal: 'SIGINT', at: '"step":5,' },
  });
  assert.equal(first.code, 130, first.stderr);
  const second = await tract(['train', '--resume', stopped, '--threads', '1']);
  assert.equal(second.code, 0, second.stderr);
  const files = [straight, stopped].map((run) => readFileSync(join(run, 'last.safetensors')));
  assert.ok(files[0].equals(files[1]));

  const { model, options, run } = speedRecipe({ width: 4, batchSize: 100, epochs: 4, seed: 2 });
  const all = shapes();
  const described = describeRun(model, options, all, run);
  const { config } = lines[0] as unknown as { config: RunConfig };
  const { data: ours, ...rest } = JSON.parse(JSON.stringify(described)) as RunConfig;
  assert.equal(ours.name, config.data.name);
  assert.deepEqual({ ...config, data: undefined }, { ...rest, data: undefined });
  // 12 steps on 300 images are enough to be far from chance.
  const accuracy = lines.at(-1)!.testAccuracy as number;
  assert.ok(accuracy > 0.3, `the accuracy is ${accuracy}`);

  const classifier = await Classifier.load(straight, { threads: 1 });
  const { images, labels } = shapes({ test: 100 }).test;
  const answers = await classifier.classify(images.slice(0, 100 * 3072));
  const right = answers.filter(({ classIndex }, i) => classIndex === labels[i]).length;
  assert.ok(Math.abs(right / 100 - accuracy) < 1e-9, `${right} of 100, not ${accuracy}`);
  await classifier.release();
});

test('flags count more than a recipe: another optimizer has nothing of its', async () => {
  const { code, stdout, stderr } = await tract([
    ...['train', ...data, '--recipe', 'speed', '--width', '4', '--batch-size', '100', '--epochs', '1'],
    ...['--optimizer', 'adam', '--flip', 'none', '--test-views', 'flip', '--out', join(folder, 'adam')],
    ...['--whitening', 'off', '--tract'],
  ]);
  assert.equal(code, 0, stderr);
  const { config } = jsonLines(stdout)[0] as unknown as { config: RunConfig };
  assert.equal(config.optimizer.name, 'adam');
  assert.deepEqual(config.schedule, { name: 'cosine', config: { lr: 0.001, warmup: 0 } });
  assert.equal(config.groups, undefined);
  assert.equal(config.model.name, 'airbench');
  assert.deepEqual(config.tract, { layer: 'whiten', lambda: 0.1 });
  assert.equal(config.testViews, 'flip');
  assert.deepEqual(config.augmentation, [
    { name: 'randomCrop', config: { padding: 2, paddingMode: 'reflect' } },
  ]);
  const again = await tract(['train', '--resume', join(folder, 'adam'), '--recipe', 'speed']);
  assert.equal(again.code, 2);
  assert.match(
    again.stderr,
    /--recipe is for a new run: the one in .* keeps the options that it was begun with/,
  );
});

test('a flag that says what a recipe does changes nothing of it', async () => {
  const { code, stdout, stderr } = await tract([
    ...['train', ...data, '--recipe', 'paper', '--optimizer', 'sgd', '--width', '4', '--max-steps', '1'],
    ...['--out', join(folder, 'same')],
  ]);
  assert.equal(code, 0, stderr);
  const { config } = jsonLines(stdout)[0] as unknown as { config: RunConfig };
  assert.equal(config.optimizer.config.weightDecay, 0);
  assert.deepEqual(config.schedule, { name: 'cosine', config: { lr: 0.08, warmup: 0 } });
});

test("paper is the paper's, in both", async () => {
  const out = join(folder, 'paper');
  const { code, stdout, stderr } = await tract([
    ...['train', ...data, '--recipe', 'paper', '--tract', '--width', '4', '--max-steps', '1', '--out', out],
  ]);
  assert.equal(code, 0, stderr);
  const { config } = jsonLines(stdout)[0] as unknown as { config: RunConfig };
  const { model, options, run } = paperRecipe({ model: { width: 4 } });
  const described = describeRun(tractOf(model), options, shapes(), { ...run, maxSteps: 1 });
  assert.deepEqual(
    { ...config, data: undefined },
    { ...(JSON.parse(JSON.stringify(described)) as RunConfig), data: undefined },
  );
  assert.equal(config.epochs, 100);
  assert.deepEqual(config.optimizer, {
    name: 'sgd',
    config: { momentum: 0.9, nesterov: false, weightDecay: 0 },
  });
  const transformer = await Trainer.create(paperRecipe({ architecture: 'vit', model: { width: 6 } }).model, {
    ...paperRecipe({ architecture: 'vit' }).options,
    threads: 1,
  });
  assert.equal(transformer.options.optimizer.name, 'adam');
  await transformer.release();
});
