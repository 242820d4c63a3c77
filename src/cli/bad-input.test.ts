/** Whatever is wrong with the input: one sentence, an exit code that says so, no stack trace, nothing lost. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fromSafetensors, toSafetensors } from '../tensor/safetensors.js';
import { type Outcome, jsonLines, temporaryFolder, tract } from '../testing/command.js';
import { outcomeHere } from '../testing/refused.js';
import { ExclusiveFolder } from '../train/exclusive-folder.js';

const folder = temporaryFolder();
const run = join(folder, 'run');
const last = join(run, 'last.safetensors');
const tiny = ['--limit-train', '64', '--limit-test', '16', '--batch-size', '16', '--threads', '1'];
const mlp = ['train', '--model', 'mlp', '--width', '8', '--depth', '1', '--max-steps', '2', ...tiny];

before(async () => {
  assert.equal((await tract([...mlp, '--out', run])).code, 0);
});

async function refused(parameters: readonly string[], code: number, message: RegExp): Promise<void> {
  assertRefused(await tract(parameters, { cwd: folder }), code, message);
}

function assertRefused(outcome: Outcome, code: number, message: RegExp): void {
  assert.equal(outcome.code, code, outcome.stderr);
  assert.equal(outcome.stdout, '');
  assert.match(outcome.stderr, message);
  assert.match(outcome.stderr, /^error: [^\n]+\n$/, 'not one line');
}

const usage: readonly [string, RegExp][] = [
  ['train --optimiser sgd', /unknown option '--optimiser' \(Did you mean --optimizer\?\)/],
  ['train --schedule cosin', /'cosin' is invalid.* one of cosine, constant, .*\. Did you mean cosine\?/],
  ['train --model resnet81', /Did you mean resnet18\?/],
  ['train --data cifar11', /Did you mean cifar10\?/],
  ['trian', /unknown command 'trian' \(Did you mean train\?\)/],
  ['train --tract 0', /--tract .*'0' is invalid.* above 0/],
  ['train --tract=-0.1', /--tract .*'-0\.1' is invalid/],
  ['train --tract -0.1', /--tract .*'-0\.1' is invalid/],
  ['train --tract nan', /--tract .*'nan' is invalid/],
  ['train --tract-until 0.5', /--tract-until is for TrAct, which is not asked for/],
  ['train --tract --gram-momentum 1', /--gram-momentum .*'1' is invalid.* below 1/],
  ['train --lr 0x10', /--lr .*'0x10' is invalid.* above 0/],
  ['train --momentum 1', /--momentum .* below 1/],
  ['train --epochs 1.5', /--epochs .* whole number of at least 1/],
  ['train --batch-size 0', /--batch-size .* at least 1/],
  ['train --label-smoothing 1', /--label-smoothing .* below 1/],
  [
    'train --patch 4',
    /--patch is no option of resnet18, which has --width, --stem, --drop-path, --zero-init-residual$/m,
  ],
  ['train --image-size 64', /--image-size is for folders of pictures, not for shapes/],
  ['train --model vit --width 10', /the width 10 is not a multiple of the 3 heads/],
  ['train --optimizer adam --momentum 0.9', /--momentum is for the optimizer sgd or muon, not for adam/],
  [
    'train --optimizer lion --epsilon 1e-3',
    /--epsilon is for the optimizer adam or adamw or lamb, not for lion/,
  ],
  ['train --optimizer adam --rest-lr 0.1', /--rest-lr is for the optimizer muon, not for adam/],
  ['train --optimizer adam --betas 0.9,0.99,0.999', /It must be a number of at least 0 and below 1/],
  ['train --schedule cosine --gamma 0.5', /--gamma is for the schedule step, not for cosine/],
  [
    'train --schedule one-cycle --warmup 5',
    /--warmup is for the schedule cosine or constant or linear or step, not/,
  ],
  ['train --group norm', /--group .* It must be like norm,bias:weight-decay=0/],
  ['train --group first:lr=0.1', /lr goes with an optimizer of its own/],
  ['train --group first:optimizer=muon', /one of sgd, adam, adamw, lion, lamb/],
  ['train --group norm:weight-decay=0,weight-decay=1', /It must be like norm,bias:weight-decay=0/],
  [
    'train --group nowhere:lr-factor=2 --limit-train 128',
    /a parameter group selects nothing: no parameter is \["nowhere"\]/,
  ],
  [
    'train --model mlp --progressive 16:0.5 --limit-train 128',
    /progressive: mlp takes no images of 16 pixels/,
  ],
  ['train --model mlp --drop-path 0.1', /--drop-path is no option of mlp/],
  ['train --momentum 0 --nesterov', /Nesterov needs a momentum above 0/],
  ['train --device gpu', /--device .* one of cpu, webgpu, cuda\./],
  ['train --no-augment --crop resized', /--no-augment leaves nothing for --flip and --crop/],
  ['train --no-augment --color-jitter 1', /--no-augment leaves nothing for --rand-augment/],
  ['train shapes', /too many arguments/],
  ['eval', /missing required argument 'run'/],
  ['export', /missing required argument 'run'/],
];
test('a wrong command line is refused with the nearest right one, before anything is done', async (context) => {
  const before = readdirSync('.');
  for (const [line, message] of usage) assertRefused(await outcomeHere(context, line), 2, message);
  assert.deepEqual(readdirSync('.'), before);
});

test('a folder of several runs, as compare leaves it: they are named', async () => {
  const comparison = join(folder, 'comparison');
  for (const name of ['tract-seed0-1', 'vanilla seed0']) {
    mkdirSync(join(comparison, 'runs', name), { recursive: true });
    copyFileSync(last, join(comparison, 'runs', name, 'last.safetensors'));
  }
  for (const command of [
    ['predict', comparison, 'photo.jpg'],
    ['eval', `${comparison}/`],
    ['export', comparison],
    ['inspect', join(comparison, 'runs')],
  ]) {
    await refused(
      command,
      1,
      /comparison\S* holds 2 runs, and is none itself; give one of them: \S+\/runs\/tract-seed0-1, '[^']+\/runs\/vanilla seed0'$/m,
    );
  }
});

test('a layer for TrAct that does not exist is refused, and the layers there are named', async () => {
  await refused([...mlp, '--tract-layer', 'conv1'], 1, /no linear layer or convolution "conv1".* layers\.0/);
});

test('a batch larger than the data, and more images than there are', async () => {
  await refused([...mlp, '--batch-size', '65'], 1, /A batch of 65 is larger than the 64 training images/);
  await refused(['train', '--limit-train', '10001'], 1, /shapes cannot be limited to 10001 training images/);
});

test('data files that are missing, truncated, too large, or hold a label out of range', async () => {
  const data = join(folder, 'cifar-10-batches-bin');
  const cifar = ['train', '--data', 'cifar10', '--data-dir', folder, '--out', join(folder, 'cifar')];
  await refused(cifar, 1, /There is no CIFAR-10 in/);
  mkdirSync(data);
  const record = Buffer.alloc(3073);
  for (const name of [1, 2, 3, 4, 5].map((number) => `data_batch_${number}`).concat('test_batch')) {
    writeFileSync(join(data, `${name}.bin`), record);
  }
  const third = join(data, 'data_batch_3.bin');
  writeFileSync(third, record.subarray(0, 3000));
  await refused(cifar, 1, /data_batch_3\.bin has 3000 bytes, which is not a whole number of records/);
  writeFileSync(third, Buffer.alloc(3073 * 10_001));
  await refused(cifar, 1, /data_batch_3\.bin .* at most 10000/);
  const wrong = Buffer.from(record);
  wrong[0] = 10;
  writeFileSync(third, wrong);
  await refused(cifar, 1, /data_batch_3\.bin: the label of record 0 is 10/);
});

test('an image that is none, or is missing', async () => {
  await refused(['predict', run, last], 1, /is not an image that can be read/);
  await refused(['predict', run, 'nothing.jpg'], 1, /There is no file nothing\.jpg/);
});

test('a checkpoint that is missing, damaged, or of another kind', async () => {
  await refused(['eval', 'nothing'], 1, /there is no run or checkpoint nothing/);
  mkdirSync(join(folder, 'empty'));
  await refused(['eval', 'empty'], 1, /empty is no folder of a run/);
  await refused(['eval', folder], 1, /holds a run, and is none itself; give it: \S+\/run$/m);
  const bytes = readFileSync(last);
  const damaged = join(folder, 'damaged.safetensors');
  for (const length of [0, 5, 8, 100, 1000, bytes.length - 1]) {
    writeFileSync(damaged, bytes.subarray(0, length));
    await refused(['eval', damaged], 1, /damaged\.safetensors cannot be used: /);
  }
  writeFileSync(damaged, Buffer.concat([bytes, Buffer.alloc(4)]));
  await refused(['predict', damaged, 'x.png'], 1, /4 bytes follow the last tensor/);
});

test('weights of another model: the first tensor that differs is named', async () => {
  await refused(
    [...mlp, '--width', '9', '--weights', last, '--out', 'other'],
    1,
    /"layers\.0\.weight" is float32 \[9, 3072\] in the model, but float32 \[8, 3072\] in the checkpoint/,
  );
  assert.ok(!readdirSync(folder).includes('other'), 'an empty folder was left behind');
  const same = await tract([...mlp, '--weights', last, '--out', join(folder, 'tuned')]);
  assert.equal(same.code, 0, same.stderr);
});

test('a run in the folder already is not overwritten', async () => {
  const before = readFileSync(last);
  await refused([...mlp, '--out', run], 1, /holds a run already; .*\(--resume, --out\)/);
  assert.ok(readFileSync(last).equals(before));
});

test('a folder that cannot be written is found out before training', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await refused([...mlp, '--out', join(file, 'run')], 1, /file\/run cannot be written: .*; choose another/);
  await refused([...mlp, '--out', file], 1, /file cannot be written: .*; choose another/);
  await refused(['export', run, '--out', join(folder, 'no', 'model.onnx')], 1, /a folder on the way/);
});

test('a place that takes no folders', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
  await refused([...mlp, '--out', '/proc/run'], 1, /\/proc\/run cannot be written/);
});

test('a loss that is no number any more stops the run and keeps the last good checkpoint', async () => {
  const out = join(folder, 'diverged');
  const { code, stderr } = await tract([...mlp, '--lr', '1e30', '--max-steps', '4', '--out', out]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error: the loss became \S+ at step \d .*diverged.* last good checkpoint is .*step 0\n$/,
  );
  const measured = await tract(['eval', out, '--json']);
  assert.equal(measured.code, 0, measured.stderr);
  assert.ok(Number.isFinite((JSON.parse(measured.stdout) as { testLoss: number }).testLoss));
});

test('a run that cannot start leaves nothing behind, and is not in the way of the command that was meant', async () => {
  const out = join(folder, 'cannot-start');
  const weights = join(folder, 'huge.safetensors');
  const { tensors, metadata } = fromSafetensors(readFileSync(last));
  for (const { data } of Object.values(tensors)) (data as Float32Array).fill(1e38);
  writeFileSync(weights, toSafetensors({ tensors, metadata }));
  const { code, stdout, stderr } = await tract([...mlp, '--weights', weights, '--out', out, '--json']);
  assert.equal(code, 1);
  // It failed in its first step, after a checkpoint had been written.
  assert.match(stdout, /"kind":"last","path":"[^"]*","step":0\}\n$/);
  assert.match(stderr, /^error: the loss became \S+ at step 1 [^\n]* a warm-up may help\n$/);
  assert.ok(!readdirSync(folder).includes('cannot-start'));
  await refused([...mlp, '--batch-size', '65', '--out', out], 1, /65 is larger than the 64 training images/);
  assert.ok(!readdirSync(folder).includes('cannot-start'));
  assert.equal((await tract([...mlp, '--out', out])).code, 0);
});

test('a folder that another process writes to is refused, and its files stay as they are', async () => {
  const busy = await ExclusiveFolder.open(run);
  const before = readFileSync(last);
  const message = new RegExp(
    `run is in use by process ${process.pid} .*: wait .* another folder.* \\(--out\\)`,
  );
  for (const parameters of [
    [...mlp, '--out', run],
    ['train', '--resume', run],
    ['compare', '--model', 'mlp', ...tiny, '--out', run],
  ]) {
    await refused(parameters, 1, message);
  }
  assert.ok(readFileSync(last).equals(before));
  await busy.close();
});

test('eval takes no more memory than usual, whatever batch size the file claims', async () => {
  const { tensors, metadata } = fromSafetensors(readFileSync(last));
  const config = JSON.parse(metadata.config) as { data: object };
  const data = { ...config.data, trainImages: 40_000_000 };
  const claimed = join(folder, 'claimed.safetensors');
  writeFileSync(
    claimed,
    toSafetensors({
      tensors,
      metadata: { ...metadata, config: JSON.stringify({ ...config, data, batchSize: 10_000_000 }) },
    }),
  );
  const measured = await Promise.all([last, claimed].map((file) => tract(['eval', file, '--json'])));
  const [wanted, found] = measured.map(({ stdout }) => ({ ...jsonLines(stdout)[0], checkpoint: '' }));
  assert.deepEqual(found, wanted);
});
