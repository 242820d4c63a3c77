import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shapes } from '../data/shapes.js';
import { splitValidation } from '../data/split-validation.js';
import { mlp } from '../models/mlp.js';
import { adam } from '../optim/adam.js';
import { cosine } from '../optim/schedule.js';
import { SafetensorsError, fromSafetensors, toSafetensors } from '../tensor/safetensors.js';
import { tract } from '../tract/tract.js';
import { type Checkpoint, fromCheckpoint, restoreTrainer, toCheckpoint, weightsOf } from './checkpoint.js';
import { CheckpointError } from './json-check.js';
import { describeRun, wholeTrainImages } from './run-config.js';
import { runOptionsOf } from './run-parts.js';
import { StateError } from './state.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 48, test: 16 });
const model = tract(mlp({ width: 4, depth: 1 }), { lambda: 0.2 });
const options = {
  optimizer: adam({ learningRate: cosine(0.01, { warmup: 2 }), betas: [0.8, 0.99] }),
  batchSize: 16,
  seed: 3,
  labelSmoothing: 0.1,
  threads: 1,
};
const fit = { epochs: 2, maxSteps: 5 };

/** The checkpoint of a run that is stopped after `steps` steps. */
async function stoppedAfter(steps: number, data = dataset): Promise<Checkpoint> {
  const trainer = await Trainer.create(model, options);
  const controller = new AbortController();
  const { interrupted } = await trainer.fit(data, {
    ...fit,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.event === 'step' && event.step === steps) controller.abort();
    },
  });
  assert.ok(interrupted);
  const checkpoint = fromCheckpoint(
    toCheckpoint({ config: describeRun(model, options, data, fit), state: await trainer.state() }),
  );
  await trainer.release();
  return checkpoint;
}

async function finalBytes(trainer: Trainer, checkpoint: Checkpoint, data = dataset): Promise<Uint8Array> {
  const { evaluation } = await trainer.fit(data, runOptionsOf(checkpoint.config));
  assert.ok(evaluation, 'the last epoch was not evaluated');
  const bytes = toCheckpoint({ config: checkpoint.config, state: await trainer.state() });
  await trainer.release();
  return bytes;
}

test('a run that goes on from its checkpoint gets the bits of an uninterrupted one, wherever it stopped', async () => {
  const checkpoint = await stoppedAfter(1);
  const straight = await finalBytes(await Trainer.create(model, options), checkpoint);
  // 3 is the last step of an epoch, 5 that of the run: their evaluation is still to come.
  for (const steps of [1, 3, 4, 5]) {
    const stopped = await stoppedAfter(steps);
    assert.equal(stopped.state.progress.step, steps);
    const trainer = await restoreTrainer(stopped, { threads: 1 });
    const resumed = await finalBytes(trainer, stopped);
    assert.deepEqual(Buffer.from(resumed).compare(straight), 0, `stopped after step ${steps}`);
  }
});

test('so does a run with validation images, which are drawn again from what its checkpoint says', async () => {
  const split = splitValidation(dataset, { share: 0.25, seed: 3 });
  const { config } = await stoppedAfter(1, split);
  const { trainImages, validationImages, setAside, testImages } = config.data;
  assert.deepEqual([trainImages, validationImages, testImages], [36, 12, 16]);
  assert.deepEqual(setAside, { share: 0.25, seed: 3 });
  assert.equal(wholeTrainImages(config.data), 48);
  const again = splitValidation(dataset, setAside);
  const straight = await finalBytes(
    await Trainer.create(model, options),
    await stoppedAfter(1, split),
    split,
  );
  assert.ok(fromCheckpoint(straight).state.progress.bestAccuracy >= 0);
  for (const steps of [1, 2, 3]) {
    const stopped = await stoppedAfter(steps, split);
    const resumed = await finalBytes(await restoreTrainer(stopped, { threads: 1 }), stopped, again);
    assert.deepEqual(Buffer.from(resumed).compare(straight), 0, `stopped after step ${steps}`);
  }
});

test('a checkpoint that says nothing of validation images has none', async () => {
  const { config } = await stoppedAfter(1);
  // As it was written before there were any.
  assert.deepEqual(Object.keys(config.data), [
    ...['name', 'classNames', 'trainImages', 'testImages', 'mean', 'deviation'],
  ]);
  assert.equal(wholeTrainImages(config.data), 48);
});

test('weights stand under their own names beside the state of the optimizer', async () => {
  const { state } = await stoppedAfter(1);
  const names = ['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias'];
  assert.deepEqual(Object.keys(weightsOf(state)), names);
  assert.ok('layers.0.weight/exp_avg_sq' in state.tensors);
});

