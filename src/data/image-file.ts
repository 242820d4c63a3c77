/** Images from files, as a model takes them. */
import { readFile, stat } from 'node:fs/promises';
import { DataError } from './data-error.js';
import type { ImageShape } from './dataset.js';
import { optionalPackage } from './optional-package.js';
import { checkChannels } from './raw-picture.js';

const formats = ['jpeg', 'png', 'webp'];
/** A larger image is refused before it is decoded; 268 megapixels can take 1.1 GB. */
const mostPixels = 16384 * 16384;
/**
 * So long are the sides of JPEG images at most. PNG's may have two billion pixels, and scaling needs whole rows, several
 * of them, as floating-point numbers: a file of 74 bytes with rows of 15 million pixels took 6 GB.
 */
const longestSide = 65_535;
/** What an image may take that cannot be decoded row by row, in bytes. */
const mostAtOnce = 4 * mostPixels;
/** No photograph has a larger file. */
const largestFile = 500e6;

/**
 * Reads a JPEG, PNG or WebP file, or the bytes of one, as one uint8 image [channels, height, width].
 *
 * The orientation in the file's EXIF data is applied, transparency is laid over white, colours are brought to sRGB
 * (or to grey, for one channel), and the image is scaled with a Lanczos filter to cover height and width; what
 * sticks out is cut off evenly at both sides. Of an animation the first frame is read.
 *
 * @param file - its path, or its bytes
 * @param shape - one or three channels
 * @throws DataError naming the file when it is missing, none of the three formats, damaged, larger than 500 MB or 268
 *   megapixels, longer than 65,535 pixels, or interlaced and above 1.07 GB of pixels (with 16 bits or transparency)
 */
export async function readImage(
  file: string | Uint8Array,
  [channels, height, width]: ImageShape,
): Promise<Uint8Array> {
  checkChannels(channels);
  const path = typeof file === 'string' ? file : 'The picture';
  // Not by its path, of which libvips remembers what was in the file when it was first read.
  const bytes = typeof file === 'string' ? await readBytes(file) : file;
  const { default: sharp } = await optionalPackage('sharp', 'Reading an image file', () => import('sharp'));
  try {
    const image = sharp(bytes, { limitInputPixels: false, failOn: 'error' });
    const metadata = await image.metadata();
    if (!formats.includes(metadata.format)) {
      throw new DataError(
        `${path} is a ${metadata.format.toUpperCase()} image; give a JPEG, PNG or WebP file.`,
      );
    }
    const { width: columns, height: rows } = metadata;
    const most = `at most ${mostPixels / 2 ** 20} megapixels and ${longestSide} a side are read`;
    if (columns * rows > mostPixels || Math.max(columns, rows) > longestSide) {
      throw new DataError(
        `${path} is too large: ${columns} x ${rows} pixels, and ${most}. Scale it down first.`,
      );
    }
    const depth = metadata.depth === 'ushort' ? 2 : 1;
    if (metadata.isProgressive && columns * rows * metadata.channels * depth > mostAtOnce) {
      throw new DataError(
        `${path} is too large to be read at once, as an interlaced picture has to be: ${columns} x ${rows} pixels of ${metadata.channels} channels with ${8 * depth} bits. Save it without interlacing.`,
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

async function readBytes(path: string): Promise<Uint8Array> {
  const cannot = (error: unknown): DataError =>
    new DataError(
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? `There is no file ${path}.`
        : `${path} cannot be read (${firstLine(error)}).`,
      { cause: error },
    );
  const file = await stat(path).catch((error: unknown) => {
    throw cannot(error);
  });
  if (!file.isFile()) throw new DataError(`${path} is not a file; give a JPEG, PNG or WebP file.`);
  if (file.size > largestFile) {
    throw new DataError(
      `${path} has ${file.size} bytes, and pictures of at most ${largestFile / 1e6} MB are read.`,
    );
  }
  return readFile(path).catch((error: unknown) => {
    throw cannot(error);
  });
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
