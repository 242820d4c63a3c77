import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { DataError } from './data-error.js';
import type { ImageShape } from './dataset.js';
import { readImage } from './image-file.js';
import { type RawPicture, coverImage } from './raw-picture.js';

/** Something with edges and slopes in every channel. */
function drawn(width: number, height: number, channels: number): RawPicture {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const [channel, pixel] = [i % channels, Math.floor(i / channels)];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const disc = (x - width / 3) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2 ? 90 : 0;
    return Math.min(255, ((x * (channel + 1) * 200) / width + (y * 50) / height) % 160) + disc;
  });
  return { data, width, height, channels };
}

/** As the same picture comes out of a PNG file. */
async function fromFile(
  { data, width, height, channels }: RawPicture,
  shape: ImageShape,
): Promise<Uint8Array> {
  const raw = { width, height, channels: channels as 3 };
  return readImage(await sharp(data, { raw }).png().toBuffer(), shape);
}

/** The largest and the mean difference. */
function differences(a: Uint8Array, b: Uint8Array): [number, number] {
  assert.equal(a.length, b.length);
  const all = Array.from(a, (level, i) => Math.abs(level - b[i]));
  return [Math.max(...all), all.reduce((sum, one) => sum + one) / all.length];
}

describe('pixels', () => {
  it('of the right size stay as they are, plane by plane', () => {
    const picture = drawn(5, 4, 3);
    const expected = Uint8Array.from(
      { length: 60 },
      (_, i) => picture.data[(i % 20) * 3 + Math.floor(i / 20)],
    );
    assert.deepEqual(coverImage(picture, [3, 4, 5]), expected);
  });

  it('that are more than wanted become what a file of them does', async () => {
    for (const [width, height, channels, shape] of [
      [60, 40, 3, [3, 16, 16]],
      [64, 64, 4, [3, 20, 20]],
      [41, 50, 1, [3, 10, 10]],
      [40, 50, 1, [1, 17, 10]],
      [48, 48, 3, [1, 12, 12]],
      [53, 40, 3, [3, 13, 13]],
    ] as const) {
      const picture = drawn(width, height, channels);
      const [most, mean] = differences(coverImage(picture, shape), await fromFile(picture, shape));
      const what = `${width}x${height}x${channels} to [${shape.join()}]: ${most} at most, ${mean} in the mean`;
      assert.ok(most <= 16 && mean <= 2.5, what);
    }
  });

  it('that are fewer than wanted are drawn out, without steps', () => {
    const picture = { data: Uint8Array.of(0, 100, 200), width: 3, height: 1, channels: 1 };
    const row = [...coverImage(picture, [1, 4, 12])].slice(0, 12);
    assert.deepEqual(
      row,
      row.toSorted((a, b) => a - b),
    );
    assert.ok(row.every((level, i) => i === 0 || level - row[i - 1] <= 30));
    const even = { data: new Uint8Array(12).fill(77), width: 2, height: 2 };
    assert.ok(coverImage(even, [3, 9, 7]).every((level) => level === 77));
  });

  it('without a number of channels have those of their data', () => {
    const { data } = drawn(6, 5, 4);
    const picture = { data: new Uint8ClampedArray(data), width: 6, height: 5 };
    assert.deepEqual(coverImage(picture, [3, 5, 6]), coverImage({ ...picture, channels: 4 }, [3, 5, 6]));
  });

  it('are laid over white', () => {
    const picture = { data: Uint8Array.of(10, 20, 30, 0, 10, 20, 30, 255), width: 2, height: 1, channels: 4 };
    assert.deepEqual([...coverImage(picture, [3, 1, 2])], [255, 10, 255, 20, 255, 30]);
  });

  it('that are none are refused', () => {
    const { data } = drawn(4, 4, 3);
    for (const wrong of [
      { data, width: 4, height: 5 },
      { data, width: 4, height: 4, channels: 4 },
      { data, width: 24, height: 1, channels: 2 },
      { data: new Uint8Array(0), width: 0, height: 0 },
      { data, width: -4, height: -4 },
      { data, width: NaN, height: 4 },
    ])
      assert.throws(() => coverImage(wrong, [3, 4, 4]), DataError);
    assert.throws(() => coverImage(drawn(4, 4, 3), [2, 4, 4]), /1 or 3 channels, but this model takes 2/);
  });
});
