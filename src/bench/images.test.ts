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
    const { inputs, standardization } = batches(model, 2);
    for (const { images, labels } of inputs) {
      assert.equal(images.length, 2 * 3 * 64 * 64);
      assert.equal(labels.length, 2);
    }
    assert.notDeepEqual(inputs[0].images, inputs[1].images);
    assert.deepEqual([standardization.mean.length, standardization.deviation.length], [3, 3]);
  });
});
