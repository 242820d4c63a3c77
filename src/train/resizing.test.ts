/** Models that take pictures of any size: resized in the graph as our own decoding and evaluation resize them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import type { PictureDecoding } from '../data/folder/folder-config.js';
import { readPictureAs } from '../data/image-file.js';
import type { ImageShape } from '../data/image-source.js';
import { transformed } from '../data/pictures.js';
import { centerCrop } from '../data/resize.js';
import { GraphError } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { constant } from '../nn/init.js';
import { linear } from '../nn/layers.js';
import { type Model, defineModel } from '../nn/model.js';
import { Random } from '../random/random.js';
import { OptionError } from '../tensor/option-error.js';
import { elementCount, tensor, toNumbers } from '../tensor/tensor.js';
import { normalTensor, runFile, runModel } from '../testing/file-runs.js';
import type { LearnedState } from './evaluator.js';
import { exportOnnx } from './export.js';
import { loadModel } from './load-model.js';
import { modelTensors } from './step-graph.js';

/** Something with edges, slopes and noise, side by side. */
function drawn(height: number, width: number, channels: number): Uint8Array {
  const random = Random.fromSeed(height, 'drawn');
  return Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const [channel, pixel] = [i % channels, Math.floor(i / channels)];
    const [x, y] = [(pixel % width) / width, Math.floor(pixel / width) / height];
    const disc = (x - 0.3) ** 2 + (y - 0.5) ** 2 < 0.06 ? 90 : 0;
    return ((x * (channel + 1) * 200 + y * 50) % 150) + disc + random.integer(16);
  });
}

/** The same plane by plane. */
function planes(pixels: Uint8Array, [channels, height, width]: ImageShape): Uint8Array {
  const area = height * width;
  return pixels.map((_, i) => pixels[(i % area) * channels + Math.floor(i / area)]);
}

/** A model whose logits are the bytes that it gets. */
function seen(imageShape: ImageShape): { model: Model; learned: LearnedState } {
  const classes = elementCount(imageShape);
  const model = defineModel({ name: 'seen', config: {}, imageShape, classes }, (_, images) =>
    op.reshape(images, [images.shape[0], classes]),
  );
  const each = (value: number): number[] => Array<number>(imageShape[0]).fill(value);
  return { model, learned: { weights: {}, standardization: { mean: each(0), deviation: each(1 / 255) } } };
}

const cases: readonly [
  what: string,
  picture: ImageShape,
  size: [number, number],
  cover?: [number, number],
][] = [
  ['smaller by a little', [3, 40, 60], [32, 32]],
  ['to another ratio', [3, 120, 90], [24, 40]],
  ['by a factor of two, odd sides', [3, 65, 131], [32, 32]],
  ['by more than four, where whole pixels are averaged first', [3, 300, 421], [32, 32]],
  ['larger', [3, 20, 31], [32, 32]],
  ['grey', [1, 77, 50], [28, 28]],
  ['with a centre crop', [3, 150, 201], [64, 64], [73, 73]],
  ['with a centre crop of a tall picture', [3, 210, 83], [64, 70], [73, 80]],
  ['with a centre crop, larger', [3, 40, 50], [66, 66], [75, 75]],
  ['with a centre crop of a line, which is cut off first', [3, 9, 150], [66, 66], [75, 75]],
];

describe('pictures that are resized in the graph', () => {
  for (const [what, picture, size, cover] of cases) {
    it(`are those of our own evaluation, but for rounding: ${what}`, async () => {
      const [channels, height, width] = picture;
      const pixels = drawn(height, width, channels);
      const resizing = { cover: cover ?? size, cut: cover === undefined };
      const decoding: PictureDecoding = { ...resizing, channels: channels as 1 | 3, background: '#ffffff' };
      const file = await sharp(pixels, { raw: { width, height, channels: channels as 3 } })
        .png()
        .toBuffer();
      const chain = cover ? [centerCrop({ size })] : [];
      const expected = transformed(await readPictureAs(file, decoding), chain, Random.fromSeed(0));
      assert.deepEqual(expected.shape, [channels, ...size]);
      const { model, learned } = seen(expected.shape);
      const bytes = exportOnnx(model, learned, { resizing });
      const images = tensor('uint8', [1, ...picture], planes(pixels, picture));
      const found = toNumbers(await runFile(bytes, { images }, 'logits'));
      const differences = found.map((level, i) => Math.abs(Math.round(level) - expected.data[i]));
      const [most, mean] = [
        Math.max(...differences),
        differences.reduce((sum, one) => sum + one) / differences.length,
      ];
      assert.ok(most <= 3 && mean <= 0.4, `${most} levels at most, ${mean} in the mean`);
    });
  }
});

