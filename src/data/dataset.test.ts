import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataError } from './data-error.js';
import { allocateShared, checkLabels, checkSplit, imageCount, limit } from './dataset.js';
import { shapes } from './shapes.js';

describe('a dataset', () => {
  const dataset = shapes({ train: 30, test: 20 });

  it('is limited to its first images', () => {
    const few = limit(dataset, { train: 7 });
    assert.equal(imageCount(few.train), 7);
    assert.equal(imageCount(few.test), 20);
    assert.deepEqual(few.train.images, dataset.train.images.slice(0, 7 * 3072));
    assert.equal(few.train.images.buffer, dataset.train.images.buffer);
  });

  it('refuses limits that it cannot meet', () => {
    const message =
      'shapes cannot be limited to 21 test images: it has 20, so give a whole number from 1 to 20.';
    assert.throws(() => limit(dataset, { test: 21 }), new DataError(message));
    for (const train of [0, -1, 1.5, NaN, 31]) assert.throws(() => limit(dataset, { train }), DataError);
  });

  it('names the record whose label is out of range', () => {
    assert.throws(() => {
      checkLabels(Uint8Array.of(0, 9, 10), 10, 'a.bin', 'Replace it.');
    }, new DataError('a.bin: the label of record 2 is 10, but there are 10 classes, 0 to 9. Replace it.'));
    checkLabels(Uint8Array.of(0, 9), 10, 'a.bin', '');
  });

  it('has images that fit its labels', () => {
    const empty = { images: new Uint8Array(0), labels: new Uint8Array(0) };
    assert.throws(() => {
      checkSplit(empty, [3, 2, 2]);
    }, DataError);
    assert.throws(() => {
      checkSplit({ images: new Uint8Array(11), labels: new Uint8Array(1) }, [3, 2, 2]);
    }, /need 12 bytes of pixels, but there are 11/);
  });

  it('lies in shared memory, where there is any', () => {
    assert.ok(dataset.train.images.buffer instanceof SharedArrayBuffer);
    const kept = globalThis.SharedArrayBuffer;
    try {
      Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
      assert.ok(allocateShared(3).buffer instanceof ArrayBuffer);
    } finally {
      globalThis.SharedArrayBuffer = kept;
    }
  });
});
