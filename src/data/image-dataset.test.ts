import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { randomHorizontalFlip } from './augment.js';
import { InlineLoader } from './batches.js';
import { DataError } from './data-error.js';
import type { ImageDataset } from './dataset.js';
import { type ImageDatasetOptions, imageDataset } from './image-dataset.js';
import { type ImageSource, type Images, imageCount, labelsOf } from './image-source.js';
import { inWorker } from './in-worker.js';
import { centerCrop, resize } from './resize.js';
import { splitValidation } from './split-validation.js';

const labels = Array.from({ length: 50 }, (_, i) => i % 5);
/** Images of [1, 2, 2] pixels, which hold their number. */
const images = Uint8Array.from({ length: 200 }, (_, i) => Math.floor(i / 4));
const imageShape = [1, 2, 2] as const;
const source: ImageSource = {
  count: 50,
  label: (i) => labels[i],
  read: (i, target) => Promise.resolve().then(() => void target.fill(i)),
};

async function numbersOf(split: Images): Promise<number[]> {
  const numbers: number[] = [];
  const plan = { batchSize: 7, shuffle: false, last: 'pad', random: [1, 0, 0, 0] } as const;
  for await (const { images: pixels, count } of new InlineLoader(split, imageShape).epoch(plan))
    for (let row = 0; row < count; row++) numbers.push(pixels[4 * row]);
  return numbers;
}

