/** Chains of gradient transforms in training. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shapes } from '../data/shapes.js';
import type { Tensors } from '../engine/session.js';
import { GraphError } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import { centralizeGradients } from '../optim/centralize.js';
import { sgd } from '../optim/sgd.js';
import type { Trainable } from '../optim/trainable.js';
import { type GradientTransform, clipByGlobalNorm } from '../optim/transform.js';
import { toNumbers } from '../tensor/tensor.js';
import { assertWithin, relativeError } from '../testing/distance.js';
import { tract } from '../tract/tract.js';
import { fromCheckpoint, restoreTrainer, toCheckpoint, weightsOf } from './checkpoint.js';
import { CheckpointError } from './json-check.js';
import type { TrainerOptions } from './options.js';
import { describeRun } from './run-config.js';
import { Trainer } from './trainer.js';
import { createTransform } from './transforms.js';

const dataset = shapes({ train: 48, test: 8 });
const { mean, deviation, train } = dataset;
const options: TrainerOptions = {
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  batchSize: 16,
  seed: 1,
  threads: 1,
  standardization: { mean, deviation },
};
const batch = { images: train.images.slice(0, 16 * 3072), labels: Array.from(train.labels).slice(0, 16) };
const net = mlp({ width: 8, depth: 1 });

/** The gradients that the optimizer got in the first step, by the names of the parameters. */
async function gradients(
  given: Trainable,
  changes: Partial<TrainerOptions> = {},
): Promise<Record<string, number[]>> {
  const trainer = await Trainer.create(given, { ...options, ...changes });
  try {
    await trainer.step(batch);
    const { tensors, weightNames } = await trainer.state();
    return Object.fromEntries(
      weightNames.flatMap((name) => {
        const buffer = `${name}/momentum_buffer`;
        return Object.hasOwn(tensors, buffer) ? [[name, toNumbers(tensors[buffer])]] : [];
      }),
    );
  } finally {
    await trainer.release();
  }
}

const chain = (...transforms: GradientTransform[]): Trainable => ({ model: net, transforms });

/** Multiplies every gradient. */
const times = (factor: number): GradientTransform => ({
  name: 'times',
  config: { factor },
  apply: (given) => ({
    gradients: new Map([...given].map(([name, value]) => [name, op.mul(value, factor)])),
  }),
});

/** The mean of the gradients so far, the older ones counting half: m ← m / 2 + g. */
const smoothed: GradientTransform = {
  name: 'smoothed',
  config: {},
  state: (parameters) => Object.fromEntries(parameters),
  apply(given, { state }) {
    const next = new Map(
      [...given].map(([name, value]) => [name, op.add(op.mul(state.get(name)!, 0.5), value)]),
    );
    return { gradients: next, state: next };
  },
};

