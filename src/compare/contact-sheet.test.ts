import assert from 'node:assert/strict';
import { it } from 'node:test';
import sharp from 'sharp';
import { InlineLoader } from '../data/batches.js';
import type { FolderReport } from '../data/folder/folder-report.js';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { sgd } from '../optim/sgd.js';
import { Trainer } from '../train/trainer.js';
import { contactSheet } from './contact-sheet.js';
import { percent } from './words.js';

const dataset = { ...shapes({ train: 40, test: 30 }), name: 'shapes & <more>' };

/** The pixels of all pictures of a page: red, green, blue. */
const picturesIn = (html: string): Promise<Buffer[]> =>
  Promise.all(
    [...html.matchAll(/data:image\/png;base64,([\w+/=]+)/g)].map(([, text]) =>
      sharp(Buffer.from(text, 'base64')).raw().toBuffer(),
    ),
  );

const captions = (html: string): string[] =>
  [...html.matchAll(/<figcaption>([^<]*)<\/figcaption>/g)].map(([, text]) => text);

it('a contact sheet shows the batch that a run begins with, and images of each class as evaluated', async () => {
  const report: FolderReport = {
    pictures: 70,
    broken: [{ path: 'a/<1>.png', reason: 'is none' }],
    otherFiles: 0,
    otherFolders: [],
    classes: [],
    duplicates: [],
    acrossSplits: [],
    acrossClasses: [],
    sizes: { smallest: [1, 1], median: [1, 1], largest: [1, 1], enlarged: 0 },
  };
  const html = await contactSheet(dataset, {
    augmentation: dataset.augmentation,
    seed: 3,
    batchSize: 32,
    pictures: 20,
    report,
  });
  const found = await picturesIn(html);
  assert.equal(found.length, 40);

  const training = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 32, seed: 3, threads: 1 };
  const trainer = await Trainer.create(mlp({ width: 4, depth: 1 }), training);
  const plan = { batchSize: 32, shuffle: true, last: 'drop' } as const;
  const { random } = trainer.progress;
  await trainer.release();
  const loader = new InlineLoader(dataset.train, dataset.imageShape);
  const first = loader.epoch({ ...plan, random, augmentation: dataset.augmentation });
  for await (const { images, labels } of first) {
    for (let row = 0; row < 20; row++) {
      assert.equal(captions(html)[row], dataset.classNames[labels[row]]);
      const seen = found[row].map((_, i) => images[row * 3072 + (i % 3) * 1024 + Math.floor(i / 3)]);
      assert.deepEqual(found[row], seen);
    }
  }
  assert.deepEqual(
    captions(html).slice(20),
    dataset.classNames.flatMap((name) => [name, name]),
  );
  assert.match(html, /20 of the 32 images of the first batch of a run with seed 3/);
  assert.ok(html.includes('<h1>shapes &amp; &lt;more&gt;</h1>'));
  assert.ok(html.includes('a/&lt;1&gt;.png (is none)') && !html.includes('<1>'));
});

it('shows mixed images as the step gets them, with the shares of their classes, and no more than a batch', async () => {
  const mixing = { cutmix: 1 };
  const batch = 8;
  const html = await contactSheet(dataset, {
    augmentation: [],
    seed: 5,
    batchSize: batch,
    mixing,
    pictures: 20,
  });
  assert.match(html, /8 images of the first batch of a run with seed 5, behind mixing \(cutmix: 1\)/);
  const options = { optimizer: sgd({ learningRate: 0.1 }), batchSize: batch, seed: 5, threads: 1, mixing };
  const trainer = await Trainer.create(mlp({ width: 4, depth: 1 }), options);
  let images: Uint8Array | undefined;
  let targets: Float32Array | undefined;
  const makeStep = trainer.makeStep.bind(trainer);
  trainer.makeStep = (given, plan) => {
    images = given.images.slice();
    targets = given.targets;
    return makeStep(given, plan);
  };
  await trainer.fit(dataset, { epochs: 1, maxSteps: 1, augmentation: [] });
  await trainer.release();
  const found = (await picturesIn(html)).slice(0, batch);
  found.forEach((picture, row) => {
    const seen = picture.map((_, i) => images![row * 3072 + (i % 3) * 1024 + Math.floor(i / 3)]);
    assert.deepEqual(picture, seen);
  });
  const lines = [...html.matchAll(/<figcaption>(.*?)<\/figcaption>/g)]
    .slice(0, batch)
    .map(([, text]) => text);
  lines.forEach((line, row) => {
    const shares = [...targets!.subarray(row * 10, (row + 1) * 10).entries()].filter(
      ([, share]) => share > 0,
    );
    const words = shares
      .sort(([, a], [, b]) => b - a)
      .map(
        ([label, share]) => `${dataset.classNames[label]}${shares.length === 1 ? '' : ` ${percent(share)}`}`,
      );
    assert.equal(line, words.join('<br>'));
  });
  assert.ok(lines.some((line) => line.includes('<br>')));
});