describe('imageDataset', () => {
  it('makes a dataset of arrays: names, a drawn test split, statistics of what is trained on', async () => {
    const dataset = await imageDataset({ images, labels, imageShape, seed: 3 });
    assert.equal(dataset.name, 'images');
    assert.deepEqual(dataset.classNames, ['0', '1', '2', '3', '4']);
    const [trained, tested] = [await numbersOf(dataset.train), await numbersOf(dataset.test)];
    assert.deepEqual([trained.length, tested.length], [40, 10]);
    assert.deepEqual(
      [...trained, ...tested].sort((a, b) => a - b),
      labels.map((_, i) => i),
    );
    for (let label = 0; label < 5; label++)
      assert.equal(tested.filter((number) => labels[number] === label).length, 2);
    assert.deepEqual(
      Array.from(labelsOf(dataset.test)),
      tested.map((number) => labels[number]),
    );
    const mean = trained.reduce((a, b) => a + b, 0) / 40;
    const variance = trained.reduce((sum, number) => sum + (number - mean) ** 2, 0) / 40;
    assert.ok(Math.abs(dataset.mean[0] - mean / 255) < 1e-12);
    assert.ok(Math.abs(dataset.deviation[0] - Math.sqrt(variance) / 255) < 1e-12);
    assert.deepEqual(await imageDataset({ images, labels, imageShape, seed: 3 }), dataset);
    const other = await imageDataset({ images, labels, imageShape, seed: 4 });
    assert.notDeepEqual(await numbersOf(other.test), tested);
    // Validation images of the same seed are drawn by a stream of their own.
    const split = splitValidation(dataset, { share: 0.25, seed: 3 });
    assert.equal(imageCount(split.validation!), 10);
  });

  it('makes the same of a source', async () => {
    const [ofArrays, ofSource] = [
      await imageDataset({ images, labels, imageShape }),
      await imageDataset({ images: source, imageShape }),
    ];
    for (const part of ['train', 'test'] as const)
      assert.deepEqual(await numbersOf(ofSource[part]), await numbersOf(ofArrays[part]));
    assert.deepEqual(
      [ofSource.mean, ofSource.deviation, ofSource.classNames],
      [ofArrays.mean, ofArrays.deviation, ofArrays.classNames],
    );
  });

  it('takes the splits, names and statistics that it is given', async () => {
    const augmentation = [randomHorizontalFlip()];
    const statistics = { mean: [0.5], deviation: [0.25] };
    const classNames = ['a', 'b', 'c', 'd', 'e', 'f'];
    const dataset = await imageDataset({
      images,
      labels,
      imageShape,
      classNames,
      name: 'mine',
      test: source,
      validation: { images: images.subarray(0, 8), labels: [0, 5] },
      augmentation,
      statistics,
    });
    assert.equal(imageCount(dataset.train), 50);
    assert.equal(dataset.test, source);
    assert.equal(imageCount(dataset.validation!), 2);
    assert.deepEqual(
      [dataset.name, dataset.classNames, dataset.augmentation, dataset.mean],
      ['mine', classNames, augmentation, [0.5]],
    );
  });

  it('counts classes of all splits, far beyond 256', async () => {
    const many = await imageDataset({
      images: new Uint8Array(4000).fill(9),
      labels: Uint16Array.from({ length: 1000 }, (_, i) => i),
      imageShape,
      test: { images: new Uint8Array(4), labels: [1001] },
    });
    assert.equal(many.classNames.length, 1002);
    const loaders = [
      new InlineLoader(many.train, imageShape),
      inWorker(many).createLoader!(many.train, imageShape, {}),
    ];
    for (const loader of loaders) {
      const seen: number[] = [];
      const plan = { batchSize: 100, shuffle: true, last: 'drop', random: [1, 2, 3, 4] } as const;
      for await (const batch of loader.epoch(plan)) seen.push(...batch.labels);
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        Array.from({ length: 1000 }, (_, i) => i),
      );
      await loader.close();
    }
  });

  it('gives a channel that is the same everywhere the deviation 1', async () => {
    const constant = await imageDataset({
      images: new Uint8Array(40).fill(51),
      labels: labels.slice(0, 10),
      imageShape,
    });
    assert.deepEqual([constant.mean, constant.deviation], [[0.2], [1]]);
  });

  it('has the mean and deviation of the pixels, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 60, maxLength: 60 }), async (data) => {
        const { mean, deviation } = await imageDataset({
          images: data,
          labels: [0, 0, 1, 1, 1],
          imageShape: [3, 2, 2],
          test: { images: new Uint8Array(12), labels: [0] },
        });
        for (let channel = 0; channel < 3; channel++) {
          const values = Array.from(data, (value) => value / 255).filter(
            (_, i) => Math.floor(i / 4) % 3 === channel,
          );
          const expected = values.reduce((a, b) => a + b, 0) / 20;
          const variance = values.reduce((sum, value) => sum + (value - expected) ** 2, 0) / 20;
          assert.ok(Math.abs(mean[channel] - expected) < 1e-12);
          if (new Set(values).size > 1) assert.ok(Math.abs(deviation[channel] - Math.sqrt(variance)) < 1e-12);
          else assert.equal(deviation[channel], 1);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('pictures of a canvas', () => {
  const picture = (height: number, width: number, pixel: readonly number[]) => ({
    data: Uint8ClampedArray.from({ length: 4 * height * width }, (_, i) => pixel[i % 4]),
    height,
    width,
  });
  const test = { images: [picture(2, 3, [1, 2, 3, 255])], labels: [0] };

  it('become planes of colour over white, or of grey', async () => {
    const pictures = [
      picture(2, 3, [10, 20, 30, 255]),
      picture(2, 3, [10, 20, 30, 0]),
      picture(2, 3, [0, 0, 0, 51]),
    ];
    const colour = await imageDataset({ images: pictures, labels: [0, 1, 1], test });
    assert.deepEqual(colour.imageShape, [3, 2, 3]);
    const { images: pixels } = colour.train as { images: Uint8Array };
    const planes = (values: readonly number[]): number[] =>
      values.flatMap((value) => Array<number>(6).fill(value));
    assert.deepEqual([...pixels], planes([10, 20, 30, 255, 255, 255, 204, 204, 204]));
    const grey = await imageDataset({ images: pictures, labels: [0, 1, 1], test, imageShape: [1, 2, 3] });
    assert.deepEqual([...(grey.train as { images: Uint8Array }).images], planes([18, 255, 204]));
  });

  it('of several sizes go through transforms, in a worker, too', async () => {
    const pictures = Array.from({ length: 10 }, (_, i) => picture(3 + i, 12 - i, [25 * i, 0, 255, 255]));
    const dataset: ImageDataset = await imageDataset({
      images: pictures,
      labels: labels.slice(0, 10),
      imageShape: [3, 2, 2],
      preprocessing: [resize({ size: 2 }), centerCrop({ size: 2 })],
      test,
    });
    const { preprocessing = [] } = dataset;
    const plan = { batchSize: 10, shuffle: false, last: 'drop', random: [1, 0, 0, 0] } as const;
    for (const loader of [
      new InlineLoader(dataset.train, [3, 2, 2], { preprocessing }),
      inWorker(dataset, { workers: 2 }).createLoader!(dataset.train, [3, 2, 2], { preprocessing }),
    ]) {
      for await (const batch of loader.epoch(plan)) {
        for (let row = 0; row < 10; row++)
          assert.deepEqual(
            [...batch.images.subarray(12 * row, 12 * row + 5)],
            [...Array<number>(4).fill(25 * row), 0],
          );
      }
      await loader.close();
    }
    assert.deepEqual(
      dataset.mean.map((mean) => Math.round(255 * mean * 100)),
      [11250, 0, 25500],
    );
  });
});

describe('what does not fit a dataset', () => {
  const picture = { data: new Uint8Array(16), width: 2, height: 2 };
  const good = { images, labels, imageShape };
  const cases: readonly (readonly [string, object, RegExp])[] = [
    [
      'too few labels',
      { ...good, labels: labels.slice(1) },
      /training images of images are 200 bytes, but 49 labels/,
    ],
    ['no labels', { images, imageShape }, /have no labels/],
    ['labels beside a source', { images: source, labels, imageShape }, /which knows their labels/],
    ['no shape', { images, labels }, /give imageShape/],
    ['a shape that is none', { ...good, imageShape: [1, 0, 4] }, /imageShape is \[1, 0, 4\]/],
    ['no images', { images: [], labels: [], imageShape }, /holds no images/],
    [
      'a label that names no class',
      { ...good, classNames: ['a'] },
      /label of image 1 is 1, but there are 1 classes/,
    ],
    ['a label that is none', { ...good, labels: labels.map((label) => label - 1) }, /label of image 0 is -1/],
    ['a label that is far off', { ...good, labels: labels.with(3, 2e9) }, /A label is 2000000000/],
    ['too few pictures', { images: [picture], labels: [0, 1] }, /1 pictures, but there are 2 labels/],
    [
      'a picture of other bytes',
      { images: [picture, { ...picture, width: 3 }], labels: [0, 1] },
      /picture 1 of 3 x 2/,
    ],
    [
      'a picture of no size',
      { images: [{ ...picture, width: 0 }], labels: [0], imageShape: [3, 2, 2] },
      /picture 0 is 0 x 2/,
    ],
    ['two channels', { images: [picture], labels: [0], imageShape: [2, 2, 2] }, /1 or 3 channels, not 2/],
    ['what is no image', { images: 'cat.png', labels: [0], imageShape }, /must be a Uint8Array/],
    [
      'a test split that does not fit',
      { ...good, test: { images, labels: [0] } },
      /The test images of images/,
    ],
    [
      'a wrong label for testing',
      {
        ...good,
        classNames: ['a', 'b', 'c', 'd', 'e'],
        test: { images: images.subarray(4), labels: labels.slice(1).with(9, 5) },
      },
      /test split of images: the label of image 9/,
    ],
    [
      'too few to draw from',
      { images: images.subarray(0, 8), labels: [0, 1], imageShape },
      /A share of 0.2 .* is no image/,
    ],
    ['statistics of bytes', { ...good, statistics: { mean: [125], deviation: [60] } }, /mean\[0\] is 125/],
  ];
  for (const [what, options, message] of cases) {
    it(`is ${what}`, async () => {
      await assert.rejects(imageDataset(options as ImageDatasetOptions), (error) => {
        assert.ok(error instanceof DataError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('is a picture that cannot be read', async () => {
    const broken = { ...source, read: () => Promise.reject(new Error('gone')) };
    await assert.rejects(imageDataset({ images: broken, imageShape }), /Image \d+ cannot be read: gone/);
  });
});