test('tensors of another model than the configuration says: the first that differs is named', async () => {
  const { config, state } = await stoppedAfter(1);
  const other = { ...config, model: { ...config.model, config: { ...config.model.config, width: 5 } } };
  await assert.rejects(restoreTrainer({ config: other, state }), (error) => {
    assert.ok(error instanceof StateError);
    assert.match(error.message, /"layers\.0\.weight" is float32 \[5, 3072\] in the model/);
    return true;
  });
});

test('a damaged file is refused, and so is one that holds tensors only', async () => {
  const bytes = toCheckpoint(await stoppedAfter(1));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
      assert.throws(() => fromCheckpoint(bytes.subarray(0, length)), SafetensorsError);
    }),
    { numRuns: 50 },
  );
  assert.throws(
    () => fromCheckpoint(toSafetensors({ tensors: {}, metadata: {} })),
    (error) => error instanceof CheckpointError && /no configuration/.test(error.message),
  );
});

test('a description that is wrong anywhere is refused with the place', async () => {
  const { tensors, metadata } = fromSafetensors(toCheckpoint(await stoppedAfter(1)));
  const edited = (key: string, edit: (value: Record<string, never>) => unknown): Uint8Array => {
    const value = edit(JSON.parse(metadata[key]) as Record<string, never>);
    return toSafetensors({ tensors, metadata: { ...metadata, [key]: JSON.stringify(value) } });
  };
  const withData = (changes: object) => (config: Record<string, never>) => ({
    ...config,
    data: { ...(config.data as object), ...changes },
  });
  const cases: [string, (value: Record<string, never>) => unknown, RegExp][] = [
    ['config', () => null, /config must be an object, but is null/],
    [
      'config',
      (config) => ({ ...config, batchSize: 0 }),
      /batchSize must be a whole number from 1 to 48, but is 0/,
    ],
    ['config', (config) => ({ ...config, epochs: '2' }), /epochs must be .*"2"/],
    ['config', (config) => ({ ...config, model: undefined }), /model must be an object, but is missing/],
    ['config', (config) => ({ ...config, model: { name: 'mlp', config: { width: 1e9 } } }), /at most 65536/],
    ['config', (config) => ({ ...config, optimizer: { name: 'sgd', config: { momentum: [] } } }), /momentum/],
    ['config', (config) => ({ ...config, augmentation: { cropPadding: -1 } }), /cropPadding/],
    ['config', withData({ validationImages: 0 }), /data\.validationImages must be .* at least 1/],
    ['config', withData({ setAside: { share: 0.1, seed: 0 } }), /data\.validationImages must be .* missing/],
    ['config', withData({ validationImages: 4, setAside: 0.1 }), /data\.setAside must be an object/],
    [
      'config',
      withData({ validationImages: 4, setAside: { share: 1, seed: 0 } }),
      /data\.setAside\.share must be above 0/,
    ],
    [
      'config',
      withData({ validationImages: 4, setAside: { share: 0.1, seed: 0.5 } }),
      /data\.setAside\.seed must be/,
    ],
    ['progress', (progress) => ({ ...progress, step: -1 }), /progress\.step must be/],
    ['progress', (progress) => ({ ...progress, random: [0, 0, 0, 0] }), /progress\.random/],
    ['progress', (progress) => ({ ...progress, random: [1, 2, 3] }), /progress\.random/],
    ['tract_ts_checkpoint', () => 2, /version/],
  ];
  for (const [key, edit, message] of cases) {
    assert.throws(
      () => fromCheckpoint(edited(key, edit)),
      (error) => error instanceof CheckpointError && message.test(error.message),
    );
  }
  const unparsable = toSafetensors({ tensors, metadata: { ...metadata, progress: '{' } });
  assert.throws(() => fromCheckpoint(unparsable), /progress is not JSON/);
});

test('a trainer predicts what evaluation sees, for any number of images', async () => {
  const trainer = await Trainer.create(model, options);
  const { images, labels } = dataset.test;
  await assert.rejects(trainer.predict(images), RangeError);
  const { accuracy } = await trainer.evaluate(dataset);
  const { shape, data } = await trainer.predict(images.subarray(0, 10 * 3072));
  assert.deepEqual(shape, [10, 10]);
  const all = (await trainer.predict(images)).data;
  assert.deepEqual(all.subarray(0, 100), data);
  const right = Array.from(labels).filter((label, image) => {
    const row = Array.from(all.subarray(10 * image, 10 * image + 10));
    return row.indexOf(Math.max(...row)) === label;
  });
  assert.equal(right.length / labels.length, accuracy);
  await trainer.release();
});
