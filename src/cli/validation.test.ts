/** Runs with validation images, and what is known of the classes of a run, by the real command. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fromSafetensors } from '../tensor/safetensors.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';

const folder = temporaryFolder();
const run = join(folder, 'run');
const mlp = [
  ...['train', '--model', 'mlp', '--width', '8', '--depth', '1', '--batch-size', '16', '--threads', '1'],
  ...['--limit-train', '100', '--limit-test', '30', '--epochs', '6', '--lr', '0.02'],
];
let events: Record<string, unknown>[];

const progressOf = (file: string): { epoch: number; bestAccuracy: number } =>
  JSON.parse(fromSafetensors(readFileSync(file)).metadata.progress) as {
    epoch: number;
    bestAccuracy: number;
  };

before(async () => {
  const { code, stdout, stderr } = await tract([...mlp, '--validation', '0.2', '--out', run, '--json']);
  assert.equal(code, 0, stderr);
  events = jsonLines(stdout);
});

test('the curve is on the validation images, and the epoch that is best there is kept and tested', async () => {
  const epochs = events.filter(({ event }) => event === 'epoch');
  assert.equal(epochs.length, 6);
  for (const epoch of epochs) {
    assert.equal(typeof epoch.validationLoss, 'number');
    assert.ok(!('testLoss' in epoch || 'testAccuracy' in epoch));
  }
  const accuracies = epochs.map(({ validationAccuracy }) => validationAccuracy as number);
  const best = Math.max(...accuracies);
  const bestEpoch = accuracies.indexOf(best) + 1;
  assert.ok(bestEpoch < 6, 'the best epoch is the last, so that this test tells nothing');
  assert.equal(progressOf(join(run, 'best.safetensors')).epoch, bestEpoch);
  const end = events.at(-1)!;
  assert.equal(end.bestAccuracy, best);
  assert.equal(end.bestEpoch, bestEpoch);
  assert.equal(end.validationAccuracy, accuracies[5]);
  // What is reported is of the checkpoint that eval takes.
  const [line] = jsonLines((await tract(['eval', run, '--json'])).stdout);
  assert.match(String(line.checkpoint), /best\.safetensors$/);
  assert.equal(line.testAccuracy, end.testAccuracy);
  assert.ok(Math.abs((line.testLoss as number) - (end.testLoss as number)) < 1e-5);
});

test('the seed of the run says which images are set aside, and the configuration keeps it', async () => {
  const { data } = events[0].config as { data: Record<string, unknown> };
  assert.deepEqual(
    [data.trainImages, data.validationImages, data.testImages, data.setAside],
    [80, 20, 30, { share: 0.2, seed: 0 }],
  );
  const again = await tract(['train', '--resume', run, '--threads', '1', '--json']);
  assert.equal(again.code, 0, again.stderr);
  const withoutTime = (event: Record<string, unknown>): unknown => ({ ...event, seconds: 0 });
  const [first, second] = [events, jsonLines(again.stdout)].map((lines) => lines.at(-1)!);
  // Resuming a finished run trains no epoch, so that there is no figure of one.
  const { validationLoss, validationAccuracy, ...figures } = first;
  assert.ok(typeof validationLoss === 'number' && typeof validationAccuracy === 'number');
  assert.deepEqual(withoutTime(second), withoutTime(figures));
});

test('the text says which images its figures are of, with validation images and without', async () => {
  const few = [...mlp, '--epochs', '1'];
  const withImages = await tract([...few, '--validation', '0.2', '--out', join(folder, 'text')]);
  assert.match(withImages.stdout, /shapes: 80 training, 20 validation and 30 test images/);
  assert.match(withImages.stdout, /epoch 1\/1 .* validation loss \d\.\d+ {2}accuracy/);
  assert.match(withImages.stdout, /by validation accuracy is epoch 1: validation \S+ %, test \S+ %/);
  const without = await tract([...few, '--out', join(folder, 'plain')]);
  assert.match(without.stdout, /shapes: 100 training and 30 test images/);
  assert.match(without.stdout, /epoch 1\/1 .* test loss \d\.\d+ {2}accuracy/);
  assert.match(without.stdout, /Test accuracy after the last epoch \S+ %/);
  assert.deepEqual(readdirSync(join(folder, 'plain')).sort(), [
    'config.json',
    'last.safetensors',
    'metrics.jsonl',
  ]);
});

test('a best checkpoint that was chosen on the test images, as once was done, is not taken for the run', async () => {
  const old = join(folder, 'old');
  assert.equal((await tract([...mlp, '--epochs', '2', '--out', old])).code, 0);
  copyFileSync(join(old, 'last.safetensors'), join(old, 'best.safetensors'));
  assert.match((await tract(['eval', old])).stdout, /^\S+last\.safetensors/);
  // Unless it is asked for by its name.
  assert.match((await tract(['eval', join(old, 'best.safetensors')])).stdout, /^\S+best\.safetensors/);
});

test('compare takes the share, too, and the same images whatever the seeds', async () => {
  const small = mlp.slice(1);
  const outcome = await tract([
    ...['compare', ...small, '--validation', '0.2', '--epochs', '1', '--seeds', '3,4', '--methods'],
    ...['vanilla,tract', '--out', join(folder, 'compare')],
  ]);
  assert.equal(outcome.code, 0, outcome.stderr);
  assert.equal(outcome.stdout.match(/seed [34] {2}validation accuracy \S+ %/g)?.length, 4);
  const runs = readdirSync(join(folder, 'compare', 'runs'));
  assert.equal(runs.length, 4);
  for (const name of runs) {
    const text = readFileSync(join(folder, 'compare', 'runs', name, 'config.json'), 'utf8');
    const { data } = JSON.parse(text) as { data: Record<string, unknown> };
    assert.deepEqual([data.validationImages, data.setAside], [20, { share: 0.2, seed: 0 }]);
  }
});

test('shares that leave no image, or are none, are refused before anything is made', async () => {
  for (const [share, code, message] of [
    ['0', 2, /--validation .*'0' is invalid.* above 0 and below 1/],
    ['0.004', 1, /A share of 0\.004 of the 100 training images of shapes is no image/],
    ['0.999', 1, /is all of them: choose a smaller one/],
    ['0.9', 1, /A batch of 16 is larger than the 10 training images/],
  ] as const) {
    const out = join(folder, 'none');
    const outcome = await tract([...mlp, '--validation', share, '--out', out]);
    assert.equal(outcome.code, code, outcome.stderr);
    assert.match(outcome.stderr, message);
    assert.ok(!readdirSync(folder).includes('none'));
  }
});

test('a model is evaluated on the classes that it was trained on, and on no others', async () => {
  const data = join(folder, 'cifar-10-batches-bin');
  mkdirSync(data);
  const record = Buffer.alloc(3073);
  for (const name of [1, 2, 3, 4, 5].map((number) => `data_batch_${number}`).concat('test_batch')) {
    writeFileSync(join(data, `${name}.bin`), record);
  }
  const cifar = ['--data', 'cifar10', '--data-dir', folder];
  const other = await tract(['eval', run, ...cifar, '--json']);
  assert.equal(other.code, 1, other.stdout);
  assert.equal(other.stdout, '');
  assert.match(
    other.stderr,
    /^error: cifar10 has other classes than the model of .* was trained on: class 0 is "airplane", not "/,
  );
  // The same names in another order are another task, too, also for a run that goes on.
  const names = Array.from({ length: 10 }, (_, label) => `name ${label}`);
  writeFileSync(join(data, 'batches.meta.txt'), names.join('\n'));
  const trained = join(folder, 'cifar');
  const small = ['--model', 'mlp', '--width', '4', '--batch-size', '1', '--max-steps', '2', '--threads', '1'];
  const { code, stderr } = await tract(['train', ...cifar, ...small, '--out', trained]);
  assert.equal(code, 0, stderr);
  assert.equal((await tract(['eval', trained, '--data-dir', folder])).code, 0);
  writeFileSync(join(data, 'batches.meta.txt'), names.toReversed().join('\n'));
  for (const command of [
    ['eval', trained],
    ['train', '--resume', trained],
  ]) {
    const outcome = await tract([...command, '--data-dir', folder]);
    assert.equal(outcome.code, 1);
    assert.match(
      outcome.stderr,
      /^error: cifar10 has the classes in another order .* class 0 is "name 9", not "name 0"/,
    );
  }
});
