/** Pictures in files, as tests of folders need them. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { type ImageShape, type Split, imageSize } from '../data/dataset.js';

/** A picture in one colour, with something of its own in a corner. */
export function plainPicture(
  width: number,
  height: number,
  background: { r: number; g: number; b: number; alpha?: number },
): Sharp {
  const channels = background.alpha === undefined ? 3 : 4;
  return sharp({ create: { width, height, channels, background } });
}

/** Writes a picture to a file; its folders are made, its format is that of its name. */
export async function writePicture(path: string, picture: Sharp): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await picture.toFile(path);
  return path;
}

/** Planes of red, green and blue as a picture. */
export function pictureOf(data: Uint8Array, [channels, height, width]: ImageShape): Sharp {
  const area = height * width;
  const pixels = Uint8Array.from(data, (_, i) => data[(i % channels) * area + Math.floor(i / channels)]);
  return sharp(pixels, { raw: { width, height, channels: channels as 3 } });
}

/**
 * Writes images as PNG files, a folder for each class; their names are their positions, so that their order is the same.
 *
 * @param onWritten told how many files there are by now
 * @returns the files, relative to the folder
 */
export async function writeClassFolders(
  folder: string,
  { images, labels }: Split,
  shape: ImageShape,
  classNames: readonly string[],
  onWritten?: (files: number) => void,
): Promise<string[]> {
  const size = imageSize(shape);
  const files = Array.from({ length: labels.length }, (_, i) =>
    join(classNames[labels[i]], `${String(i).padStart(5, '0')}.png`),
  );
  for (const className of classNames) await mkdir(join(folder, className), { recursive: true });
  for (let first = 0; first < files.length; first += 32) {
    await Promise.all(
      files.slice(first, first + 32).map((file, i) => {
        const image = images.subarray((first + i) * size, (first + i + 1) * size);
        return pictureOf(image, shape).png({ compressionLevel: 1 }).toFile(join(folder, file));
      }),
    );
    onWritten?.(Math.min(first + 32, files.length));
  }
  return files;
}
