/** Stochastic depth and progressive resizing in training, and views in what a run leaves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resize } from '../data/resize.js';
import { shapes } from '../data/shapes.js';
import { Graph } from '../graph/graph.js';
import { mlp } from '../models/mlp.js';
import { createModel } from '../models/registry.js';
import { resnet18 } from '../models/resnet.js';
import { vit } from '../models/vit.js';
import { type Model, defineModel, traceAlone } from '../nn/model.js';
import { dropPath } from '../nn/layers.js';
import { Scope } from '../nn/scope.js';
import { sgd } from '../optim/sgd.js';
import { Random } from '../random/random.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { runGraph } from '../testing/run.js';
import { checkResume } from '../testing/resume.js';
import { tract } from '../tract/tract.js';
import { fromCheckpoint, restoreTrainer, toCheckpoint } from './checkpoint.js';
import { Classifier } from './classifier.js';
import { CheckpointError } from './json-check.js';
import type { TrainerOptions } from './options.js';
import { atSize, sizeAt } from './progressive.js';
import { describeRun } from './run-config.js';
import { parseRunConfig } from './parse-run-config.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 48, test: 8 });
const base = { optimizer: sgd({ learningRate: 0.05 }), batchSize: 16, seed: 1, threads: 1 } as const;
const fit = { epochs: 2 };

/** The random numbers that a model's graph takes. */
const drawn = (model: Model, training: boolean): string[] =>
  traceAlone(model, 2, training)
    .graph.inputs.map(({ name }) => name)
    .filter((name) => name.startsWith('random/'));

describe('stochastic depth', () => {
  it('leaves whole examples out, and scales the others', async () => {
    const graph = new Graph();
    const scope = Scope.root(graph, { training: true }).child('block');
    const x = graph.input('x', 'float32', [4, 2, 1]);
    graph.output('y', dropPath(scope, x, 0.25));
    const { y } = await runGraph(graph, {
      x: tensor('float32', [4, 2, 1], [1, 2, 3, 4, 5, 6, 7, 8]),
      'random/block.drop_path': tensor('float32', [4], [0.1, 0.3, 0.24, 0.99]),
    });
    assertWithin(
      toNumbers(y),
      [0, 0, 3, 4, 0, 0, 7, 8].map((value) => value / 0.75),
      1e-6,
      'examples',
    );
  });

  it('is nothing in evaluation, at a rate of 0, and for the first block', () => {
    for (const model of [
      resnet18({ width: 4, dropPath: 0.5 }),
      vit({ width: 6, depth: 3, heads: 1, dropPath: 0.4 }),
    ]) {
      assert.deepEqual(drawn(model, false), []);
      const names = drawn(model, true);
      assert.equal(names.length, model.name === 'vit' ? 4 : 7);
      assert.ok(names.every((name) => !/^random\/(layer1|blocks)\.0\./.test(name)));
      const again = createModel(model.name, model.config);
      assert.deepEqual(again.config, model.config);
      const plain = model.name === 'vit' ? vit() : resnet18();
      assert.deepEqual(drawn(plain, true), []);
      assert.ok(!('dropPath' in plain.config));
      assert.deepEqual(createModel(model.name, { dropPath: 0 }).config, plain.config);
    }
    const graph = new Graph();
    const x = graph.input('x', 'float32', [4]);
    const scope = (training: boolean): Scope => Scope.root(graph, { training });
    assert.equal(dropPath(scope(true), x, 0), x);
    assert.equal(dropPath(scope(false), x, 0.5), x);
    assert.throws(() => dropPath(scope(true), x, 1), /the rate must be at least 0 and below 1, not 1/);
    assert.throws(
      () => resnet18({ dropPath: 1 }),
      /resnet18: dropPath must be at least 0 and below 1, not 1/,
    );
  });

  it('draws anew in every step, as often as its rate says, from streams that a resumed run has, too', async () => {
    // The gradient of the bias of an image is that of its branch: 0 where it is left out.
    const images = { imageShape: [3, 32, 32] as const, classes: 2 };
    const model = defineModel(images, (scope, x) => {
      const bias = scope.parameter(
        'bias',
        [x.shape[0], 2],
        (shape) => new Float32Array(shape[0] * 2),
        'bias',
      );
      return dropPath(scope, bias, 0.25);
    });
    const trainer = await Trainer.create(model, {
      ...base,
      batchSize: 1024,
      standardization: { mean: [0, 0, 0], deviation: [1, 1, 1] },
    });
    const moved: string[] = [];
    let before = new Array<number>(2048).fill(0);
    for (let step = 0; step < 2; step++) {
      await trainer.step({ images: new Uint8Array(1024 * 3072), labels: new Int32Array(1024) });
      const bias = toNumbers((await trainer.weights()).bias);
      moved.push(bias.map((value, i) => (value === before[i] ? 0 : 1)).join(''));
      before = bias;
    }
    const left = moved[0].replaceAll('1', '').length / 2048;
    // Four standard deviations of a binomial distribution.
    assert.ok(Math.abs(left - 0.25) < 4 * Math.sqrt((0.25 * 0.75) / 1024), `${left} are left out`);
    assert.notEqual(moved[0], moved[1]);
    await trainer.release();
    await (await checkResume(tract(resnet18({ width: 4, dropPath: 0.5 })), base, dataset)).release();
  });

  it('of shards has the numbers of the whole batch', async () => {
    // Without batch norm shards differ by rounding alone.
    const model = vit({ width: 6, depth: 2, heads: 1, dropPath: 0.5, patch: 8 });
    const [whole, cut] = [
      await Trainer.create(model, base),
      await Trainer.create(model, { ...base, shards: 4 }),
    ];
    for (const trainer of [whole, cut]) await trainer.fit(dataset, { epochs: 1, maxSteps: 2 });
    const [a, b] = [await whole.weights(), await cut.weights()];
    for (const name of Object.keys(a)) assertWithin(toNumbers(b[name]), toNumbers(a[name]), 1e-4, name);
    for (const trainer of [whole, cut]) await trainer.release();
  });
});

