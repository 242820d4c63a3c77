/**
 * `npm run cifar-png -- [--data-dir DIR] [--out DIR] [--steps 100]`: CIFAR-10 written as 60,000 PNG files in folders trains
 * to the same bits as the binary files. Compares the pixels and labels of all images, and everything that a run keeps after
 * some steps on either: weights, running statistics, the optimizer's state.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Trainer, cosine, imageFolder, resnet18, sgd, tract } from '../dist/node.js';
import { sourceOf } from '../dist/data/image-source.js';
import { progress, readCifar, writeCifarFolders } from './cifar-folders.mjs';

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    /** Where the files stay. Left out, they are removed at the end. */
    out: { type: 'string' },
    steps: { type: 'string', default: '100' },
  },
});
const steps = Number(values.steps);
if (!Number.isSafeInteger(steps) || steps < 1) {
  console.error('cifar-png: --steps takes a whole number of at least 1');
  process.exit(2);
}

/** A hash of all pixels and labels of a split, in their order. */
async function fingerprint(images, shape, bar) {
  const source = sourceOf(images, shape);
  const hash = createHash('sha256');
  const pixels = new Uint8Array(shape.reduce((a, b) => a * b));
  for (let i = 0; i < source.count; i++) {
    await source.read(i, pixels);
    hash.update(pixels).update(Uint8Array.of(source.label(i)));
    bar.update(i + 1);
  }
  bar.end();
  return hash.digest('hex');
}

/** Hashes of all that a run keeps after its steps, by name. */
async function trained(dataset) {
  const trainer = await Trainer.create(tract(resnet18({ classes: 10, stem: 'cifar', width: 16 })), {
    optimizer: sgd({ learningRate: cosine(0.08), momentum: 0.9 }),
    batchSize: 128,
    seed: 0,
  });
  let loss;
  const bar = progress('Training', steps);
  const onEvent = (event) => {
    if (event.event !== 'step') return;
    loss = event.loss;
    bar.update(event.step);
  };
  await trainer.fit(dataset, { epochs: Math.ceil(steps / 390), maxSteps: steps, onEvent });
  bar.end();
  const { tensors } = await trainer.state();
  await trainer.release();
  const bytes = ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const hashes = Object.entries(tensors).map(([name, value]) => [
    name,
    createHash('sha256').update(bytes(value)).digest('hex'),
  ]);
  return { loss, hashes: new Map(hashes) };
}

const folder = values.out ?? mkdtempSync(join(tmpdir(), 'tract-cifar-png-'));
try {
  const binary = await readCifar(values['data-dir']);
  const pictures = join(folder, 'pictures');
  const files = await writeCifarFolders(pictures, binary);
  const { mean, deviation } = binary;
  const looking = progress('Looking at the files', files);
  const png = await imageFolder(pictures, {
    statistics: { mean, deviation },
    cacheDir: join(folder, 'cache'),
    onProgress: (done) => looking.update(done),
  });
  looking.end();
  const report = (what, same) => {
    console.log(`${what}: ${same ? 'the same' : 'DIFFERENT'}`);
    if (!same) process.exitCode = 1;
  };
  for (const split of ['train', 'test']) {
    const [a, b] = [
      await fingerprint(binary[split], binary.imageShape, progress('Binary files', files)),
      await fingerprint(png[split], png.imageShape, progress('PNG files', files)),
    ];
    const count = binary[split].labels.length;
    report(`pixels and labels of the ${count} ${split} images (SHA-256 ${a.slice(0, 16)}…)`, a === b);
  }
  const [a, b] = [await trained(binary), await trained(png)];
  const different = [...a.hashes].filter(([name, hash]) => b.hashes.get(name) !== hash).map(([name]) => name);
  report(
    `ResNet-18 of width 16 with TrAct after ${steps} steps of 128 images, loss ${a.loss} and ${b.loss}`,
    a.loss === b.loss,
  );
  report(
    `its ${a.hashes.size} tensors, bit by bit`,
    different.length === 0 && a.hashes.size === b.hashes.size && a.hashes.size > 0,
  );
  if (different.length > 0) console.log(`  ${different.slice(0, 10).join(', ')}`);
} finally {
  if (values.out === undefined) rmSync(folder, { recursive: true, force: true });
}
