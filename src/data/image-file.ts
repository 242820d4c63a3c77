/** Images from files, as a model takes them. */
import { stat } from 'node:fs/promises';
import { DataError } from './data-error.js';
import type { ImageShape } from './dataset.js';
import { optionalPackage } from './optional-package.js';
import { checkChannels } from './raw-picture.js';

const formats = ['jpeg', 'png', 'webp'];
/** A larger image is refused before it is decoded; 268 megapixels would take 800 MB. */
const mostPixels = 16384 * 16384;

/**
 * Reads a JPEG, PNG or WebP file, or the bytes of one, as one uint8 image [channels, height, width].
 *
 * The orientation in the file's EXIF data is applied, transparency is laid over white, colours are brought to sRGB
 * (or to grey, for one channel), and the image is scaled with a Lanczos filter to cover height and width; what
 * sticks out is cut off evenly at both sides. Of an animation the first frame is read.
 *
 * @param file - its path, or its bytes
 * @param shape - one or three channels
 * @throws DataError naming the file when it is missing, none of the three formats, damaged, or larger than 268
 *   megapixels
 */
export async function readImage(
  file: string | Uint8Array,
  [channels, height, width]: ImageShape,
): Promise<Uint8Array> {
  checkChannels(channels);
  const path = typeof file === 'string' ? file : 'The picture';
  if (typeof file === 'string') await checkFile(file);
  const { default: sharp } = await optionalPackage('sharp', 'Reading an image file', () => import('sharp'));
  try {
    const image = sharp(file, { limitInputPixels: false, failOn: 'error' });
    const metadata = await image.metadata();
    if (!formats.includes(metadata.format)) {
      throw new DataError(
        `${path} is a ${metadata.format.toUpperCase()} image; give a JPEG, PNG or WebP file.`,
      );
    }
    if (metadata.width * metadata.height > mostPixels) {
      throw new DataError(
        `${path} is too large: ${metadata.width} x ${metadata.height} pixels, and at most ${mostPixels / 2 ** 20} megapixels are read. Scale it down first.`,
      );
    }
    const pixels = await image
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .resize(width, height, { fit: 'cover', position: 'centre', kernel: 'lanczos3' })
      .toColourspace(channels === 3 ? 'srgb' : 'b-w')
      .raw({ depth: 'uchar' })
      .toBuffer();
    return planes(pixels, channels, height * width);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(
      `${path} is not an image that can be read (${firstLine(error)}); give a JPEG, PNG or WebP file.`,
      { cause: error },
    );
  }
}

async function checkFile(path: string): Promise<void> {
  let file;
  try {
    file = await stat(path);
  } catch (error) {
    throw new DataError(
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? `There is no file ${path}.`
        : `${path} cannot be read (${firstLine(error)}).`,
      { cause: error },
    );
  }
  if (!file.isFile()) throw new DataError(`${path} is not a file; give a JPEG, PNG or WebP file.`);
}

/** From pixels side by side to one plane for each channel. */
function planes(pixels: Uint8Array, channels: number, area: number): Uint8Array {
  const image = new Uint8Array(channels * area);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < area; pixel++)
      image[channel * area + pixel] = pixels[pixel * channels + channel]!;
  }
  return image;
}

/** Decoders report several lines; the first says what is wrong. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0].replace(/[.:\s]+$/, '');
