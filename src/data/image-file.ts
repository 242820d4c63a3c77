/** Images from files, as a model takes them. */
import type { ImageShape } from './dataset.js';
import { checkBackground, decodePicture, readPictureBytes } from './decode-picture.js';
import { targetOf } from './folder/decoding.js';
import type { PictureDecoding } from './folder/folder-config.js';
import type { Picture } from './image-transform.js';
import { checkChannels } from './raw-picture.js';

/** A picture file, or its bytes, as the pictures of a folder are decoded. @throws DataError as `readImage` */
export async function readPictureAs(file: string | Uint8Array, decoding: PictureDecoding): Promise<Picture> {
  const { bytes, name } = await bytesOf(file);
  const { data, height, width } = await decodePicture(bytes, name, targetOf(decoding));
  return { data, shape: [decoding.channels, height, width] };
}

async function bytesOf(file: string | Uint8Array): Promise<{ bytes: Uint8Array; name: string }> {
  if (typeof file !== 'string') return { bytes: file, name: 'The picture' };
  return { bytes: (await readPictureBytes(file)).bytes, name: file };
}

/**
 * Reads a JPEG, PNG, WebP, GIF, AVIF or TIFF file, or the bytes of one, as one uint8 image [channels, height, width].
 *
 * The orientation in the file's EXIF data is applied, transparency is laid over white, colours are brought to sRGB
 * (or to grey, for one channel), and the image is scaled with a Lanczos filter to cover height and width; what
 * sticks out is cut off evenly at both sides. Of an animation the first frame is read.
 *
 * @param file - its path, or its bytes
 * @param shape - one or three channels
 * @param options.background - what transparency is laid over, such as `#ffffff`, the default
 * @throws DataError naming the file when it is missing, none of these formats, damaged, larger than 500 MB or 268
 *   megapixels, longer than 65,535 pixels, or one that is decoded as a whole (interlaced, GIF, AVIF, TIFF) and above
 *   1.07 GB of pixels
 * @throws OptionError for a background that is no colour
 */
export async function readImage(
  file: string | Uint8Array,
  [channels, height, width]: ImageShape,
  { background = '#ffffff' }: { readonly background?: string } = {},
): Promise<Uint8Array> {
  checkChannels(channels);
  checkBackground(background);
  const { bytes, name } = await bytesOf(file);
  const { data } = await decodePicture(bytes, name, { channels, background, size: () => [height, width] });
  return data;
}
