/** Training on mixed batches. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inWorker } from '../data/in-worker.js';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { sgd } from '../optim/sgd.js';
import { restoreTrainer } from './checkpoint.js';
import type { TrainerOptions } from './options.js';
import { describeRun } from './run-config.js';
import { parseRunConfig } from './parse-run-config.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 64, test: 16 });
const model = mlp({ width: 8, depth: 1 });
const training: TrainerOptions = {
  optimizer: sgd({ learningRate: 0.05 }),
  batchSize: 16,
  seed: 2,
  threads: 1,
};
const mixing = { mixup: 0.4, cutmix: 1 };

async function losses(options: TrainerOptions, of = dataset): Promise<number[]> {
  const trainer = await Trainer.create(model, options);
  const found: number[] = [];
  for await (const event of trainer.run(of, { epochs: 2 })) {
    if (event.event === 'step') found.push(event.loss);
  }
  await trainer.release();
  return found;
}

describe('mixed batches', { timeout: 60_000 }, () => {
  it('are trained on by shares of their labels, the same whoever loads them', async () => {
    const [plain, mixed] = [await losses(training), await losses({ ...training, mixing })];
    assert.equal(mixed.length, 8);
    assert.ok(mixed.every((loss, i) => Math.abs(loss - plain[i]) > 1e-4));
    assert.deepEqual(await losses({ ...training, mixing }, inWorker(dataset)), mixed);
    // Shards are mixed by themselves, with the same shares.
    const sharded = await losses({ ...training, mixing, shards: 4 });
    assert.ok(sharded.every((loss, i) => Math.abs(loss - mixed[i]) > 1e-6 && Number.isFinite(loss)));
    // Nothing is mixed: the loss of class probabilities is that of labels.
    const never = await losses({ ...training, mixing: { mixup: 1, probability: 0 } });
    assert.ok(never.every((loss, i) => Math.abs(loss - plain[i]) < 1e-6));
  });

  it('are kept by a checkpoint, and a run goes on with the same bits', async () => {
    const whole = await Trainer.create(model, { ...training, mixing });
    const config = describeRun(whole.trainable, whole.options, dataset, { epochs: 2 });
    assert.deepEqual(config.mixing, mixing);
    assert.deepEqual(parseRunConfig(JSON.parse(JSON.stringify(config))), config);
    for (const wrong of [{ mixup: -1 }, { mixup: 1, other: 2 }, { mixup: 'a' }, {}]) {
      assert.throws(() => parseRunConfig({ ...config, mixing: wrong }), /mixing/);
    }
    await whole.fit(dataset, { epochs: 2 });
    const part = await Trainer.create(model, { ...training, mixing });
    await part.fit(dataset, {
      epochs: 2,
      onEvent: (event) => event.event === 'step' && event.step === 6 && 'stop',
    });
    assert.equal(part.progress.step, 6);
    const resumed = await restoreTrainer({ config, state: await part.state() }, { threads: 1 });
    await resumed.fit(dataset, { epochs: 2 });
    assert.deepEqual(await resumed.weights(), await whole.weights());
    for (const trainer of [whole, part, resumed]) await trainer.release();
  });

  it('of your own are taken as they are', async () => {
    const { mean, deviation, train } = dataset;
    const settings = { ...training, standardization: { mean, deviation } };
    const batch = { images: train.images.slice(0, 16 * 3072), labels: train.labels };
    const own = { ...batch, labels: Array.from({ length: 16 }, (_, i) => train.labels[i]) };
    const targets = new Float32Array(160).fill(0.1);
    const trainer = await Trainer.create(model, { ...settings, mixing });
    const plain = await Trainer.create(model, settings);
    const [hard, wanted] = [await trainer.step(own), await plain.step(own)];
    assert.ok(Math.abs(hard.loss - wanted.loss) < 1e-6);
    const soft = await trainer.step({ ...own, targets });
    assert.ok(Number.isFinite(soft.loss));
    await assert.rejects(plain.step({ ...own, targets }), /targets where Trainer\.create was given mixing/);
    await assert.rejects(trainer.step({ ...own, targets: new Float32Array(10) }), /targets are \[16, 10\]/);
    await assert.rejects(
      Trainer.create(model, { ...training, mixing: {} }),
      /mixup or cutmix must be above 0/,
    );
    await trainer.release();
    await plain.release();
  });
});
