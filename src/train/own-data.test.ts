/** Training on images of one's own: a source that takes its time, transforms, many classes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planComparison } from '../compare/plan.js';
import { updatePicture } from '../compare/inspection.js';
import { variantsOf } from '../compare/variant.js';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import type { ImageDataset } from '../data/dataset.js';
import { imageDataset } from '../data/image-dataset.js';
import { type ImageSource, imageSize } from '../data/image-source.js';
import type { ImageTransform } from '../data/image-transform.js';
import { inWorker } from '../data/in-worker.js';
import { randomResizedCrop, resize } from '../data/resize.js';
import { mlp } from '../models/mlp.js';
import { sgd } from '../optim/sgd.js';
import striped, { stripedModule } from '../testing/striped-source.js';
import { describeRun } from './run-config.js';
import { parseRunConfig } from './parse-run-config.js';
import { runOptionsOf } from './run-parts.js';
import { Trainer } from './trainer.js';

const classes = 1000;
/** Pictures of [3, 4, 5]. */
const parameters = { count: 60, classes, later: true, size: [4, 5] } as const;
const source: ImageSource = { ...striped(parameters), worker: { module: stripedModule, parameters } };
const classNames = Array.from({ length: classes }, (_, i) => `class ${i}`);
const settings = {
  classNames,
  imageShape: [3, 4, 4],
  preprocessing: [resize({ size: [4, 4] })],
  augmentation: [randomCrop({ padding: 1 }), randomHorizontalFlip()],
} as const;
const model = mlp({ classes, imageSize: 4, width: 8, depth: 1 });
const training = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 8, seed: 3, threads: 1 };

async function lossesOn(dataset: ImageDataset): Promise<number[]> {
  const trainer = await Trainer.create(model, training);
  const losses: number[] = [];
  const { evaluation } = await trainer.fit(dataset, {
    epochs: 2,
    onEvent: (event) => {
      if (event.event === 'step') losses.push(event.loss);
    },
  });
  await trainer.release();
  return [...losses, evaluation!.loss, evaluation!.accuracy];
}

/** Images in memory, as a source shows them. */
function inMemory(of: ImageSource): ImageSource {
  const pictures = Array.from({ length: of.count }, (_, i) => {
    const data = new Uint8Array(imageSize([3, 4, 5]));
    void striped({ ...parameters, later: false }).read(i, data);
    return data;
  });
  return {
    ...of,
    read(i, target) {
      target.set(pictures[i]);
    },
  };
}

