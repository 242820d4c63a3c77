/** Augmentation of short recipes: alternating flips, and crops of images that are mirrored at their edges. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../random/random.js';
import { alternatingFlip } from './alternating-flip.js';
import { randomCrop, randomHorizontalFlip } from './augment.js';
import { InlineLoader } from './batches.js';
import type { ImageTransform, Picture } from './image-transform.js';
import { createImageTransform, storedAugmentation, transformsOf } from './image-transforms.js';
import { WorkerLoader } from './worker-batches.js';

const count = 200;
/** One row of two pixels: 0 1, or 1 0 where it is mirrored. */
const split = {
  images: Uint8Array.from({ length: 2 * count }, (_, i) => i % 2),
  labels: Uint8Array.from({ length: count }, (_, i) => i),
};
const loaders = [new InlineLoader(split, [1, 1, 2]), new WorkerLoader(split, [1, 1, 2])];

/** Which images are mirrored in an epoch, in whatever order they come. */
async function mirroredIn(loader: InlineLoader | WorkerLoader, epoch: number, seed = 0): Promise<boolean[]> {
  const found: boolean[] = [];
  const plan = {
    batchSize: 40,
    shuffle: true,
    last: 'drop',
    epoch,
    random: Random.fromSeed(epoch).state,
  } as const;
  const augmentation = [alternatingFlip({ seed })];
  for await (const { images, labels } of loader.epoch({ ...plan, augmentation }))
    labels.forEach((label, row) => {
      found[label] = images[2 * row] === 1;
    });
  return found;
}

describe('an alternating flip', () => {
  it('mirrors half of the images, and the others an epoch later', async () => {
    for (const loader of loaders) {
      const begun = await mirroredIn(loader, 0);
      const share = begun.filter(Boolean).length;
      assert.ok(share > count / 3 && share < (2 * count) / 3, `${share} of ${count}`);
      const others = begun.map((one) => !one);
      assert.deepEqual(await mirroredIn(loader, 1), others);
      assert.deepEqual(await mirroredIn(loader, 2), begun);
      await loader.close();
    }
  });

  it('begins with others for another seed, and is made again from its options', async () => {
    const loader = new InlineLoader(split, [1, 1, 2]);
    assert.notDeepEqual(await mirroredIn(loader, 0, 1), await mirroredIn(loader, 0, 2));
    assert.deepEqual(createImageTransform('alternatingFlip', { seed: 3 }).config, { seed: 3 });
    assert.throws(() => alternatingFlip({ seed: -1 }), /alternatingFlip: seed must be a whole number from 0/);
  });
});

describe('a random crop with a mirrored border', () => {
  const picture: Picture = { data: Uint8Array.from({ length: 24 }, (_, i) => i), shape: [2, 3, 4] };

  it("is torch's: reflect padding, and a window of the image's size", () => {
    const padded = (channel: number, row: number, column: number): number => {
      const within = (at: number, size: number): number =>
        [...Array(size).keys(), size - 2].at(Math.abs(at))!;
      return picture.data[(channel * 3 + within(row, 3)) * 4 + within(column, 4)];
    };
    const windows = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const { data } = randomCrop({ padding: 1, paddingMode: 'reflect' }).apply(
        picture,
        Random.fromSeed(seed),
      );
      const random = Random.fromSeed(seed);
      const [down, right] = [random.integer(3) - 1, random.integer(3) - 1];
      const wanted = Array.from({ length: 24 }, (_, at) =>
        padded(Math.floor(at / 12), (Math.floor(at / 4) % 3) + down, (at % 4) + right),
      );
      assert.deepEqual([...data], wanted);
      windows.add(data.join());
    }
    assert.equal(windows.size, 9);
  });

  it('is kept as what it is, and not taken for one with a border of zeros', () => {
    const list = [randomCrop({ padding: 2, paddingMode: 'reflect' }), randomHorizontalFlip()];
    const stored = storedAugmentation(list);
    assert.deepEqual(stored, [
      { name: 'randomCrop', config: { padding: 2, paddingMode: 'reflect' } },
      { name: 'randomHorizontalFlip', config: {} },
    ]);
    assert.deepEqual(storedAugmentation(transformsOf(stored)), stored);
  });

  it('refuses modes that do not exist, and images that are too small', () => {
    const wrong: ImageTransform['config'] = { padding: 1, paddingMode: 'circular' };
    assert.throws(
      () => createImageTransform('randomCrop', wrong),
      /paddingMode must be "zeros" or "reflect"/,
    );
    const wide = randomCrop({ padding: 3, paddingMode: 'reflect' });
    assert.throws(() => wide.apply(picture, Random.fromSeed(0)), /3x4 pixels cannot be mirrored by 3 pixels/);
  });
});