const trained = defineModel(
  { name: 'small', config: {}, imageShape: [3, 16, 24], classes: 4 },
  (scope, images) => linear(scope.child('fc'), op.reshape(images, [images.shape[0], 1152]), 4),
);
const learned: LearnedState = {
  weights: Object.fromEntries(
    Object.entries(modelTensors(trained)).map(([name, { shape }], i) => [name, normalTensor(shape, i, 0.1)]),
  ),
  standardization: { mean: [0.4, 0.5, 0.6], deviation: [0.2, 0.25, 0.3] },
};
const resizing = { cover: [16, 24], cut: true } as const;
const batch = (height: number, width: number) =>
  tensor('uint8', [2, 3, height, width], drawn(2 * height, width, 3));

describe('a model that takes pictures of any size', () => {
  it('gives for images of its own size the bits that it gives without', async () => {
    const images = batch(16, 24);
    for (const sized of [{}, { batchSize: 2 }]) {
      const [plain, resized] = [{}, { resizing }].map((more) =>
        exportOnnx(trained, learned, { ...sized, ...more }),
      );
      const [expected, found] = await Promise.all(
        [plain, resized].map((bytes) => runFile(bytes, { images }, 'logits')),
      );
      assert.deepEqual(found, expected);
    }
  });

  it('takes several at once', async () => {
    const images = batch(40, 50);
    const bytes = exportOnnx(trained, learned, { resizing });
    const both = toNumbers(await runFile(bytes, { images }, 'logits'));
    const last = tensor('uint8', [1, 3, 40, 50], images.data.slice(6000));
    assert.deepEqual(both.slice(4), toNumbers(await runFile(bytes, { images: last }, 'logits')));
  });

  it('is read as the model of its own size that it is', async () => {
    const model = await loadModel(
      exportOnnx(trained, learned, { resizing, classNames: ['a', 'b', 'c', 'd'] }),
    );
    assert.deepEqual(model.imageShape, [3, 16, 24]);
    assert.equal(model.file.input.name, 'images');
    assert.deepEqual(model.file.standardization, learned.standardization);
    const images = batch(16, 24);
    const { mean, deviation } = learned.standardization;
    const standardized = tensor(
      'float32',
      images.shape,
      Array.from(images.data, (level, i) => {
        const channel = Math.floor(i / 384) % 3;
        return (level / 255 - mean[channel]) / deviation[channel];
      }),
    );
    const expected = toNumbers(await runFile(exportOnnx(trained, learned), { images }, 'logits'));
    const found = toNumbers(await runModel(model, standardized));
    assert.ok(found.every((logit, i) => Math.abs(logit - expected[i]) < 1e-4));
  });

  it('is refused where pictures would not cover it', () => {
    assert.throws(
      () => exportOnnx(trained, learned, { resizing: { cover: [16, 20], cut: true } }),
      (error) =>
        error instanceof OptionError && /16 x 20 do not cover the model's 16 x 24/.test(error.message),
    );
  });

  it('is refused where the model has names of what stands before it', () => {
    const model = defineModel(
      { name: 'taken', config: {}, imageShape: [3, 4, 4], classes: 3 },
      (scope, images) =>
        op.mul(op.reduceMean(images, [2, 3]), scope.parameter('preprocessing/Shape_0', [3], constant(1))),
    );
    const weights = { 'preprocessing/Shape_0': normalTensor([3]) };
    assert.throws(
      () => exportOnnx(model, { ...learned, weights }, { resizing: { cover: [4, 4], cut: true } }),
      (error) =>
        error instanceof GraphError && /a value named "preprocessing\/Shape_0" already/.test(error.message),
    );
  });
});
