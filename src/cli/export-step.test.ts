/** A run's training step as a file, by the real command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { before, test } from 'node:test';
import { shapes } from '../data/shapes.js';
import { Program } from '../engine/session.js';
import { fromSafetensors } from '../tensor/safetensors.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';
import { assertWithin } from '../testing/distance.js';
import { writeClassFolders } from '../testing/picture-files.js';
import { restoreTrainer } from '../train/checkpoint.js';
import { readCheckpoint } from '../train/run-folder.js';

const folder = temporaryFolder();
process.env.TRACT_DATA_DIR = join(folder, 'cache');
const photos = join(folder, 'photos');
const run = join(folder, 'run');
const drawn = shapes({ train: 64, test: 1 });
let line: Record<string, unknown>;

before(async () => {
  await writeClassFolders(photos, drawn.train, drawn.imageShape, drawn.classNames);
  const trained = await tract([
    ...['train', '--data', photos, '--model', 'mlp', '--width', '8', '--depth', '1', '--batch-size', '16'],
    ...['--optimizer', 'adam', '--tract', '--epochs', '1', '--threads', '1', '--out', run],
  ]);
  assert.equal(trained.code, 0, trained.stderr);
  const { code, stdout, stderr } = await tract([
    'export',
    run,
    '--training-step',
    '--batch-size',
    '8',
    '--json',
  ]);
  assert.equal(code, 0, stderr);
  [line] = jsonLines(stdout);
});

test('the step goes on where the run ended, as a Trainer does', async () => {
  const { out, state: beside, step } = line as { out: string; state: string; step: number };
  assert.deepEqual([out, step], [join(run, 'training-step.onnx'), 4]);
  const { tensors } = fromSafetensors(readFileSync(beside));
  const checkpoint = await readCheckpoint(join(run, 'last.safetensors'));
  const { standardization } = checkpoint.state;
  const config = { ...checkpoint.config, batchSize: 8 };
  const trainer = await restoreTrainer({ config, state: checkpoint.state }, { threads: 1 });
  const images = drawn.train.images.slice(0, 8 * 3072);
  const labels = Int32Array.from(drawn.train.labels).slice(0, 8);
  const { loss } = await trainer.step({ images, labels }, { learningRate: 0.01 });
  const program = await Program.load(readFileSync(out), { provider: 'cpu', threads: 1 });
  const results = await program.run({
    ...tensors,
    images: tensor('uint8', [8, 3, 32, 32], images),
    labels: tensor('int32', [8], labels),
    mean: tensor('float32', [3], standardization!.mean),
    deviation: tensor('float32', [3], standardization!.deviation),
    learning_rate: tensor('float32', [], [0.01]),
    step: tensor('float64', [], [step]),
  });
  assertWithin(toNumbers(results.loss), [loss], 1e-5, 'loss');
  const after = await trainer.state();
  for (const [name, value] of Object.entries(after.tensors))
    assertWithin(toNumbers(results[`next/${name}`]), toNumbers(value), 1e-4, name);
  await program.release();
  await trainer.release();
});

const python = process.env.TRACT_PYTHON ?? 'python3';
const { status } = spawnSync(python, ['-c', 'import numpy, onnxruntime, safetensors, PIL']);

test('the example in Python trains with it', { skip: status !== 0 && 'needs onnxruntime in Python' }, () => {
  const example = fileURLToPath(new URL('../../examples/train-exported-step.py', import.meta.url));
  const step = line.out as string;
  const printed = spawnSync(python, [example, step, photos, '3', '0.01'], { encoding: 'utf8' });
  assert.equal(printed.status, 0, printed.stderr);
  const losses = [...printed.stdout.matchAll(/loss (\S+),/g)].map(([, loss]) => Number(loss));
  assert.equal(losses.length, 24);
  assert.ok(losses.at(-1)! < losses[0], printed.stdout);
});
