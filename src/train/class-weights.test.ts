/** Training with class weights. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { balancedClassWeights } from '../data/class-weights.js';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { sgd } from '../optim/sgd.js';
import { OptionError } from '../tensor/option-error.js';
import { toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { localRanks } from '../testing/local-group.js';
import { checkResume } from '../testing/resume.js';
import { tract } from '../tract/tract.js';
import type { TrainerOptions } from './options.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 64, test: 8 });
const model = mlp({ width: 8, depth: 1 });
const classWeights = dataset.classNames.map((_, i) => 0.25 + i);
const options: TrainerOptions = {
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  batchSize: 16,
  labelSmoothing: 0.1,
  threads: 1,
  classWeights,
};

/** The losses of two epochs, and the weights after them. */
async function train(changes: Partial<TrainerOptions>): Promise<{ losses: number[]; weights: number[] }> {
  const trainer = await Trainer.create(tract(model), { ...options, ...changes });
  const losses: number[] = [];
  for await (const event of trainer.run(dataset, { epochs: 2 }))
    if (event.event === 'step') losses.push(event.loss);
  const weights = Object.values(await trainer.weights()).flatMap(toNumbers);
  await trainer.release();
  return { losses, weights };
}

describe('class weights', () => {
  it('of shards, in one process or several, give the step of the whole batch', async () => {
    const whole = await train({});
    const cut = await train({ shards: 4 });
    assertWithin(cut.losses, whole.losses, 1e-5, 'losses');
    assertWithin(cut.weights, whole.weights, 1e-4, 'weights');
    for (const found of await Promise.all(localRanks(2).map((group) => train({ shards: 4, group }))))
      assert.deepEqual(found, cut);
    const { losses } = await train({ classWeights: classWeights.map((weight) => 3 * weight) });
    assertWithin(losses, whole.losses, 1e-5, 'a multiple of them is the same');
    const plain = await train({ classWeights: classWeights.map(() => 1) });
    assert.notEqual(plain.losses[0], whole.losses[0]);
  });

  it('are kept in a checkpoint, and count with mixed labels, too', async () => {
    await (await checkResume(tract(model), { ...options, mixing: { mixup: 1 } }, dataset)).release();
    await (await checkResume(tract(model), options, dataset)).release();
  });

  it('that are balanced are in inverse proportion to the images of a class', () => {
    const labels = Int32Array.of(0, 0, 0, 1, 0, 3);
    const uneven = { ...dataset, classNames: ['a', 'b', 'c', 'd'], train: { ...dataset.train, labels } };
    assert.deepEqual(balancedClassWeights(uneven), [6 / (3 * 4), 2, 1, 2]);
  });

  it('that are none are refused', async () => {
    for (const wrong of [[1, 2], classWeights.map(() => 0), classWeights.map(() => NaN)])
      await assert.rejects(
        Trainer.create(model, { ...options, classWeights: wrong }),
        (error) => error instanceof OptionError && error.message.startsWith('classWeights must'),
      );
  });
});
