import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../random/random.js';
import { augmentImage } from './augment.js';
import type { ImageShape } from './dataset.js';

/** Pads with zeros, crops at (top, left) of the padded image, mirrors: one pixel at a time. */
function naive(
  image: Uint8Array,
  [channels, height, width]: ImageShape,
  padding: number,
  top: number,
  left: number,
  mirrored: boolean,
): Uint8Array {
  return Uint8Array.from({ length: image.length }, (_, index) => {
    const channel = Math.floor(index / (height * width));
    const row = (Math.floor(index / width) % height) + top - padding;
    const column = (mirrored ? width - 1 - (index % width) : index % width) + left - padding;
    const inside = channel < channels && row >= 0 && row < height && column >= 0 && column < width;
    return inside ? image[(channel * height + row) * width + column] : 0;
  });
}

describe('augmentation', () => {
  it('is a crop of the padded image, mirrored or not', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
    );
    fc.assert(
      fc.property(
        sizes,
        fc.nat({ max: 8 }),
        fc.boolean(),
        fc.nat(),
        (shape, cropPadding, horizontalFlip, seed) => {
          const length = shape[0] * shape[1] * shape[2];
          const image = Uint8Array.from({ length }, (_, index) => index + 1);
          const target = new Uint8Array(length + 2).fill(255);
          const source = Uint8Array.of(0, 0, 0, ...image);
          augmentImage(target, 1, source, 3, shape, { cropPadding, horizontalFlip }, Random.fromSeed(seed));
          const replay = Random.fromSeed(seed);
          const top = cropPadding > 0 ? replay.integer(2 * cropPadding + 1) : 0;
          const left = cropPadding > 0 ? replay.integer(2 * cropPadding + 1) : 0;
          const mirrored = horizontalFlip && replay.integer(2) === 1;
          assert.deepEqual(target.slice(1, -1), naive(image, shape, cropPadding, top, left, mirrored));
          assert.deepEqual([target[0], target[length + 1]], [255, 255]);
        },
      ),
    );
  });

  it('mirrors every second image and moves by up to the padding', () => {
    const random = Random.fromSeed(0);
    const seen = new Map<string, number>();
    for (let i = 0; i < 1_800; i++) {
      const target = new Uint8Array(25);
      // A mark at row 2 and column 1 of 5, which a shift by one and a flip keep inside.
      const source = new Uint8Array(25);
      source[11] = 1;
      augmentImage(target, 0, source, 0, [1, 5, 5], { cropPadding: 1, horizontalFlip: true }, random);
      const place = target.indexOf(1);
      const key = `${Math.floor(place / 5)},${place % 5}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    // Rows 1 to 3; columns 0, 1, 2 unmirrored and 4, 3, 2 mirrored, so that column 2 comes up twice as often.
    assert.equal(seen.size, 15);
    for (const [key, count] of seen) {
      const expected = key.endsWith('2') ? 200 : 100;
      assert.ok(Math.abs(count - expected) < 60, `${key}: ${count} times`);
    }
  });
});
