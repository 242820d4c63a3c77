/** From an encoded picture to pixels, with limits against hostile ones. */
import { readFile, stat } from 'node:fs/promises';
import { OptionError } from '../tensor/option-error.js';
import { DataError } from './data-error.js';
import { optionalPackage } from './optional-package.js';

/** The formats that are read, as sharp and as people name them. */
const formats: ReadonlyMap<string, string> = new Map([
  ['jpeg', 'JPEG'],
  ['png', 'PNG'],
  ['webp', 'WebP'],
  ['gif', 'GIF'],
  ['heif', 'AVIF'],
  ['tiff', 'TIFF'],
]);
/** What to give instead of a file that is none of them. */
export const pictureFormats = 'JPEG, PNG, WebP, GIF, AVIF or TIFF';
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

/** What a picture becomes. */
export interface PictureTarget {
  /** 1 grey, 3 sRGB. */
  readonly channels: number;
  /** What transparency is laid over, such as `#ffffff`. */
  readonly background: string;
  /**
   * Height and width that a picture of this height and width is scaled to cover; what sticks out is cut off evenly at
   * both sides.
   */
  readonly size: (height: number, width: number) => readonly [height: number, width: number];
}

/** Pixels, and the size they had in the file. */
export interface DecodedPicture {
  /** uint8 [channels, height, width], row-major. */
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** In the file, turned as its EXIF data say. */
  readonly original: readonly [height: number, width: number];
}

/** The file of a picture. */
export interface PictureBytes {
  readonly bytes: Uint8Array;
  /** When it was last changed, in milliseconds since 1970. */
  readonly changed: number;
}

/**
 * Decodes a picture: its orientation is applied, an embedded colour profile is followed to sRGB (or grey), CMYK is
 * converted, transparency is laid over the background. Of an animation the first frame is read. Scaled with a Lanczos
 * filter.
 *
 * @param name what the picture is called in messages
 * @throws DataError for what is no picture, is damaged, or would take too much memory
 */
export async function decodePicture(
  bytes: Uint8Array,
  name: string,
  { channels, background, size }: PictureTarget,
): Promise<DecodedPicture> {
  const { default: sharp } = await optionalPackage('sharp', 'Reading an image file', () => import('sharp'));
  try {
    const image = sharp(bytes, { limitInputPixels: false, failOn: 'error' });
    const metadata = await image.metadata();
    if (!formats.has(metadata.format)) {
      throw new DataError(
        `${name} is a ${metadata.format.toUpperCase()} image; give a ${pictureFormats} file.`,
      );
    }
    const { width: columns, height: rows } = metadata;
    const most = `at most ${mostPixels / 2 ** 20} megapixels and ${longestSide} a side are read`;
    if (columns * rows > mostPixels || Math.max(columns, rows) > longestSide) {
      throw new DataError(
        `${name} is too large: ${columns} x ${rows} pixels, and ${most}. Scale it down first.`,
      );
    }
    checkAtOnce(name, metadata);
    const original = [metadata.autoOrient.height, metadata.autoOrient.width] as const;
    const [height, width] = size(...original);
    const pixels = await image
      .autoOrient()
      .flatten({ background })
      .resize(width, height, { fit: 'cover', position: 'centre', kernel: 'lanczos3' })
      .toColourspace(channels === 3 ? 'srgb' : 'b-w')
      .raw({ depth: 'uchar' })
      .toBuffer();
    return { data: planes(pixels, channels, height * width), height, width, original };
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(
      `${name} is not an image that can be read (${firstLine(error)}); give a ${pictureFormats} file.`,
      { cause: error },
    );
  }
}

/** @throws DataError for a picture that is decoded as a whole, and would take too much memory then */
function checkAtOnce(
  name: string,
  metadata: {
    readonly format: string;
    readonly width: number;
    readonly height: number;
    readonly channels: number;
    readonly depth: string;
    readonly isProgressive: boolean;
  },
): void {
  const { format, width, height, channels, depth, isProgressive } = metadata;
  const bytes = bytesOf.get(depth) ?? 1;
  const whole = isProgressive || format === 'gif' || format === 'heif' || format === 'tiff';
  if (!whole || width * height * channels * bytes <= mostAtOnce) return;
  const interlaced = isProgressive && (format === 'jpeg' || format === 'png');
  throw new DataError(
    `${name} is too large to be read at once, as ${interlaced ? 'an interlaced picture' : 'a picture of this format'} has to be: ${width} x ${height} pixels of ${channels} channels with ${8 * bytes} bits. ${interlaced ? 'Save it without interlacing.' : 'Scale it down first.'}`,
  );
}

/**
 * Height and width of a picture, turned as its EXIF data say; only its header is looked at.
 *
 * @returns undefined for what is none
 */
export async function pictureSize(
  bytes: Uint8Array,
): Promise<readonly [height: number, width: number] | undefined> {
  const { default: sharp } = await optionalPackage('sharp', 'Reading an image file', () => import('sharp'));
  try {
    const { autoOrient } = await sharp(bytes, { limitInputPixels: false }).metadata();
    return [autoOrient.height, autoOrient.width];
  } catch {
    return undefined;
  }
}

/** The version of the decoder: another may round otherwise. */
export async function decoderVersion(): Promise<string> {
  const { default: sharp } = await optionalPackage('sharp', 'Reading an image file', () => import('sharp'));
  return JSON.stringify(sharp.versions);
}

/** @throws OptionError for a colour that is not written as `#rrggbb` */
export function checkBackground(background: unknown): void {
  if (typeof background === 'string' && /^#[0-9a-f]{6}$/i.test(background)) return;
  throw new OptionError(`background must be a colour such as #ffffff, not ${JSON.stringify(background)}`);
}

/** Of one sample, as libvips names their types; TIFF has all of them. */
const bytesOf: ReadonlyMap<string, number> = new Map([
  ['ushort', 2],
  ['short', 2],
  ['uint', 4],
  ['int', 4],
  ['float', 4],
  ['double', 8],
  ['complex', 8],
  ['dpcomplex', 16],
]);

/**
 * Reads a picture's file. Not by the decoder: libvips remembers of a path what was in the file when it was first read.
 *
 * @throws DataError naming a file that is missing, is none, cannot be read, or has more than 500 MB
 */
export async function readPictureBytes(path: string): Promise<PictureBytes> {
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
  if (!file.isFile()) throw new DataError(`${path} is not a file; give a ${pictureFormats} file.`);
  if (file.size > largestFile) {
    throw new DataError(
      `${path} has ${file.size} bytes, and pictures of at most ${largestFile / 1e6} MB are read.`,
    );
  }
  const bytes = await readFile(path).catch((error: unknown) => {
    throw cannot(error);
  });
  return { bytes, changed: file.mtimeMs };
}

/** From pixels side by side to one plane for each channel. */
function planes(pixels: Uint8Array, channels: number, area: number): Uint8Array {
  if (channels === 1) return pixels;
  const image = new Uint8Array(channels * area);
  for (let pixel = 0, from = 0; pixel < area; pixel++, from += 3) {
    image[pixel] = pixels[from]!;
    image[area + pixel] = pixels[from + 1]!;
    image[2 * area + pixel] = pixels[from + 2]!;
  }
  return image;
}

/** Decoders report several lines; the first says what is wrong. */
export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0].replace(/[.:\s]+$/, '');