describe('progressive resizing', () => {
  it('has the sizes of its stages, then none', () => {
    const stages = [
      { size: 16, until: 0.3 },
      { size: 24, until: 0.6 },
    ];
    const sizes = Array.from({ length: 10 }, (_, step) => sizeAt(stages, step, 10));
    assert.deepEqual(sizes, [16, 16, 16, 24, 24, 24, undefined, undefined, undefined, undefined]);
  });

  it('scales images as `resize` does, in training only', async () => {
    const random = Random.fromSeed(1);
    const data = Uint8Array.from({ length: 2 * 9 * 12 }, () => random.integer(256));
    const graph = new Graph();
    const shown = defineModel({ imageShape: [2, 9, 12], classes: 2 }, (_scope, images) => images);
    const x = graph.input('x', 'float32', [1, 2, 9, 12]);
    const y = atSize(shown, 6).forward(Scope.root(graph, { training: true }), x);
    assert.deepEqual(y.shape, [1, 2, 6, 8]);
    assert.equal(atSize(shown, 6).forward(Scope.root(graph, { training: false }), x), x);
    graph.output('y', y);
    const found = toNumbers((await runGraph(graph, { x: tensor('float32', [1, 2, 9, 12], [...data]) })).y);
    const wanted = resize({ size: 6 }).apply({ data, shape: [2, 9, 12] }, random).data;
    // `resize` rounds.
    found.forEach((value, i) => {
      assert.ok(Math.abs(value - wanted[i]) <= 0.5 + 1e-4, `${value} is not ${wanted[i]}`);
    });
  });

  it('trains the same weights by steps of several sizes, and goes on where it was stopped', async () => {
    const progressive = [
      { size: 16, until: 0.2 },
      { size: 24, until: 0.6 },
    ];
    const options = { ...base, progressive };
    const given = tract(resnet18({ width: 4 }));
    const states = [];
    for (const one of [options, base]) {
      const trainer = await checkResume(given, one, dataset);
      states.push(await trainer.state());
      await trainer.release();
    }
    const [state, plain] = states;
    const config = describeRun(given, options, dataset, fit);
    assert.deepEqual(config.progressive, progressive);
    assert.notDeepEqual(state.tensors['fc.weight'], plain.tensors['fc.weight']);
    assert.ok(!('progressive' in describeRun(given, base, dataset, fit)));
    // Of a model that takes none a file may say so, too.
    const wrong = { config: { ...config, model: { name: 'resnet18', config: { width: 4 } } }, state };
    const small = { ...wrong, config: { ...wrong.config, progressive: [{ size: 40, until: 0.5 }] } };
    await assert.rejects(restoreTrainer(small), CheckpointError);
  });

  it('refuses sizes out of order, models of one size, and a run of unknown length', async () => {
    const half = [{ size: 16, until: 0.5 }];
    for (const [model, progressive, message] of [
      [resnet18({ width: 4 }), [{ size: 32, until: 0.5 }], /pixels from 1 to 31, below .*, not 32/],
      [resnet18({ width: 4 }), [{ size: 16, until: 1 }], /the share of the run .* not 1$/],
      [resnet18({ width: 4 }), [...half, ...half], /the share of the run .* not 0.5$/],
      [vit({ width: 6, heads: 1 }), half, /progressive: vit takes no images of 16 pixels: /],
      [
        mlp({ width: 4 }),
        half,
        /mlp takes no images of 16 pixels: its layers\.0\.weight would have another shape/,
      ],
    ] as const)
      await assert.rejects(Trainer.create(model, { ...base, progressive }), message);
    const { mean, deviation } = dataset;
    const trainer = await Trainer.create(resnet18({ width: 4 }), {
      ...base,
      progressive: half,
      standardization: { mean, deviation },
    });
    const batch = { images: new Uint8Array(16 * 3072), labels: new Int32Array(16) };
    await assert.rejects(trainer.step(batch), /progressive resizing depends on the length of the run/);
    await trainer.release();
  });
});

describe('views of a run', () => {
  it('are kept, and a classifier of it answers as it was evaluated', async () => {
    const options: TrainerOptions = { ...base, testViews: 'flip-shift' };
    const trainer = await Trainer.create(resnet18({ width: 4 }), options);
    await trainer.fit(dataset, { epochs: 1 });
    const config = describeRun(trainer.trainable, options, dataset, { epochs: 1 });
    assert.equal(config.testViews, 'flip-shift');
    assert.throws(
      () => parseRunConfig({ ...config, testViews: 'all' }),
      /testViews must be one of none, flip, flip-shift, but is "all"/,
    );
    const checkpoint = fromCheckpoint(toCheckpoint({ config, state: await trainer.state() }));
    const classifier = await Classifier.create(checkpoint, { threads: 1 });
    const images = dataset.test.images.slice(0, 3 * 3072);
    const [ours, theirs] = [await classifier.logits(images), await trainer.predict(images)];
    assertWithin(toNumbers(ours), toNumbers(theirs), 1e-4, 'logits');
    const restored = await restoreTrainer(checkpoint, { threads: 1 });
    assert.deepEqual(await restored.evaluate(dataset), await trainer.evaluate(dataset));
    for (const one of [trainer, classifier, restored]) await one.release();
  });
});