describe('images of your own', { timeout: 60_000 }, () => {
  it('train to the same bits, wherever they come from and whoever reads them', async () => {
    const dataset = await imageDataset({ images: source, ...settings });
    const losses = await lossesOn(dataset);
    assert.equal(losses.length, 14);
    assert.deepEqual(await lossesOn(inWorker(dataset, { workers: 2 })), losses);
    assert.deepEqual(await lossesOn(await imageDataset({ images: inMemory(source), ...settings })), losses);
  });

  it('go through a chain of their own where they are not augmented', async () => {
    const chains = {
      ...settings,
      preprocessing: [],
      augmentation: [randomResizedCrop({ size: 4 })],
      evaluation: [resize({ size: [4, 4] })],
    };
    const dataset = await imageDataset({ images: source, ...chains });
    const plain = await imageDataset({ images: source, ...settings });
    assert.deepEqual([dataset.mean, dataset.deviation], [plain.mean, plain.deviation]);
    const followed = async (of: ImageDataset, augmented: boolean): Promise<number[]> => {
      const trainer = await Trainer.create(model, training);
      const before = await trainer.evaluate(of);
      await trainer.fit(of, { epochs: 1, ...(!augmented && { augmentation: null }) });
      const after = await trainer.evaluate(of);
      await trainer.release();
      return [before.loss, after.loss];
    };
    const [before, after] = await followed(dataset, true);
    // Evaluated as resized pictures are, and trained on them where nothing varies them.
    const resized = await followed(plain, false);
    assert.equal(before, resized[0]);
    assert.notEqual(after, resized[1]);
    assert.deepEqual(await followed(dataset, false), resized);
    assert.deepEqual(await followed(inWorker(dataset), false), resized);
    const { data } = describeRun(model, training, dataset, { epochs: 1 });
    assert.deepEqual(data.evaluation, [{ name: 'resize', config: { size: [4, 4] } }]);
    const config = describeRun(model, training, dataset, { epochs: 1 });
    assert.deepEqual(parseRunConfig(JSON.parse(JSON.stringify(config))), config);
  });

  it('are described with their transforms, as a checkpoint keeps them', async () => {
    const dataset = await imageDataset({ images: source, ...settings });
    const config = describeRun(model, training, dataset, { epochs: 2 });
    assert.deepEqual(config.augmentation, { cropPadding: 1, horizontalFlip: true });
    assert.deepEqual(config.data.preprocessing, [{ name: 'resize', config: { size: [4, 4] } }]);
    const reread = parseRunConfig(JSON.parse(JSON.stringify(config)));
    assert.deepEqual(reread, config);
    const { augmentation } = runOptionsOf(reread);
    assert.deepEqual(
      augmentation!.map(({ name }) => name),
      ['randomCrop', 'randomHorizontalFlip'],
    );
  });

  it('may go through transforms of your own, which are given again', async () => {
    const invert: ImageTransform = {
      name: 'invert',
      config: {},
      apply: ({ data, shape }) => ({ data: data.map((pixel) => 255 - pixel), shape }),
    };
    const dataset = await imageDataset({ images: source, ...settings, augmentation: [invert] });
    assert.deepEqual(await lossesOn(inWorker(dataset)), await lossesOn(dataset));
    const config = parseRunConfig(
      JSON.parse(JSON.stringify(describeRun(model, training, dataset, { epochs: 2 }))),
    );
    assert.deepEqual(config.augmentation, [{ name: 'invert', config: {} }]);
    assert.throws(() => runOptionsOf(config), /^CheckpointError: augmentation: "invert" is none of/);
    assert.deepEqual(runOptionsOf(config, [invert]).augmentation, [invert]);
  });

  it('are refused where a checkpoint describes a transform that is none', async () => {
    const dataset = await imageDataset({ images: source, ...settings });
    const config = describeRun(model, training, dataset, { epochs: 2 });
    for (const [augmentation, message] of [
      [[{ name: 'resize', config: { size: -1 } }], /augmentation\[0\]: resize: size must be a whole number/],
      [[{ name: 'resize' }], /augmentation\[0\]\.config must be an object/],
      [[3], /augmentation\[0\] must be an object/],
      ['flip', /augmentation must be an object/],
    ] as const) {
      assert.throws(() => parseRunConfig({ ...config, augmentation }), message);
    }
    const wrong = { cropPadding: 1, horizontalFlip: true } as unknown as readonly ImageTransform[];
    const trainer = await Trainer.create(model, training);
    await assert.rejects(
      trainer.fit(dataset, { epochs: 1, augmentation: wrong }),
      /must be a list of transforms/,
    );
    const old = { ...dataset, augmentation: wrong };
    await assert.rejects(trainer.fit(old, { epochs: 1 }), /augmentation of the dataset must be a list/);
    const first = { ...dataset, preprocessing: wrong };
    await assert.rejects(trainer.fit(first, { epochs: 1 }), /preprocessing must be a list/);
    await trainer.release();
  });

  it('are compared and inspected like built-in ones', async () => {
    const dataset = await imageDataset({ images: source, ...settings });
    const comparison = {
      dataset,
      model,
      variants: variantsOf(['vanilla'], []),
      seeds: [0],
      training: { optimizer: training.optimizer, batchSize: 8 },
      epochs: 1,
    };
    const idOf = async (of: ImageDataset): Promise<string> =>
      (await planComparison({ ...comparison, dataset: of })).runs[0].id;
    const id = await idOf(dataset);
    assert.equal(await idOf(await imageDataset({ images: inMemory(source), ...settings })), id);
    const others = [
      { ...dataset, preprocessing: [...settings.preprocessing, resize({ size: 4 })] },
      { ...dataset, test: { ...striped(parameters), label: () => 7, count: 12 } },
    ];
    for (const other of others) assert.notEqual(await idOf(other), id);
    const trainer = await Trainer.create(model, training);
    const { mean, deviation } = dataset;
    const learned = { weights: await trainer.weights(), standardization: { mean, deviation } };
    const picture = await updatePicture(model, learned, dataset, { threads: 1 });
    assert.equal(picture!.updates.brightness.length, 48);
    await trainer.release();
  });
});
