/** Some rows of every batch, as each of several processes makes them, are those of the whole batches. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../random/random.js';
import striped, { stripedModule } from '../testing/striped-source.js';
import { randomCrop, randomHorizontalFlip } from './augment.js';
import { InlineLoader } from './batches.js';
import { DataError } from './data-error.js';
import type { ImageShape, ImageSource, Images } from './image-source.js';
import type { ImageTransform } from './image-transform.js';
import type { Batch, BatchLoader, BatchPlan } from './loader.js';
import { centerCrop, randomResizedCrop, resize } from './resize.js';
import { shapes } from './shapes.js';
import { WorkerLoader } from './worker-batches.js';

const { train, imageShape } = shapes({ train: 50, test: 1 });
const parameters = { count: 50, classes: 3, later: false, size: [9, 7] as const };
const small: ImageShape = [3, 4, 5];
const random = Random.fromSeed(3).state;

/** Draws as often as the pixels say: nobody can know that without them. */
const own: ImageTransform = {
  name: 'own',
  config: {},
  apply(picture, stream) {
    for (let i = picture.data[0] % 4; i >= 0; i--) stream.bits();
    picture.data.fill(stream.bits() & 255);
    return picture;
  },
};

interface Case {
  readonly what: string;
  readonly images: Images;
  readonly shape: ImageShape;
  readonly preprocessing?: readonly ImageTransform[];
  readonly augmentation?: readonly ImageTransform[];
}

const cropAndFlip = [randomCrop({ padding: 2 }), randomHorizontalFlip()];
const cases: readonly Case[] = [
  { what: 'plain images', images: train, shape: imageShape },
  { what: 'crops and flips', images: train, shape: imageShape, augmentation: cropAndFlip },
  {
    what: 'images that are scaled, and read later',
    images: striped({ ...parameters, later: true }),
    shape: small,
    preprocessing: [resize({ size: 6 }), centerCrop({ size: [5, 5] })],
    augmentation: [randomResizedCrop({ size: [4, 5] }), randomHorizontalFlip()],
  },
  {
    what: 'a transform that does not say what it draws',
    images: striped({ ...parameters, size: [4, 5], later: true }),
    shape: small,
    augmentation: [own, ...cropAndFlip],
  },
];

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches)
    all.push({ ...batch, images: batch.images.slice(), labels: batch.labels.slice() });
  return all;
}

/** The batches of loaders that make some rows each, put together. */
async function together(loader: BatchLoader, plan: BatchPlan, cuts: readonly number[]): Promise<Batch[]> {
  const parts: Batch[][] = [];
  for (const [i, from] of cuts.slice(0, -1).entries())
    parts.push(await collect(loader.epoch({ ...plan, rows: [from, cuts[i + 1]] })));
  return parts[0].map(({ index }, i) => ({
    index,
    images: Uint8Array.from(parts.flatMap((part) => [...part[i].images])),
    labels: Int32Array.from(parts.flatMap((part) => [...part[i].labels])),
    count: parts.reduce((sum, part) => sum + part[i].count, 0),
  }));
}

describe('rows of batches', () => {
  for (const { what, images, shape, preprocessing = [], augmentation } of cases) {
    it(`are those of the whole: ${what}`, async () => {
      const loader = new InlineLoader(images, shape, { preprocessing });
      for (const last of ['drop', 'pad'] as const) {
        const plan = { batchSize: 12, shuffle: true, last, random, ...(augmentation && { augmentation }) };
        const whole = await collect(loader.epoch(plan));
        assert.deepEqual(await together(loader, plan, [0, 6, 12]), whole);
        assert.deepEqual(await together(loader, plan, [0, 1, 5, 12]), whole);
      }
    });
  }

  it('are made in threads, too, and one of several batches', async () => {
    const source: ImageSource = {
      ...striped(parameters),
      worker: { module: stripedModule, parameters },
    };
    const options = { preprocessing: [resize({ size: [4, 5] })] };
    const worker = new WorkerLoader(source, small, { ...options, workers: 2 });
    const inline = new InlineLoader(source, small, options);
    const plan = { batchSize: 4, shuffle: true, last: 'drop' as const, augmentation: cropAndFlip, random };
    const whole = await collect(inline.epoch(plan));
    assert.deepEqual(await together(worker, plan, [0, 3, 4]), whole);
    for (const loader of [inline, worker]) {
      const some = await collect(loader.epoch({ ...plan, start: 1, stride: 3 }));
      assert.deepEqual(
        some,
        whole.filter(({ index }) => index % 3 === 1),
      );
    }
    await worker.close();
  });

  it('that others make are not read where all transforms say what they draw', async () => {
    const read: number[] = [];
    const source = striped({ ...parameters, size: [4, 5] });
    const watched = {
      ...source,
      read(index: number, target: Uint8Array) {
        read.push(index);
        return source.read(index, target);
      },
    };
    const loader = new InlineLoader(watched, small);
    const plan = { batchSize: 10, shuffle: false, last: 'drop' as const, augmentation: cropAndFlip, random };
    await collect(loader.epoch({ ...plan, start: 4, rows: [5, 8] }));
    assert.deepEqual(read, [45, 46, 47]);
  });

  it('that a batch does not have are refused', () => {
    const loader = new InlineLoader(train, imageShape);
    const plan = { batchSize: 10, shuffle: false, last: 'drop' as const, random };
    for (const rows of [
      [0, 11],
      [-1, 2],
      [3, 3],
      [0.5, 2],
    ] as const)
      assert.throws(() => loader.epoch({ ...plan, rows }), DataError);
    assert.throws(() => loader.epoch({ ...plan, stride: 0 }), DataError);
  });
});
