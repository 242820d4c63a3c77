import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import type { ImageDataset } from '../data/dataset.js';
import { centerCrop, randomResizedCrop } from '../data/resize.js';
import { shapes } from '../data/shapes.js';
import { type AugmentationFlags, augmentationOf } from './augmentation.js';

/** As folders of small pictures are, and the data of CIFAR. */
const small = shapes({ train: 10, test: 10 });
/** As folders of larger pictures are. */
const large: ImageDataset = {
  ...small,
  imageShape: [3, 96, 64],
  augmentation: [randomResizedCrop({ size: [96, 64] }), randomHorizontalFlip()],
  evaluation: [centerCrop({ size: [96, 64] })],
};

const chain = (flags: Partial<AugmentationFlags>, dataset: ImageDataset): unknown[] | undefined =>
  augmentationOf({ augment: true, seed: 0, ...flags }, dataset)?.map(({ name, config }) => ({
    name,
    config,
  }));
const plain = (...transforms: readonly { readonly name: string; readonly config: object }[]): unknown[] =>
  transforms.map(({ name, config }) => ({ name, config }));
const flip = randomHorizontalFlip();

test('without flags training images go through what the dataset says', () => {
  assert.equal(augmentationOf({ augment: true, seed: 0 }, large)!.length, 2);
  assert.equal(augmentationOf({ augment: false, seed: 0 }, large), null);
});

test('a random part can be chosen for small images, too', () => {
  const size = [32, 32] as const;
  assert.deepEqual(chain({ crop: 'resized' }, small), plain(randomResizedCrop({ size }), flip));
  const scale = [0.4, 1] as const;
  assert.deepEqual(chain({ cropScale: 0.4 }, small), plain(randomResizedCrop({ size, scale }), flip));
});

test('a crop with padding takes the place of a random part, from images as they are evaluated', () => {
  const [whole] = large.evaluation!;
  assert.deepEqual(chain({ cropPadding: 6 }, large), plain(whole, randomCrop({ padding: 6 }), flip));
  assert.deepEqual(chain({ crop: 'padding' }, large), plain(whole, randomCrop({ padding: 8 }), flip));
  assert.deepEqual(chain({ crop: 'none', flip: 'none' }, large), plain(whole));
  assert.deepEqual(chain({ cropPadding: 0 }, large), plain(whole, flip));
  const reflect = randomCrop({ padding: 2, paddingMode: 'reflect' });
  assert.deepEqual(chain({ cropPadding: 2, cropMode: 'reflect' }, small), plain(reflect, flip));
});

test('flags of different crops are refused', () => {
  assert.throws(
    () => chain({ crop: 'padding', cropScale: 0.2 }, small),
    /--crop-scale is for --crop resized/,
  );
  assert.throws(() => chain({ cropScale: 0.2, cropPadding: 4 }, small), /--crop-scale is for --crop resized/);
  assert.throws(
    () => chain({ crop: 'resized', cropPadding: 4 }, small),
    /--crop-padding is for --crop padding/,
  );
  assert.throws(
    () => chain({ crop: 'none', cropMode: 'reflect' }, small),
    /--crop-mode is for --crop padding/,
  );
});
