import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../random/random.js';
import { randomCrop, randomHorizontalFlip } from './augment.js';
import { batchCount, inlineBatches, InlineLoader } from './batches.js';
import type { Batch, BatchPlan } from './loader.js';
import { DataError } from './data-error.js';
import type { ImageShape, Split } from './dataset.js';

const shape: ImageShape = [2, 3, 3];

/** Images whose every byte, and whose label, is their position plus one. */
function numbered(count: number): Split {
  return {
    images: Uint8Array.from({ length: count * 18 }, (_, index) => 1 + Math.floor(index / 18)),
    labels: Uint8Array.from({ length: count }, (_, index) => index + 1),
  };
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) {
    all.push({ ...batch, images: batch.images.slice(), labels: batch.labels.slice() });
  }
  return all;
}

const plan: BatchPlan = { batchSize: 4, shuffle: false, last: 'pad', random: Random.fromSeed(0).state };

describe('batches', () => {
  it('show every image once, with its label', async () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }));
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), fc.nat(), async ([count, batchSize], shuffle, seed) => {
        const random = Random.fromSeed(seed).state;
        const batches = await collect(
          inlineBatches(numbered(count), shape, { batchSize, shuffle, last: 'pad', random }),
        );
        const rows = batches.flatMap((batch) => Array.from(batch.labels.subarray(0, batch.count)));
        const inOrder = Array.from({ length: count }, (_, index) => index + 1);
        assert.deepEqual(shuffle ? rows.toSorted((a, b) => a - b) : rows, inOrder);
        for (const { images, labels, count: real } of batches) {
          assert.equal(images.length, batchSize * 18);
          for (let row = 0; row < batchSize; row++) {
            if (row >= real) assert.equal(labels[row], 0);
            assert.ok(images.subarray(row * 18, (row + 1) * 18).every((pixel) => pixel === labels[row]));
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('are the same wherever an epoch is taken up again', async () => {
    const whole: BatchPlan = {
      ...plan,
      shuffle: true,
      augmentation: [randomCrop({ padding: 1 }), randomHorizontalFlip()],
    };
    const all = await collect(inlineBatches(numbered(18), shape, whole));
    assert.equal(all.length, 5);
    for (let start = 0; start <= 5; start++) {
      assert.deepEqual(
        await collect(inlineBatches(numbered(18), shape, { ...whole, start })),
        all.slice(start),
      );
    }
  });

  it('drop the images too few for a batch, or pad them', async () => {
    const dropped = await collect(inlineBatches(numbered(10), shape, { ...plan, last: 'drop' }));
    assert.deepEqual(
      dropped.map(({ index, count }) => [index, count]),
      [
        [0, 4],
        [1, 4],
      ],
    );
    const padded = await collect(inlineBatches(numbered(10), shape, plan));
    assert.equal(padded[2].count, 2);
    assert.deepEqual(Array.from(padded[2].labels), [9, 10, 0, 0]);
  });

  it('refuse plans that do not fit', () => {
    assert.throws(
      () => batchCount(64, { ...plan, batchSize: 128, last: 'drop' }),
      new DataError('A batch of 128 is larger than the 64 training images; give a batch size of at most 64.'),
    );
    assert.equal(batchCount(64, { ...plan, batchSize: 128 }), 1);
    for (const batchSize of [0, -1, 1.5, NaN])
      assert.throws(() => batchCount(64, { ...plan, batchSize }), DataError);
    for (const start of [-1, 17, 0.5]) assert.throws(() => batchCount(64, { ...plan, start }), DataError);
    assert.throws(() => inlineBatches(numbered(4), [3, 3, 3], plan), DataError);
  });

  it('end when the loader begins another epoch or is closed', async () => {
    const loader = new InlineLoader(numbered(10), shape);
    const first = loader.epoch(plan)[Symbol.asyncIterator]();
    await first.next();
    const second = loader.epoch(plan)[Symbol.asyncIterator]();
    await assert.rejects(async () => first.next(), /this epoch has ended/);
    await second.next();
    await loader.close();
    await assert.rejects(async () => second.next(), /this epoch has ended/);
    assert.throws(() => loader.epoch(plan), /closed/);
  });
});
