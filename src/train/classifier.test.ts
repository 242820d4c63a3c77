import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { DataError } from '../data/data-error.js';
import { imageSize } from '../data/dataset.js';
import { shapes } from '../data/shapes.js';
import { splitValidation } from '../data/split-validation.js';
import { resnet18 } from '../models/resnet.js';
import { cosine } from '../optim/schedule.js';
import { defineModel } from '../nn/model.js';
import { linear } from '../nn/layers.js';
import * as op from '../graph/ops.js';
import { sgd } from '../optim/sgd.js';
import { checkpoints } from './callbacks/checkpoints.js';
import { saveRun } from './callbacks/save-run.js';
import { Classifier } from './classifier.js';
import { CheckpointError } from './json-check.js';
import { readCheckpoint } from './run-folder.js';
import { Trainer } from './trainer.js';

const folder = mkdtempSync(join(tmpdir(), 'tract-classifier-'));
after(() => {
  rmSync(folder, { recursive: true });
});

const run = join(folder, 'run');
const dataset = splitValidation(shapes({ train: 80, test: 70 }), { share: 0.2, seed: 0 });
const [channels, height, width] = dataset.imageShape;
const size = imageSize(dataset.imageShape);

/** A run whose best epoch is not its last one, and the logits that its trainer gave for the test images. */
async function trained(): Promise<Float32Array> {
  const trainer = await Trainer.create(
    resnet18({ classes: dataset.classNames.length, imageSize: height, width: 4, stem: 'cifar' }),
    {
      optimizer: sgd({ learningRate: cosine(0.05), momentum: 0.9 }),
      batchSize: 16,
      threads: 1,
    },
  );
  await trainer.fit(dataset, { epochs: 2, callbacks: [checkpoints(trainer, run, { dataset, epochs: 2 })] });
  const { data } = await trainer.predict(dataset.test.images);
  await trainer.release();
  return data as Float32Array;
}
const logits = await trained();
const last = join(run, 'last.safetensors');

/** An image of the test split as pixels side by side. */
function picture(index: number) {
  const planes = dataset.test.images.subarray(index * size, (index + 1) * size);
  const area = height * width;
  const data = Uint8Array.from(
    { length: size },
    (_, i) => planes[(i % channels) * area + Math.floor(i / channels)],
  );
  return { data, width, height, channels };
}

describe('a classifier', () => {
  it('gives what the trainer gave, for any number of images', async () => {
    const classifier = await Classifier.load(last, { threads: 1 });
    for (const count of [1, 3, 70]) {
      const { data, shape } = await classifier.logits(dataset.test.images.subarray(0, count * size));
      assert.deepEqual(shape, [count, dataset.classNames.length]);
      for (const [i, logit] of data.entries()) assert.ok(Math.abs(logit - logits[i]) < 1e-4);
    }
    await classifier.release();
  });

  it('takes files, bytes, pixels and blobs, one or many', async () => {
    const classifier = await Classifier.load(pathToFileURL(last), { threads: 1 });
    const file = join(folder, 'picture.png');
    const raw = picture(5);
    const { data } = raw;
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    writeFileSync(file, png);
    const [expected] = await classifier.classify(dataset.test.images.slice(5 * size, 6 * size));
    const sum = expected.probabilities.reduce((a, b) => a + b);
    assert.ok(Math.abs(sum - 1) < 1e-5);
    assert.equal(expected.className, dataset.classNames[expected.classIndex]);
    assert.equal(expected.probability, Math.max(...expected.probabilities));
    const blob = new Blob([Uint8Array.from(png)]);
    const sources = [file, pathToFileURL(file), png, Uint8Array.from(png).buffer, blob, raw];
    for (const source of sources) assert.deepEqual(await classifier.predict(source), expected);
    assert.deepEqual(
      await classifier.predict(sources),
      sources.map(() => expected),
    );
    assert.deepEqual(await classifier.predict([]), []);
    const many = await classifier.predict(Array.from({ length: 70 }, (_, i) => picture(i)));
    assert.deepEqual(
      many.map(({ classIndex }) => classIndex),
      (await classifier.classify(dataset.test.images)).map(({ classIndex }) => classIndex),
    );
    await assert.rejects(classifier.predict([raw, join(folder, 'none.png')]), /There is no file .*none\.png/);
    await assert.rejects(classifier.predict(Buffer.from('no picture')), DataError);
    await assert.rejects(
      classifier.predict(new URL('https://localhost/cat.jpg')),
      /fetch it, and give the bytes/,
    );
    await assert.rejects(classifier.predict({ width: 3, height: 3 }), DataError);
    await classifier.release();
  });

  it('of a folder is its best epoch, where validation images chose one', async () => {
    const best = join(run, 'best.safetensors');
    const checkpoint = await readCheckpoint(last);
    // A best one that can be told from the last.
    const other = await Trainer.create(
      resnet18({ classes: dataset.classNames.length, imageSize: height, width: 4, stem: 'cifar' }),
      {
        optimizer: sgd({ learningRate: 0.05 }),
        batchSize: 16,
        seed: 7,
        threads: 1,
      },
    );
    await other.evaluate(dataset);
    rmSync(best, { force: true });
    const first = await Classifier.load(run, { threads: 1 });
    await saveRun(other, best, { dataset, epochs: 1 });
    const second = await Classifier.load(run, { threads: 1 });
    const images = dataset.test.images.slice(0, size);
    const [fromLast, fromBest, expected] = [
      await first.logits(images),
      await second.logits(images),
      await other.predict(images),
    ];
    assert.notDeepEqual(fromLast.data, fromBest.data);
    for (const [i, logit] of fromBest.data.entries())
      assert.ok(Math.abs(logit - Number(expected.data[i])) < 1e-4);
    assert.equal(checkpoint.config.model.name, second.model.name);
    for (const one of [first, second, other]) await one.release();
  });

  it('says what is wrong with a file', async () => {
    await assert.rejects(Classifier.load(join(folder, 'none')), CheckpointError);
    await assert.rejects(Classifier.load(folder), /is no folder of a run/);
    const bytes = readFileSync(last);
    await assert.rejects(Classifier.load(bytes.subarray(0, 100)), /./);
    const small = await Classifier.load(bytes, { threads: 1 });
    assert.deepEqual(small.classNames, dataset.classNames);
    await small.release();
    const wrong = resnet18({ classes: 10, imageSize: height, width: 8, stem: 'cifar' });
    await assert.rejects(
      Classifier.load(last, { model: wrong }),
      /last\.safetensors cannot be used: "conv1\.weight"/,
    );
  });

  it("needs a model of the user's own, and takes it", async () => {
    const own = defineModel(
      { name: 'mine', imageShape: dataset.imageShape, classes: dataset.classNames.length },
      (scope, images) =>
        linear(scope.child('head'), op.reshape(images, [images.shape[0], size]), dataset.classNames.length),
    );
    const trainer = await Trainer.create(own, {
      optimizer: sgd({ learningRate: 0.01 }),
      batchSize: 16,
      threads: 1,
    });
    await trainer.fit(dataset, { epochs: 1 });
    const file = await saveRun(trainer, join(folder, 'own.safetensors'), { dataset });
    await assert.rejects(Classifier.load(file), /there is no model "mine"/);
    const classifier = await Classifier.load(file, { model: own, threads: 1 });
    const { data } = await classifier.logits(dataset.test.images);
    const expected = await trainer.predict(dataset.test.images);
    for (const [i, logit] of data.entries()) assert.ok(Math.abs(logit - Number(expected.data[i])) < 1e-4);
    await classifier.release();
    await trainer.release();
  });
});