describe('transforms', () => {
  it('are applied in their order', async () => {
    const plain = await gradients(chain());
    const norm = Math.hypot(...Object.values(plain).flat());
    const half = norm / 2;
    for (const [given, factor] of [
      [chain(times(3), clipByGlobalNorm(half)), 0.5],
      [chain(clipByGlobalNorm(half), times(3)), 1.5],
      [chain(clipByGlobalNorm(2 * norm)), 1],
    ] as const) {
      const found = await gradients(given);
      for (const [name, gradient] of Object.entries(plain))
        assertWithin(
          found[name],
          gradient.map((value) => value * factor),
          1e-6,
          `${name} times ${factor}`,
        );
    }
  });

  it('after TrAct get its gradients: a joint norm has them in it', async () => {
    const alone = await gradients(tract(net, { lambda: 10 }));
    const norm = Math.hypot(...Object.values(alone).flat());
    const clipped = await gradients(tract(chain(clipByGlobalNorm(norm / 4)), { lambda: 10 }));
    for (const [name, gradient] of Object.entries(alone))
      assertWithin(
        clipped[name],
        gradient.map((value) => value / 4),
        1e-5,
        name,
      );
  });

  it('that centralise take the mean off the gradients of each output', async () => {
    const plain = await gradients(chain());
    const found = await gradients(chain(centralizeGradients()));
    for (const [name, gradient] of Object.entries(plain)) {
      const columns = name.endsWith('weight') ? gradient.length / (name.startsWith('layers.0') ? 8 : 10) : 1;
      const wanted = gradient.map((value, i) => {
        const row = gradient.slice(i - (i % columns), i - (i % columns) + columns);
        return columns === 1 ? value : value - row.reduce((a, b) => a + b) / columns;
      });
      assertWithin(found[name], wanted, 1e-5, name);
    }
  });

  it('keep their state from step to step, and in checkpoints', async () => {
    const given = tract(chain(smoothed));
    const trainer = await Trainer.create(given, { ...options, optimizer: sgd({ learningRate: 0 }) });
    // At a rate of 0 every step has the same gradients g: 1 g, 1.5 g, 1.75 g.
    const states: Tensors[] = [];
    for (let step = 0; step < 3; step++) {
      await trainer.step(batch);
      states.push((await trainer.state()).tensors);
    }
    const name = 'smoothed/layers.1.weight';
    const [first, second, third] = states.map((tensors) => toNumbers(tensors[name]));
    assertWithin(
      second,
      first.map((value) => 1.5 * value),
      1e-6,
      'the second step',
    );
    assertWithin(
      third,
      first.map((value) => 1.75 * value),
      1e-6,
      'the third step',
    );
    const { weightNames } = await trainer.state();
    assert.ok(!weightNames.includes(name));
    await trainer.release();
  });

  it('of a run that goes on are those of its checkpoint; one’s own are given again', async () => {
    const fit = { epochs: 2 };
    const given = tract(chain(smoothed, clipByGlobalNorm(0.5)));
    const config = describeRun(given, options, dataset, fit);
    assert.deepEqual(config.tract, { layer: 'layers.0', lambda: 0.1 });
    assert.deepEqual(config.transforms, [
      { name: 'smoothed', config: {} },
      { name: 'clip', config: { maxNorm: 0.5 } },
    ]);
    const straight = await Trainer.create(given, options);
    await straight.fit(dataset, fit);
    const stopped = await Trainer.create(given, options);
    for await (const event of stopped.run(dataset, fit)) if (event.step === 2) break;
    const checkpoint = fromCheckpoint(toCheckpoint({ config, state: await stopped.state() }));
    assert.deepEqual(Object.keys(weightsOf(checkpoint.state)), [
      'layers.0.weight',
      'layers.0.bias',
      'layers.1.weight',
      'layers.1.bias',
    ]);
    await assert.rejects(
      restoreTrainer(checkpoint, { threads: 1 }),
      (error) =>
        error instanceof CheckpointError &&
        /^transforms: "smoothed" is none of this package's transforms; give the transform itself$/.test(
          error.message,
        ),
    );
    const restored = await restoreTrainer(checkpoint, { transforms: [smoothed], threads: 1 });
    await restored.fit(dataset, fit);
    assert.deepEqual(await restored.state(), await straight.state());
    for (const trainer of [straight, stopped, restored]) await trainer.release();
  });

  it('give a gradient of the right shape for every parameter', async () => {
    const broken: GradientTransform = {
      ...times(1),
      name: 'broken',
      apply: (given) => ({ gradients: new Map([...given].slice(1)) }),
    };
    const flat: GradientTransform = {
      ...times(1),
      name: 'flat',
      apply: (given) => ({
        gradients: new Map([...given].map(([name, value]) => [name, op.reshape(value, [-1])])),
      }),
    };
    for (const wrong of [broken, flat]) {
      await assert.rejects(
        Trainer.create(chain(wrong), options),
        (error) =>
          error instanceof GraphError &&
          error.message === `the transform ${wrong.name} gives no gradient for "layers.0.weight"`,
      );
    }
  });

  it('of this package are made by name', () => {
    assert.deepEqual(createTransform('clip', { maxNorm: 2 }).config, { maxNorm: 2 });
    assert.equal(createTransform('centralize', {}).name, 'centralize');
    const config = { weights: ['layers.0.weight'], lambda: { relative: 0.2 } };
    assert.deepEqual(createTransform('tract', config).config, config);
    const changing = { ...config, gramMomentum: 0.9, gramShapes: { 'layers.0.weight': [4, 4] }, until: 3 };
    assert.deepEqual(createTransform('tract', changing).config, changing);
    assert.throws(
      () => createTransform('tract', { ...changing, gramShapes: { 'layers.0.weight': [4, 3] } }),
      /gramShapes must hold the shape of the Gram matrix of layers\.0\.weight/,
    );
    assert.throws(
      () => createTransform('tract', { weights: 'all', lambda: 1 }),
      /weights must be a list of names/,
    );
    assert.throws(() => createTransform('constructor', {}), /none of this package's transforms/);
  });
});

