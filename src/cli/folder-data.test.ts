/** Pictures of one's own in folders, by the real command. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { shapes } from '../data/shapes.js';
import { fromSafetensors } from '../tensor/safetensors.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { type Outcome, jsonLines, temporaryFolder, tract as command } from '../testing/command.js';
import { runFile } from '../testing/file-runs.js';
import { writeClassFolders } from '../testing/picture-files.js';

const folder = temporaryFolder();
process.env.TRACT_DATA_DIR = join(folder, 'cache');
const photos = join(folder, 'photos');
const run = join(folder, 'run');
const drawn = shapes({ train: 160, test: 40 });
const small = ['--model', 'mlp', '--width', '16', '--depth', '1', '--batch-size', '16', '--threads', '1'];

const tract = (...parameters: readonly string[]): Promise<Outcome> => command(parameters, { cwd: folder });

async function succeeded(...parameters: readonly string[]): Promise<Outcome> {
  const outcome = await tract(...parameters);
  assert.equal(outcome.code, 0, outcome.stderr);
  return outcome;
}

async function refused(message: RegExp, code: number, ...parameters: readonly string[]): Promise<void> {
  const outcome = await tract(...parameters);
  assert.equal(outcome.code, code, outcome.stderr);
  assert.match(outcome.stderr.trimEnd().split('\n').at(-1)!, message);
}

const weightsIn = (name: string): Record<string, unknown> => ({
  ...fromSafetensors(readFileSync(join(folder, name, 'last.safetensors'))).tensors,
});

before(async () => {
  await writeClassFolders(photos, drawn.train, drawn.imageShape, drawn.classNames);
  writeFileSync(join(photos, 'disc', 'broken.jpg'), 'no picture');
  const train = ['train', '--data', photos, ...small, '--epochs', '2', '--out', run];
  const { stderr, code } = await command(train, { cwd: folder, report: true });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^160 pictures of 10 classes \(128 train, 32 test\), from 32x32 to 32x32 pixels/m);
  assert.match(stderr, /^1 file cannot be read and is left out: disc\/broken\.jpg \(is not an image/m);
});

test('a run names the folder, its classes and what was drawn of it', () => {
  const { data } = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')) as {
    data: Record<string, unknown>;
  };
  assert.equal(data.name, 'photos');
  assert.deepEqual(data.classNames, [...drawn.classNames].sort());
  assert.deepEqual([data.trainImages, data.testImages], [128, 32]);
  const { path, size, drawn: draw } = data.folder as Record<string, unknown>;
  assert.deepEqual([path, size, draw], [photos, [32, 32], { share: 0.2, seed: 0 }]);
});

test('a run that is over is told of in its folder: curves, classes, mistakes by their files, what the model saw', () => {
  assert.deepEqual(readdirSync(run).sort(), [
    ...['config.json', 'evaluation.json', 'last.safetensors', 'metrics.csv', 'metrics.jsonl'],
    ...['report.html', 'tensorboard'],
  ]);
  assert.deepEqual(readdirSync(join(run, 'tensorboard')), ['test', 'train']);
  const found = JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8')) as {
    accuracy: number;
    classes: { name: string; images: number }[];
    confusion: number[][];
    mistakes: { file: string; label: number }[];
  };
  const steps = jsonLines(readFileSync(join(run, 'metrics.jsonl'), 'utf8'));
  assert.equal(found.accuracy, steps.at(-1)!.testAccuracy);
  const right = found.confusion.reduce((sum, row, label) => sum + row[label], 0);
  assert.equal(right, Math.round(32 * found.accuracy));
  assert.deepEqual(
    found.confusion.map((row) => row.reduce((sum, count) => sum + count, 0)),
    found.classes.map(({ images }) => images),
  );
  assert.equal(found.mistakes.length, Math.min(24, 32 - right));
  const html = readFileSync(join(run, 'report.html'), 'utf8');
  for (const { file, label } of found.mistakes) {
    assert.ok(file.startsWith(`${found.classes[label].name}/`), file);
    assert.ok(html.includes(file), file);
  }
  for (const head of ['Curves', 'Classes', 'What is taken for what', 'What the model saw in training'])
    assert.ok(html.includes(`<h2>${head}</h2>`), head);
  assert.equal(html.match(/<svg /g)!.length, 6);
  const rows = readFileSync(join(run, 'metrics.csv'), 'utf8').trim().split('\n');
  assert.equal(rows.length, 3);
});

test('a file with preprocessing takes the pictures as they are, and gives the logits of eval', async () => {
  const out = join(folder, 'pictures.onnx');
  const large = join(folder, 'large');
  // Each pixel four times, which is no picture of the model's size.
  const [channels, height, width] = drawn.imageShape;
  const shape = [channels, 2 * height, 2 * width] as const;
  const images = Uint8Array.from({ length: 40 * channels * 4 * height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / (2 * width)), i % (2 * width)];
    return drawn.test.images[Math.floor(row / 2) * width + Math.floor(column / 2)];
  });
  await writeClassFolders(large, { images, labels: drawn.test.labels }, shape, drawn.classNames);
  const { stdout } = await succeeded('export', run, '--with-preprocessing', '--out', out);
  assert.match(
    stdout,
    /images {2}uint8 \[N, 3, height, width\]: RGB.* resizing to 32 x 32 and the standardisation are inside/,
  );
  await succeeded('eval', run, '--data', large, '--logits', 'large.logits');
  const { logits: expected, labels } = fromSafetensors(readFileSync(join(folder, 'large.logits'))).tensors;
  // In the order of eval: by name, which is the position.
  const found = await runFile(
    new Uint8Array(readFileSync(out)),
    { images: tensor('uint8', [40, ...shape], images) },
    'logits',
  );
  assert.equal(labels.data.length, 40);
  assert.deepEqual(found.shape, expected.shape);
  const difference = Math.max(
    ...toNumbers(found).map((logit, i) => Math.abs(logit - Number(expected.data[i]))),
  );
  const scale = Math.max(...toNumbers(expected).map(Math.abs));
  assert.ok(difference < 0.02 * scale, `${difference} of ${scale}`);
  const [line] = jsonLines((await succeeded('check', out, '--json')).stdout);
  assert.deepEqual((line.input as { shape: unknown }).shape, ['N', 3, 32, 32]);
});

test('a run that is interrupted or goes on ends with the same bits, also where the folder was moved', async () => {
  const constant = [...small, '--schedule', 'constant'];
  const train = ['train', ...constant, '--epochs', '2'];
  const interrupt = { signal: 'SIGINT', at: '"step":3,' } as const;
  const stopped = await command([...train, '--data', photos, '--out', 'a', '--json'], {
    cwd: folder,
    interrupt,
  });
  assert.equal(stopped.code, 130, stopped.stderr);
  const moved = join(folder, 'moved');
  cpSync(photos, moved, { recursive: true });
  await succeeded('train', '--resume', 'a', '--data', moved, '--workers', '2');
  await succeeded(...train, '--data', moved, '--out', 'b', '--cache-size', '0');
  assert.deepEqual(weightsIn('a'), weightsIn('b'));
  rmSync(join(moved, 'disc', readdirSync(join(moved, 'disc'))[0]));
  await refused(
    /The pictures in \S*moved are others than those the run was begun with/,
    1,
    'train',
    '--resume',
    'b',
    '--epochs',
    '3',
  );
});

test('eval is on the test images of the run, or on all pictures of another folder, matched by name', async () => {
  const [own] = jsonLines((await succeeded('eval', run, '--json')).stdout);
  assert.equal(own.images, 32);
  const metrics = jsonLines(readFileSync(join(run, 'metrics.jsonl'), 'utf8'));
  assert.equal(own.testAccuracy, metrics.at(-1)!.testAccuracy);
  const more = join(folder, 'more');
  await writeClassFolders(more, drawn.test, drawn.imageShape, drawn.classNames);
  const [other] = jsonLines(
    (await succeeded('eval', run, '--data', more, '--json', '--logits', 'logits', '--report', 'page.html'))
      .stdout,
  );
  assert.equal(other.images, 40);
  const figures = other.classes as { name: string; images: number; recall: number }[];
  assert.deepEqual(
    figures.map(({ name, images }) => [name, images]),
    [...drawn.classNames].sort().map((name) => [name, 4]),
  );
  const right = figures.reduce((sum, { images, recall }) => sum + images * recall, 0);
  assert.ok(Math.abs(right / 40 - (other.testAccuracy as number)) < 1e-6);
  // The worst mistakes with the names of their files.
  const page = readFileSync(join(folder, 'page.html'), 'utf8');
  const mistakes = [
    ...page.matchAll(/<figcaption>(\w+), taken for (\w+) \(\d+\.\d %\)<br>(\w+)\/\d+\.png</g),
  ];
  assert.equal(mistakes.length, Math.min(24, 40 - right));
  for (const [, label, predicted, place] of mistakes) {
    assert.equal(place, label);
    assert.notEqual(predicted, label);
  }
  // What predict says of a file is what eval has computed of it.
  const { logits, labels } = fromSafetensors(readFileSync(join(folder, 'logits'))).tensors;
  const first = Array.from(logits.data as Float32Array).slice(0, 10);
  const likeliest = [...drawn.classNames].sort()[first.indexOf(Math.max(...first))];
  const file = join(more, [...drawn.classNames].sort()[Number(labels.data[0])], '00000.png');
  const disc = join(more, 'disc');
  const [guess, ...others] = jsonLines((await succeeded('predict', run, file, disc, '--json')).stdout);
  assert.equal(others.length, 4);
  const [{ class: name, probability }] = guess.top as { class: string; probability: number }[];
  assert.equal(name, likeliest);
  const sum = first.reduce((total, logit) => total + Math.exp(logit), 0);
  assert.ok(Math.abs(probability - Math.exp(Math.max(...first)) / sum) < 1e-4);

  mkdirSync(join(more, 'zebra'));
  await refused(
    /more has the class "zebra", which is not in the classes asked for/,
    1,
    'eval',
    run,
    '--data',
    more,
  );
});

test('a run on a folder goes on with no other data', async () => {
  await refused(/--data shapes contradicts the run in/, 2, 'train', '--resume', run, '--data', 'shapes');
});
