/** Pictures that cost to decode what photographs do, as JPEG files. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { Random } from '../random/random.js';

/** Sides in pixels, from one to the other. */
const SIDES = [256, 500] as const;
/** Cells along the longer side of each layer; each is half as strong as the one before. */
const LAYERS = [3, 6, 12, 24, 48, 96, 192] as const;
/** In levels, of each value. */
const GRAIN = 20;
const QUALITY = 90;
const CLASSES = 4;

/** Structure of all sizes, as photographs have it: smooth noise in layers, and some grain. */
async function photograph(random: Random, width: number, height: number): Promise<Uint8Array> {
  const sum = new Float32Array(width * height * 3);
  for (const [i, cells] of LAYERS.entries()) {
    const longer = Math.max(width, height);
    const [columns, rows] = [width, height].map((side) => Math.max(2, Math.round((cells * side) / longer)));
    const grid = Uint8Array.from({ length: columns * rows * 3 }, () => random.integer(256));
    const layer = await sharp(grid, { raw: { width: columns, height: rows, channels: 3 } })
      .resize(width, height, { fit: 'fill', kernel: 'cubic' })
      .raw()
      .toBuffer();
    const strength = 0.5 ** (i / 2);
    for (let at = 0; at < sum.length; at++) sum[at] += strength * (layer[at] - 128);
  }
  const grain = (): number => ((random.bits() >>> 8) / 2 ** 24 - 0.5) * 2 * GRAIN;
  return Uint8Array.from(sum, (level) => Math.min(255, Math.max(0, 128 + level + grain())));
}

/**
 * Writes pictures in a few classes, each a folder.
 *
 * @returns the mean size of a file in bytes
 */
export async function writePhotographs(folder: string, count: number): Promise<number> {
  const random = Random.fromSeed(0, 'photographs');
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const [width, height] = [0, 1].map(() => SIDES[0] + random.integer(SIDES[1] - SIDES[0] + 1));
    const pixels = await photograph(random, width, height);
    const path = join(folder, `class${i % CLASSES}`);
    await mkdir(path, { recursive: true });
    const { size } = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: QUALITY })
      .toFile(join(path, `${i}.jpg`));
    bytes += size;
  }
  return bytes / count;
}