describe('TrAct of several layers', () => {
  it('transforms each as if it were the only one', async () => {
    const plain = await gradients(chain());
    const [first, second] = [
      await gradients(tract(net)),
      await gradients(tract(net, { layer: 'layers.1', lambda: 0.3 })),
    ];
    for (const both of [
      tract(tract(net), { layer: 'layers.1', lambda: 0.3 }),
      tract(tract(net, { layer: 'layers.1', lambda: 0.3 })),
    ]) {
      const found = await gradients(both);
      assert.deepEqual(found['layers.0.weight'], first['layers.0.weight']);
      assert.deepEqual(found['layers.1.weight'], second['layers.1.weight']);
      assert.deepEqual(found['layers.1.bias'], plain['layers.1.bias']);
      assert.ok(relativeError(found['layers.1.weight'], plain['layers.1.weight']) > 0.1);
    }
    const alike = await gradients(tract(net, { layer: ['layers.0', 'layers.1.weight'] }));
    assert.deepEqual(alike['layers.0.weight'], first['layers.0.weight']);
  });

  it('takes convolutions too, and a checkpoint names them all', async () => {
    const model = resnet18({ width: 2 });
    const layer = ['conv1', 'layer1.0.conv1'];
    const given = tract(model, { layer });
    const [both, one] = [await gradients(given), await gradients(tract(model))];
    assertWithin(both['conv1.weight'], one['conv1.weight'], 1e-6, 'conv1');
    assert.ok(relativeError(both['layer1.0.conv1.weight'], one['layer1.0.conv1.weight']) > 0.1);
    const trainer = await Trainer.create(given, options);
    const config = describeRun(given, options, dataset, { epochs: 1 });
    assert.deepEqual(config.tract, { layer, lambda: 0.1 });
    const bytes = toCheckpoint({ config, state: await trainer.state() });
    const restored = await restoreTrainer(fromCheckpoint(bytes), { threads: 1 });
    assert.deepEqual(
      restored.trainable.transforms.map(({ config: own }) => own),
      given.transforms.map(({ config: own }) => own),
    );
    for (const used of [trainer, restored]) await used.release();
  });

  it('that is frozen, or in shards, stays what it is', async () => {
    const given = tract(net, { layer: ['layers.0', 'layers.1'], lambda: 10 });
    const whole = await gradients(given);
    const cut = await gradients(given, { shards: 4 });
    for (const [name, gradient] of Object.entries(whole)) assertWithin(cut[name], gradient, 1e-6, name);
    const frozen = await gradients(given, { groups: [{ parameters: 'layers.0', trainable: false }] });
    assert.deepEqual(Object.keys(frozen), ['layers.1.weight', 'layers.1.bias']);
    assert.deepEqual(frozen['layers.1.weight'], whole['layers.1.weight']);
  });
});
