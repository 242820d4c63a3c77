/** What training keeps beside the weights: their mean, slow weights, the states of several optimizers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shapes } from '../data/shapes.js';
import type { Tensors } from '../engine/session.js';
import { resnet18 } from '../models/resnet.js';
import { adamw } from '../optim/adam.js';
import { centralizeGradients } from '../optim/centralize.js';
import { lamb } from '../optim/lamb.js';
import { lion } from '../optim/lion.js';
import { lookahead } from '../optim/lookahead.js';
import { groupsFor } from '../optim/model-groups.js';
import { muon } from '../optim/muon.js';
import { cosine } from '../optim/schedule.js';
import { sgd } from '../optim/sgd.js';
import { clipByGlobalNorm } from '../optim/transform.js';
import { toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { checkResume } from '../testing/resume.js';
import { tract } from '../tract/tract.js';
import { fromCheckpoint, restoreTrainer, toCheckpoint, weightsOf } from './checkpoint.js';
import { Classifier } from './classifier.js';
import { CheckpointError } from './json-check.js';
import type { TrainerOptions } from './options.js';
import { describeRun } from './run-config.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 48, test: 8 });
const model = resnet18({ width: 4 });
const base = { batchSize: 16, seed: 1, threads: 1 } as const;
const decay = 0.3;

describe('the mean of weights', () => {
  const options: TrainerOptions = { ...base, optimizer: sgd({ learningRate: 0.05 }), emaDecay: decay };

  it('is that of its formula, of parameters and running statistics, and is what is given out', async () => {
    const trainer = await Trainer.create(tract(model), options);
    const mean: Record<string, number[]> = Object.fromEntries(
      Object.entries(await trainer.weights()).map(([name, value]) => [name, toNumbers(value)]),
    );
    for await (const event of trainer.run(dataset, { epochs: 2 })) {
      if (event.event !== 'step') continue;
      const { tensors } = await trainer.state();
      const d = Math.min(decay, (1 + event.step) / (10 + event.step));
      for (const name of Object.keys(mean))
        mean[name] = toNumbers(tensors[name]).map((value, i) => d * mean[name][i] + (1 - d) * value);
    }
    const given = await trainer.weights();
    for (const name of Object.keys(mean)) assertWithin(toNumbers(given[name]), mean[name], 1e-5, name);
    const { tensors } = await trainer.state();
    assert.notDeepEqual(given['conv1.weight'], tensors['conv1.weight']);
    assert.notDeepEqual(given['bn1.running_mean'], tensors['bn1.running_mean']);
    assert.deepEqual(await trainer.evaluate(dataset), await trainer.evaluateWeights(given, dataset));
    await trainer.release();
  });

  it('is what a checkpoint is used with, and goes on where a run does', async () => {
    const trainer = await checkResume(tract(model), { ...options, emaDecay: 0.9 }, dataset);
    const config = describeRun(tract(model), options, dataset, { epochs: 2 });
    assert.equal(config.emaDecay, decay);
    const checkpoint = fromCheckpoint(toCheckpoint({ config, state: await trainer.state() }));
    assert.deepEqual(weightsOf(checkpoint.state), await trainer.weights());
    const classifier = await Classifier.create(checkpoint, { threads: 1 });
    const images = dataset.test.images.slice(0, 3072);
    const [ours, theirs] = [await classifier.logits(images), await trainer.predict(images)];
    assertWithin(toNumbers(ours), toNumbers(theirs), 1e-4, 'logits');
    await classifier.release();
    await trainer.release();
  });

  it('begins with the weights that a trainer is given, and so do slow weights', async () => {
    const trainer = await Trainer.create(model, {
      ...options,
      optimizer: lookahead(sgd({ learningRate: 0.05 })),
    });
    const other = await Trainer.create(model, { ...options, seed: 2 });
    trainer.load(await other.weights());
    const { tensors } = await trainer.state();
    const copies = ['', '/ema', '/slow_buffer'].map((suffix) => tensors[`conv1.weight${suffix}`]);
    const [wanted] = Object.values((await other.weights()) satisfies Tensors);
    for (const copy of copies) assert.deepEqual(copy, wanted);
    for (const one of [trainer, other]) await one.release();
  });

  it('of shards is that of whole batches, but for rounding', async () => {
    const few = await Trainer.create(model, { ...options, shards: 2 });
    for await (const event of few.run(dataset, { epochs: 1, maxSteps: 1 }))
      if (event.event === 'epoch') break;
    const { tensors } = await few.state();
    // After one step d = 2 / 11.
    const initial = await Trainer.create(model, options);
    const before = (await initial.state()).tensors;
    for (const name of ['conv1.weight', 'bn1.running_var']) {
      const wanted = toNumbers(tensors[name]).map((value, i) => {
        return (2 / 11) * Number(before[name].data[i]) + (9 / 11) * value;
      });
      assertWithin(toNumbers(tensors[`${name}/ema`]), wanted, 1e-5, name);
    }
    for (const one of [few, initial]) await one.release();
  });

  it('refuses a decay that is none', async () => {
    for (const emaDecay of [0, 1, NaN])
      await assert.rejects(Trainer.create(model, { ...options, emaDecay }), /must be above 0 and below 1/);
  });
});

describe('a run that goes on', () => {
  it('has the bits of one that was not stopped, with Muon, an optimizer for the rest, and all transforms', async () => {
    const chain = { model, transforms: [centralizeGradients(), clipByGlobalNorm(1)] };
    const options: TrainerOptions = {
      ...base,
      optimizer: lookahead(muon({ learningRate: cosine(0.02) }), { every: 3 }),
      groups: groupsFor({
        rest: lookahead(adamw({ learningRate: cosine(1e-3) }), { every: 3 }),
        decayWeightsOnly: true,
        firstLayerFactor: 0.5,
        layerDecay: 0.9,
      }),
      emaDecay: 0.9,
    };
    await (await checkResume(tract(chain), options, dataset)).release();
  });

  it('of a file whose optimizer is not for its parameters is refused as what it is', async () => {
    const trainer = await Trainer.create(model, {
      ...base,
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
    });
    const config = describeRun(model, { ...base, optimizer: muon() }, dataset, { epochs: 1 });
    await assert.rejects(
      restoreTrainer({ config, state: await trainer.state() }, { threads: 1 }),
      (error) => error instanceof CheckpointError && /muon is for matrices and filters/.test(error.message),
    );
    await trainer.release();
  });

  it('has them with Lion and LAMB by groups', async () => {
    const options: TrainerOptions = {
      ...base,
      optimizer: lion(),
      groups: [{ parameters: 'layer1', optimizer: lamb() }],
    };
    await (await checkResume(tract(model), options, dataset)).release();
  });
});
