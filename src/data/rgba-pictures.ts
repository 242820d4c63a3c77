/** Pictures as a browser's canvas gives them, packed into memory that worker threads read. */
import { DataError } from './data-error.js';
import { type ImageShape, type Images, imageSize } from './image-source.js';
import { PictureList } from './picture-list.js';
import { allocateShared, sharedLabels } from './shared-memory.js';

/** A picture with its pixels side by side, such as a canvas' `ImageData`. */
export interface RgbaPicture {
  /** uint8 [height, width, 4]: red, green, blue, and how opaque the pixel is. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
}

/**
 * Pictures and their classes as images [channels, height, width]: in one array where all have the shape of the dataset,
 * else each in its size. What is transparent lies over white; one channel is the luminance of ITU-R BT.601.
 *
 * @param what they are called in messages
 * @throws DataError for channels that pictures do not have, and naming the first picture whose pixels do not fit its size
 */
export function packPictures(
  pictures: readonly RgbaPicture[],
  labels: ArrayLike<number>,
  shape: ImageShape,
  what: string,
): Images {
  const channels = shape[0];
  if (channels !== 1 && channels !== 3) {
    throw new DataError(`${what}: pictures give images of 1 or 3 channels, not ${channels}.`);
  }
  pictures.forEach((picture, index) => {
    checkPicture(picture, index, what);
  });
  const offsets = new Float64Array(allocateShared(8 * pictures.length).buffer);
  const sizes = new Int32Array(allocateShared(8 * pictures.length).buffer);
  let total = 0;
  pictures.forEach(({ width, height }, index) => {
    offsets[index] = total;
    sizes.set([height, width], 2 * index);
    total += channels * height * width;
  });
  const bytes = allocateShared(total);
  pictures.forEach((picture, index) => {
    const target = bytes.subarray(offsets[index], offsets[index] + channels * picture.height * picture.width);
    writePlanes(picture, channels, target);
  });
  const alike = pictures.every(({ width, height }) => height === shape[1] && width === shape[2]);
  if (alike && total === pictures.length * imageSize(shape)) return { images: bytes, labels };
  return new PictureList({ bytes, offsets, sizes, labels: sharedLabels(labels), channels });
}

function checkPicture({ data, width, height }: RgbaPicture, index: number, what: string): void {
  const whole = [width, height].every((side) => Number.isInteger(side) && side >= 1);
  if (!whole) {
    throw new DataError(`${what}: picture ${index} is ${width} x ${height} pixels, which is no size.`);
  }
  if (data.length === 4 * width * height) return;
  throw new DataError(
    `${what}: picture ${index} of ${width} x ${height} pixels needs ${4 * width * height} bytes, four a pixel, but has ${data.length}.`,
  );
}

function writePlanes({ data, width, height }: RgbaPicture, channels: number, target: Uint8Array): void {
  const area = width * height;
  for (let pixel = 0; pixel < area; pixel++) {
    const opaque = data[4 * pixel + 3] / 255;
    const over = (channel: number): number => 255 + (data[4 * pixel + channel] - 255) * opaque;
    if (channels === 1) {
      target[pixel] = Math.round(0.299 * over(0) + 0.587 * over(1) + 0.114 * over(2));
    } else {
      for (let channel = 0; channel < 3; channel++)
        target[channel * area + pixel] = Math.round(over(channel));
    }
  }
}
