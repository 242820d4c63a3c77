import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { DataError } from './data-error.js';
import { readImage } from './image-file.js';

describe('image files', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tract-image-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  /** A picture in one colour. */
  const plain = (
    width: number,
    height: number,
    background: { r: number; g: number; b: number; alpha?: number },
  ): Sharp =>
    sharp({ create: { width, height, channels: background.alpha === undefined ? 3 : 4, background } });
  const refused = (path: string, message: RegExp): Promise<void> =>
    assert.rejects(
      readImage(path, [3, 8, 8]),
      (error) => error instanceof DataError && error.message.includes(path) && message.test(error.message),
    );

  it('of all formats become planes of red, green and blue', async () => {
    for (const format of ['png', 'jpeg', 'webp', 'gif', 'avif', 'tiff'] as const) {
      const path = join(folder, `plain.${format}`);
      await plain(20, 10, { r: 200, g: 100, b: 50 }).toFormat(format).toFile(path);
      const image = await readImage(path, [3, 4, 6]);
      assert.equal(image.length, 3 * 4 * 6);
      image.forEach((level, index) => {
        assert.ok(Math.abs(level - [200, 100, 50][Math.floor(index / 24)]) <= 3, `${format}: ${level}`);
      });
    }
  });

  it('in CMYK, in 16 bits, with a colour profile, or in several frames are brought to sRGB', async () => {
    const colour = { r: 220, g: 60, b: 40 };
    // Not all colours are in the gamut of ink.
    const muted = { r: 150, g: 110, b: 95 };
    const files = {
      'cmyk.jpeg': plain(8, 8, muted).toColourspace('cmyk').jpeg({ quality: 95 }),
      'cmyk.tiff': plain(8, 8, muted).withIccProfile('cmyk').tiff(),
      'deep.png': plain(8, 8, colour).toColourspace('rgb16').png(),
      // The numbers in the file are others; read without its profile they would be (203, 73, 52).
      'profile.png': plain(8, 8, colour).withIccProfile('p3').png(),
    };
    for (const [name, picture] of Object.entries(files)) {
      const path = join(folder, name);
      await picture.toFile(path);
      const image = await readImage(path, [3, 2, 2]);
      // The separation into inks and back loses more than rounding.
      const [{ r, g, b }, most] = name.startsWith('cmyk') ? [muted, 20] : [colour, 3];
      [r, g, b].forEach((wanted, channel) => {
        const found = image[channel * 4];
        assert.ok(Math.abs(found - wanted) <= most, `${name}: ${found}, not ${wanted}`);
      });
    }
    const frames = [colour, { r: 0, g: 0, b: 0 }].map(async (each) => plain(8, 8, each).png().toBuffer());
    const animation = join(folder, 'frames.gif');
    await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif()
      .toFile(animation);
    assert.ok((await readImage(animation, [3, 2, 2]))[0] > 200);
  });

  it('are laid over the background that is asked for', async () => {
    const clear = join(folder, 'transparent.webp');
    await plain(8, 8, { r: 0, g: 0, b: 0, alpha: 0 }).webp().toFile(clear);
    const image = await readImage(clear, [3, 1, 1], { background: '#4080c0' });
    assert.deepEqual(image, Uint8Array.of(0x40, 0x80, 0xc0));
    for (const background of ['red', '#fff', '#12345g']) {
      await assert.rejects(
        readImage(clear, [3, 1, 1], { background }),
        /background must be a colour such as/,
      );
    }
  });

  it('of the right size come as they are', async () => {
    const pixels = Uint8Array.from({ length: 4 * 5 * 3 }, (_, index) => index * 4);
    const path = join(folder, 'exact.png');
    await sharp(pixels, { raw: { width: 5, height: 4, channels: 3 } })
      .png()
      .toFile(path);
    const image = await readImage(path, [3, 4, 5]);
    assert.deepEqual(
      image,
      Uint8Array.from({ length: 60 }, (_, index) => pixels[(index % 20) * 3 + Math.floor(index / 20)]),
    );
  });

  it('are cut to the middle, turned as their EXIF data say, and laid over white', async () => {
    const wide = join(folder, 'wide.png');
    // Black, with a white square in the middle.
    await plain(30, 10, { r: 0, g: 0, b: 0 })
      .composite([
        { input: await plain(10, 10, { r: 255, g: 255, b: 255 }).png().toBuffer(), left: 10, top: 0 },
      ])
      .png()
      .toFile(wide);
    assert.ok((await readImage(wide, [3, 10, 10])).every((level) => level === 255));

    const turned = join(folder, 'turned.jpeg');
    // Red on the left, blue on the right; orientation 6 turns it so that red is above.
    await plain(16, 16, { r: 255, g: 0, b: 0 })
      .composite([{ input: await plain(8, 16, { r: 0, g: 0, b: 255 }).png().toBuffer(), left: 8, top: 0 }])
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toFile(turned);
    const image = await readImage(turned, [3, 16, 16]);
    assert.ok(image[2 * 16 + 8] > 200 && image[13 * 16 + 8] < 50);

    const clear = join(folder, 'clear.png');
    await plain(8, 8, { r: 0, g: 0, b: 0, alpha: 0 }).png().toFile(clear);
    assert.ok((await readImage(clear, [3, 8, 8])).every((level) => level === 255));
  });

  it('are grey where a model has one channel, and coloured from grey where it has three', async () => {
    const grey = join(folder, 'grey.png');
    await plain(8, 8, { r: 90, g: 90, b: 90 }).toColourspace('b-w').png().toFile(grey);
    for (const channels of [1, 3]) {
      const image = await readImage(grey, [channels, 8, 8]);
      assert.equal(image.length, channels * 64);
      assert.ok(image.every((level) => Math.abs(level - 90) <= 1));
    }
    await assert.rejects(readImage(grey, [2, 8, 8]), DataError);
  });

  it('that are none are refused by name', async () => {
    await refused(join(folder, 'nothing.png'), /^There is no file/);
    await refused(folder, /is not a file/);
    const text = join(folder, 'text.png');
    await writeFile(text, 'this is not an image');
    await refused(text, /is not an image that can be read/);
    await writeFile(text, '');
    await refused(text, /is not an image that can be read/);
    const vector = join(folder, 'vector.png');
    await writeFile(vector, '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await refused(vector, /is a SVG image; give a JPEG, PNG, WebP, GIF, AVIF or TIFF file/);
    await mkdir(join(folder, 'folder.png'));
    await refused(join(folder, 'folder.png'), /is not a file/);
  });

  it('that are cut off or huge are refused', async () => {
    const whole = join(folder, 'noise.png');
    await sharp({
      create: {
        width: 64,
        height: 64,
        channels: 3,
        background: 'red',
        noise: { type: 'gaussian', mean: 99, sigma: 30 },
      },
    })
      .png()
      .toFile(whole);
    const bytes = await readFile(whole);
    const cut = join(folder, 'cut.png');
    await writeFile(cut, bytes.subarray(0, bytes.length >> 1));
    await refused(cut, /is not an image that can be read/);
    const huge = join(folder, 'huge.png');
    // Another width and height in the PNG header, and its checksum.
    bytes.writeUInt32BE(20_000, 16);
    bytes.writeUInt32BE(20_000, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
    await writeFile(huge, bytes);
    await refused(huge, /is too large: 20000 x 20000 pixels/);
  });

  it('of few bytes that would take gigabytes are refused before they are decoded', async () => {
    const path = join(folder, 'bomb.png');
    /** A PNG file that says something else of its pixels than what follows. */
    const bomb = async (width: number, height: number, depth: number, interlaced: boolean): Promise<void> => {
      const picture = plain(20, 10, { r: 1, g: 2, b: 3, alpha: 0.5 });
      const bytes = await picture.png({ progressive: interlaced }).toBuffer();
      bytes.writeUInt32BE(width, 16);
      bytes.writeUInt32BE(height, 20);
      bytes[24] = depth;
      bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
      await writeFile(path, bytes);
    };
    const sides =
      /is too large: \d+ x \d+ pixels, and at most 256 megapixels and 65535 a side are read\. Scale/;
    for (const interlaced of [false, true]) {
      await bomb(15_138_828, 9, 8, interlaced);
      await refused(path, sides);
      await bomb(9, 65_536, 8, interlaced);
      await refused(path, sides);
    }
    await bomb(16_384, 16_384, 16, true);
    await refused(
      path,
      /is too large to be read at once, .* of 4 channels with 16 bits\. Save it without interlacing/,
    );
    const long = join(folder, 'long.png');
    await writeFile(long, '');
    await truncate(long, 500e6 + 1);
    await refused(long, /has 500000001 bytes, and pictures of at most 500 MB are read/);
  });

  it('are read as they are now, whatever the file held before', async () => {
    const path = join(folder, 'changing');
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      for (const level of [40, 200, 120]) {
        await writeFile(
          path,
          await plain(20, 10, { r: level, g: level, b: level }).toFormat(format).toBuffer(),
        );
        const [found] = await readImage(path, [1, 1, 1]);
        assert.ok(Math.abs(found - level) <= 3, `${format}: ${found}, not ${level}`);
      }
    }
  });
});
