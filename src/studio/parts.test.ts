import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { packParts, unpackParts } from './parts.js';
import { settingsFor, usualSettings } from './settings.js';

describe('several pieces in one file', () => {
  const parts = [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4)];
  const packed = packParts({ step: 7 }, parts);

  it('come back as they were', () => {
    assert.deepEqual(unpackParts(packed), { about: { step: 7 }, parts });
  });

  it('of a damaged file are refused', () => {
    for (const length of [0, 3, 10, packed.length - 1])
      assert.throws(() => unpackParts(packed.slice(0, length)), /damaged/);
    const changed = packed.slice();
    changed[5] ^= 0xff;
    assert.throws(() => unpackParts(changed), /damaged/);
  });
});

describe('what training begins with', () => {
  it('has a batch in an epoch, however few pictures there are, and enough steps', () => {
    for (const images of [2, 9, 40, 300, 1600, 8000, 50_000]) {
      const { batchSize, epochs, learningRate } = settingsFor(usualSettings, images);
      if (images >= 4) assert.ok(batchSize <= images, `${images} images`);
      assert.ok(batchSize >= 4 && epochs >= 2 && learningRate > 0);
    }
    const shapes = { batchSize: 128, epochs: 2, learningRate: 0.08, warmup: 31 };
    assert.deepEqual(settingsFor(usualSettings, 10_000), shapes);
  });
});
