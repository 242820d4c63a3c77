/** The training step as a file, run in a loop, against the Trainer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shapes } from '../data/shapes.js';
import { Program, type Tensors } from '../engine/session.js';
import * as op from '../graph/ops.js';
import { linear } from '../nn/layers.js';
import { constant, fromImages } from '../nn/init.js';
import { defineModel } from '../nn/model.js';
import { adamw } from '../optim/adam.js';
import { OptionError } from '../tensor/option-error.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { tract } from '../tract/tract.js';
import { fromCheckpoint, restoreTrainer, toCheckpoint } from './checkpoint.js';
import { exportTrainingStep } from './export-step.js';
import type { TrainerOptions } from './options.js';
import { describeRun } from './run-config.js';
import { StateError } from './state.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 32, test: 8 });
const { mean, deviation, train } = dataset;
const imageSize = 3 * 32 * 32;
const optimizer = adamw({ learningRate: 0.01, weightDecay: 0.1 });
const batch = (step: number): { images: Uint8Array; labels: number[] } => ({
  images: train.images.slice(step * 8 * imageSize, (step + 1) * 8 * imageSize),
  labels: Array.from(train.labels).slice(step * 8, (step + 1) * 8),
});

/** Its tensors are called what inputs, outputs and folders of a step are called, too. */
const awkward = defineModel({ name: 'awkward', imageShape: [3, 32, 32], classes: 10 }, (scope, images) => {
  const x = op.reshape(op.reduceMean(images, [3]), [images.shape[0], -1]);
  const hidden = linear(scope.child('model/fc'), x, 12);
  const shift = scope.parameter('mean', [12], constant(0.5));
  const slope = scope.parameter('step', [1], constant(2));
  const seen = scope.buffer('images', [12], 0);
  if (scope.training) scope.update('images', op.add(seen, op.reduceMean(hidden, [0])));
  return linear(scope.child('state/loss'), op.relu(op.add(op.mul(hidden, slope), shift)), 10);
});
const names = [
  ...['model/fc.weight', 'model/fc.bias', 'mean', 'step', 'state/loss.weight', 'state/loss.bias', 'images'],
];

describe('an exported training step', () => {
  it('trains as the Trainer does, whatever the tensors are called', async () => {
    const options: TrainerOptions = {
      ...{ optimizer, batchSize: 8, seed: 4, threads: 1, standardization: { mean, deviation } },
    };
    const trainer = await Trainer.create(tract(awkward, { layer: 'model/fc' }), options);
    assert.deepEqual([...trainer.weightNames], names);
    const { onnx, state } = exportTrainingStep(tract(awkward, { layer: 'model/fc' }), {
      optimizer,
      batchSize: 8,
      seed: 4,
    });
    const program = await Program.load(onnx, { provider: 'cpu', threads: 1 });
    let values: Tensors = state;
    for (let step = 0; step < 4; step++) {
      const { images, labels } = batch(step);
      const { loss } = await trainer.step({ images, labels });
      const results = await program.run({
        ...values,
        images: tensor('uint8', [8, 3, 32, 32], images),
        labels: tensor('int32', [8], labels),
        mean: tensor('float32', [3], mean),
        deviation: tensor('float32', [3], deviation),
        learning_rate: tensor('float32', [], [0.01]),
        step: tensor('float64', [], [step + 1]),
      });
      assertWithin(toNumbers(results.loss), [loss], 1e-5, `loss of step ${step}`);
      const next = Object.entries(results).filter(([name]) => name.startsWith('next/'));
      values = {
        ...values,
        ...Object.fromEntries(next.map(([name, x]) => [name.replace('next', 'state'), x])),
      };
    }
    const weights = await trainer.weights();
    for (const name of names) {
      assertWithin(toNumbers(values[`state/${name}`]), toNumbers(weights[name]), 1e-4, name);
    }
    await program.release();

    // And such a model is saved and restored like any other.
    const saved = await trainer.state();
    const config = describeRun(tract(awkward, { layer: 'model/fc' }), options, dataset, { epochs: 1 });
    const restored = await restoreTrainer(fromCheckpoint(toCheckpoint({ config, state: saved })), {
      model: awkward,
    });
    assert.deepEqual(await restored.state(), saved);
    await trainer.release();
    await restored.release();
  });

  it('begins with the weights it is given, and says what it takes', () => {
    const begin = exportTrainingStep(awkward, { optimizer, batchSize: 8 });
    const weights = Object.fromEntries(names.map((name) => [name, begin.state[`state/${name}`]]));
    const other = { ...weights, mean: tensor('float32', [12], new Array<number>(12).fill(7)) };
    const { state } = exportTrainingStep(awkward, { optimizer, batchSize: 8, weights: other });
    assert.deepEqual(state, { ...begin.state, 'state/mean': other.mean });
    assert.throws(
      () =>
        exportTrainingStep(awkward, { optimizer, batchSize: 8, weights: { ...weights, mean: weights.step } }),
      (error) => error instanceof StateError && /"mean"/.test(error.message),
    );
    assert.throws(() => exportTrainingStep(awkward, { optimizer, batchSize: 0 }), OptionError);
    const fromData = defineModel({ imageShape: [3, 32, 32], classes: 10 }, (scope, images) => {
      const x = op.reshape(images, [images.shape[0], -1]);
      const begun = fromImages(() => new Float32Array(10));
      return op.add(linear(scope.child('fc'), x, 10), scope.parameter('shift', [10], begun));
    });
    assert.throws(
      () => exportTrainingStep(fromData, { optimizer, batchSize: 8 }),
      (error) =>
        error instanceof OptionError && /takes initial values from images; give weights/.test(error.message),
    );
  });
});
