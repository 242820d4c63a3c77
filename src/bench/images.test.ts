import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resnet50 } from '../models/resnet.js';
import { batches, enlarged } from './images.js';

describe('enlarged', () => {
  it('repeats every pixel of every plane', () => {
    assert.deepEqual(
      Array.from(enlarged(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2, 2)),
      [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4, 5, 5, 6, 6, 5, 5, 6, 6, 7, 7, 8, 8, 7, 7, 8, 8],
    );
  });
});

describe('batches', () => {
  it('have the size of the model, and differ', () => {
    const model = resnet50({ stem: 'imagenet', imageSize: 64 });
    const made = batches(model, 2);
    for (const { images, labels } of made) {
      assert.deepEqual(images.shape, [2, 3, 64, 64]);
      assert.equal(images.data.length, 2 * 3 * 64 * 64);
      assert.equal(labels.data.length, 2);
    }
    assert.notDeepEqual(made[0].images.data, made[1].images.data);
  });
});
