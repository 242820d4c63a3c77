/** Picture files of all formats. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { DataError } from '../../data/data-error.js';
import { readImage } from '../../data/image-file.js';
import { mutateBytes, pick } from '../mutate-bytes.js';
import type { Random } from '../../random/random.js';
import { type FuzzedParser, expect } from '../parser.js';

/** A picture with something in it. */
function picture(width: number, height: number, channels: 3 | 4): Sharp {
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37) % 256);
  return sharp(pixels, { raw: { width, height, channels } });
}

/** Sets the checksums of a PNG file's chunks, so that what was changed is read. */
function withChecksums(file: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(file);
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

const isPng = (bytes: Uint8Array): boolean => bytes[0] === 0x89 && bytes[1] === 0x50;

function mutate(input: Uint8Array, random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  if (random.integer(4) > 0) {
    const changed = mutateBytes(input, random, pick(random, seeds));
    return isPng(changed) && random.integer(2) === 0 ? withChecksums(changed) : changed;
  }
  // Width, height and the like stand in the first bytes.
  const bytes = new Uint8Array(input);
  const at = random.integer(Math.min(bytes.length, isPng(bytes) ? 30 : 200));
  bytes[at] = random.integer(256);
  return isPng(bytes) ? withChecksums(bytes) : bytes;
}

export const image: FuzzedParser = {
  name: 'image',
  seeds: async () => [
    await picture(12, 9, 3).png().toBuffer(),
    await picture(12, 9, 4).png({ progressive: true }).toBuffer(),
    await picture(5, 7, 3).png({ palette: true }).toBuffer(),
    await picture(16, 16, 3).jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    await picture(16, 16, 3).jpeg({ progressive: true }).toBuffer(),
    await picture(12, 9, 4).webp().toBuffer(),
    await picture(12, 9, 3).webp({ lossless: true }).toBuffer(),
    await picture(12, 9, 3).gif().toBuffer(),
    await picture(12, 9, 3).tiff({ compression: 'lzw' }).toBuffer(),
    await picture(40, 30, 3).tiff({ tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    await picture(12, 9, 4).avif().toBuffer(),
  ],
  mutate,
  async read(input, folder) {
    const path = join(folder, 'image');
    writeFileSync(path, input);
    const channels = input.length % 2 === 0 ? 3 : 1;
    const pixels = await readImage(path, [channels, 8, 8]);
    expect(pixels.length === channels * 64, `${pixels.length} pixels`);
  },
  documented: (error) => error instanceof DataError,
};
