/** Pictures and checkpoints in a browser: addresses, files, and what a page shows. */
import { DataError } from '../../data/data-error.js';
import { type RawPicture, coverImage } from '../../data/raw-picture.js';
import { GraphError } from '../../graph/graph.js';
import { fromCheckpoint } from '../checkpoint.js';
import { CheckpointError } from '../json-check.js';
import {
  type FileSource,
  type PictureFile,
  type Platform,
  bytesIn,
  coveredShape,
  isRaw,
} from './platform.js';

export const readPicture: Platform['readPicture'] = async (picture, shape, decoding) => {
  const covered = coveredShape(shape, decoding);
  return { data: coverImage(isRaw(picture) ? picture : await pixelsOf(picture), covered), shape: covered };
};

export const readModel: Platform['readModel'] = async (source) => {
  const bytes =
    (await bytesIn(source)) ??
    (await fetched(source, (message, options) => new CheckpointError(message, options)));
  return { name: addressOf(source) ?? 'the checkpoint', checkpoint: fromCheckpoint(bytes) };
};

export const readOnnx: Platform['readOnnx'] = async (source) => {
  const bytes =
    (await bytesIn(source)) ??
    (await fetched(source, (message, options) => new GraphError(message, options)));
  return { name: addressOf(source) ?? 'the model', bytes };
};

/** The pixels of an image file or of what a page shows, in sRGB, turned as the file says. */
async function pixelsOf(picture: PictureFile): Promise<RawPicture> {
  const name = addressOf(picture) ?? 'The picture';
  const address = addressOf(picture);
  const bytes =
    (await bytesIn(picture)) ??
    (address === undefined
      ? undefined
      : await fetched(picture as FileSource, (message, options) => new DataError(message, options)));
  let bitmap: ImageBitmap;
  try {
    // An image that a page still loads has no pixels before.
    if (typeof HTMLImageElement !== 'undefined' && picture instanceof HTMLImageElement)
      await picture.decode();
    bitmap = await createImageBitmap(bytes ? new Blob([bytes.slice()]) : (picture as ImageBitmapSource));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(
      `${name} is not an image that this browser can read (${reason}); give a JPEG, PNG or WebP file.`,
      { cause: error },
    );
  }
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  } finally {
    bitmap.close();
  }
}

/** An address in words; undefined for what is none. */
function addressOf(source: PictureFile): string | undefined {
  if (typeof source === 'string') return source;
  return source instanceof URL ? source.href : undefined;
}

/** What lies at an address. */
async function fetched(
  source: FileSource,
  failure: (message: string, options?: ErrorOptions) => Error,
): Promise<Uint8Array> {
  const address = addressOf(source);
  if (address === undefined) throw failure('what was given is neither bytes, nor a file, nor an address');
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw failure(`${address} cannot be fetched: ${(error as Error).message}`, { cause: error });
  }
  if (!response.ok) throw failure(`${address} cannot be fetched: the server says ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
