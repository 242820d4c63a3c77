/** From images to a model in use, by the real command. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { limit } from '../data/dataset.js';
import { shapes } from '../data/shapes.js';
import { Program } from '../engine/session.js';
import { fromOnnx } from '../graph/parse.js';
import { fromSafetensors } from '../tensor/safetensors.js';
import { tensor } from '../tensor/tensor.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';

const folder = temporaryFolder();
const run = join(folder, 'run');
const size = ['--limit-train', '96', '--limit-test', '40', '--batch-size', '32', '--threads', '1'];
let events: Record<string, unknown>[];

before(async () => {
  const { code, stdout, stderr } = await tract([
    ...['train', '--width', '4', '--tract', '--epochs', '2', ...size, '--out', run, '--json'],
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  events = jsonLines(stdout);
});

test('--json prints an event a line, and nothing else', () => {
  const kinds = events.map(({ event }) => event).filter((event) => event !== 'checkpoint');
  const epoch = ['step', 'step', 'step', 'epoch'];
  assert.deepEqual(kinds, ['start', ...epoch, ...epoch, 'end']);
  const [first, second] = events.filter(({ event }) => event === 'epoch');
  assert.equal(first.epoch, 1);
  assert.equal(second.epoch, 2);
  for (const key of ['trainLoss', 'trainAccuracy', 'testLoss', 'testAccuracy']) {
    assert.equal(typeof second[key], 'number', key);
  }
  const lastStep = events.filter(({ event }) => event === 'step').at(-1)!;
  assert.equal(lastStep.step, 6);
  assert.equal(lastStep.steps, 6);
  const end = events.at(-1)!;
  assert.equal(end.interrupted, false);
  // Without validation images nothing is chosen: the last epoch is what is kept.
  assert.equal(end.testAccuracy, second.testAccuracy);
  assert.ok(!('bestAccuracy' in end || 'bestEpoch' in end));
});

test('the folder of a run holds its configuration, metrics and checkpoints', () => {
  const config = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')) as Record<string, unknown>;
  assert.deepEqual(config.tract, { layer: 'conv1', lambda: 0.1 });
  const metrics = jsonLines(readFileSync(join(run, 'metrics.jsonl'), 'utf8'));
  assert.deepEqual(
    metrics,
    events.filter(({ event }) => event === 'step' || event === 'epoch'),
  );
  assert.ok(!readdirSync(run).includes('best.safetensors'));
  const { tensors } = fromSafetensors(readFileSync(join(run, 'last.safetensors')));
  assert.deepEqual(tensors['layer1.0.conv1.weight'].shape, [4, 4, 3, 3]);
  assert.deepEqual(tensors['conv1.weight/momentum_buffer'].shape, [4, 3, 3, 3]);
});

test('eval measures what training measured', async () => {
  const { stdout } = await tract(['eval', join(run, 'last.safetensors'), '--json']);
  const [line] = jsonLines(stdout);
  const epoch = events.findLast(({ event }) => event === 'epoch')!;
  assert.equal(line.testAccuracy, epoch.testAccuracy);
  assert.ok(Math.abs((line.testLoss as number) - (epoch.testLoss as number)) < 1e-5);
  const text = await tract(['eval', run]);
  assert.match(text.stdout, /last\.safetensors \(resnet18, step 6\) on 40 test images of shapes: loss \d/);
});

test('the exported model computes the logits of eval', async () => {
  const [onnx, file] = [join(folder, 'model.onnx'), join(folder, 'logits.safetensors')];
  assert.equal((await tract(['eval', run, '--logits', file])).code, 0);
  assert.equal((await tract(['export', run, '--out', onnx, '--batch-size', '40'])).code, 0);
  const bytes = readFileSync(onnx);
  const { metadata } = fromOnnx(new Uint8Array(bytes));
  const dataset = limit(shapes({ train: 1 }), { test: 40 });
  assert.deepEqual(JSON.parse(metadata.class_names), dataset.classNames);
  const program = await Program.load(bytes, { provider: 'cpu' });
  const images = tensor('uint8', [40, 3, 32, 32], new Uint8Array(dataset.test.images));
  const { logits } = await program.run({ images });
  await program.release();
  const wanted = fromSafetensors(readFileSync(file)).tensors;
  assert.deepEqual(Array.from(wanted.labels.data as Int32Array), Array.from(dataset.test.labels));
  assert.deepEqual(wanted.logits.shape, [40, 10]);
  const found = logits.data as Float32Array;
  const difference = Math.max(
    ...(wanted.logits.data as Float32Array).map((value, i) => Math.abs(value - found[i])),
  );
  assert.ok(difference < 1e-4, `the logits differ by ${difference}`);
});

test('export needs no flags, and takes any number of images then', async () => {
  const { code, stdout, stderr } = await tract(['export', run]);
  assert.equal(code, 0, stderr);
  const onnx = join(run, 'model.onnx');
  assert.ok(stdout.startsWith(`${onnx}: resnet18 from `));
  assert.match(stdout, /in {3}images {2}uint8 \[N, 3, 32, 32\]/);
  const program = await Program.load(readFileSync(onnx), { provider: 'cpu' });
  for (const count of [1, 3]) {
    const images = tensor('uint8', [count, 3, 32, 32], new Uint8Array(count * 3072));
    assert.deepEqual((await program.run({ images })).logits.shape, [count, 10]);
  }
  await program.release();
  const [line] = jsonLines((await tract(['export', join(run, 'last.safetensors'), '--json'])).stdout);
  assert.equal(line.out, onnx);
  assert.deepEqual((line.input as { shape: unknown }).shape, ['N', 3, 32, 32]);
});

test('predict reads JPEG, PNG and WebP, and goes on after an image that is none', async () => {
  const plain = sharp({ create: { width: 60, height: 45, channels: 3, background: '#407060' } });
  const images = ['jpeg', 'png', 'webp'].map((format) => join(folder, `image.${format}`));
  for (const image of images) await plain.toFile(image);
  const json = await tract(['predict', run, ...images, '--json']);
  assert.equal(json.code, 0, json.stderr);
  const lines = jsonLines(json.stdout);
  assert.deepEqual(
    lines.map(({ image }) => image),
    images,
  );
  const top = lines[0].top as { class: string; probability: number }[];
  assert.equal(top.length, 5);
  assert.ok(top.every(({ probability }, i) => i === 0 || probability <= top[i - 1].probability));
  const all = await tract(['predict', run, join(run, 'config.json'), images[1], '--top', '10']);
  assert.equal(all.code, 1);
  assert.match(all.stderr, /^error: .*config\.json is not an image/);
  assert.equal(all.stdout.trim().split('\n').length, 11);
});

test('models lists the models', async () => {
  const { stdout } = await tract(['models', '--json']);
  const models = jsonLines(stdout);
  const vit = models.find(({ name }) => name === 'vit')!;
  assert.equal(vit.imageSize, 32);
  assert.match((await tract(['models'])).stdout, /resnet18 +11\.2 M +32/);
});

test('help teaches by examples, and each command has its own', async () => {
  for (const command of ['train', 'eval', 'predict', 'export']) {
    const { code, stdout } = await tract([command, '--help']);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`Usage: tract ${command}[^]*Examples:\n  tract ${command}`));
  }
});

test('without --out a run gets a folder of its own under runs/', async () => {
  const parameters = ['train', '--model', 'mlp', '--width', '8', '--max-steps', '1', ...size];
  for (const name of ['runs/shapes-mlp', 'runs/shapes-mlp-2']) {
    const { code, stdout } = await tract(parameters, { cwd: folder });
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`in ${name}$`, 'm'));
    assert.match(stdout, /, 1 step, seed 0$/m);
  }
});
