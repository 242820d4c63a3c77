/** Pictures of any size, as pixels, brought to the size that a model takes. */
import { DataError } from './data-error.js';
import type { ImageShape } from './dataset.js';

/** Decoded pixels side by side, as canvases (`ImageData`) and decoders give them. */
export interface RawPicture {
  /** uint8 [height, width, channels], sRGB. */
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 red, green and blue, 4 with opacity. Default: as many as the data have for each pixel. */
  readonly channels?: number;
}

/** Lanczos's filter with three lobes, for making pictures smaller. */
function lanczos3(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= 3) return 0;
  const angle = Math.PI * x;
  return (3 * Math.sin(angle) * Math.sin(angle / 3)) / (angle * angle);
}

/** Catmull and Rom's cubic, for making them larger. */
function cubic(x: number): number {
  const distance = Math.abs(x);
  if (distance >= 2) return 0;
  return distance < 1
    ? 1 + distance ** 2 * (1.5 * distance - 2.5)
    : 2 + distance * (-4 + distance * (2.5 - 0.5 * distance));
}

/** Which places of a line make one place of another, and with which weights. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/**
 * How a line of `length` places, scaled to `scaled` of them, becomes the `wanted` ones in the middle.
 *
 * The filter is as wide as a place of the result where the result is smaller, so that nothing is skipped.
 */
function tapsOf(length: number, scaled: number, wanted: number): Taps[] {
  const scale = length / scaled;
  const width = Math.max(scale, 1);
  const [filter, lobes] = scale < 1 ? [cubic, 2] : [lanczos3, 3];
  const start = Math.floor((scaled - wanted + 1) / 2);
  return Array.from({ length: wanted }, (_, place) => {
    const centre = (start + place + 0.5) * scale - 0.5;
    const first = Math.max(0, Math.ceil(centre - lobes * width));
    const last = Math.min(length - 1, Math.floor(centre + lobes * width));
    const weights = Array.from({ length: last - first + 1 }, (_, i) => filter((first + i - centre) / width));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

const toLinear = (level: number): number => {
  const share = level / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};
const fromLinear = (light: number): number =>
  255 * (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055);

/** The planes of red, green and blue, or of grey, laid over white: float [channels, height · width]. */
function planesOf({ data, width, height }: RawPicture, given: number, wanted: number): Float32Array[] {
  const area = width * height;
  const opaque = (pixel: number, channel: number): number => {
    const level = data[pixel * given + Math.min(channel, given === 4 ? 2 : given - 1)];
    if (given !== 4) return level;
    return 255 + ((level - 255) * data[pixel * 4 + 3]) / 255;
  };
  if (wanted === 1 && given > 1) {
    const grey = new Float32Array(area);
    for (let pixel = 0; pixel < area; pixel++) {
      const [red, green, blue] = [0, 1, 2].map((channel) => toLinear(opaque(pixel, channel)));
      // Rec. 709's luminance.
      grey[pixel] = fromLinear(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    }
    return [grey];
  }
  return Array.from({ length: wanted }, (_, channel) => {
    const plane = new Float32Array(area);
    for (let pixel = 0; pixel < area; pixel++) plane[pixel] = opaque(pixel, channel);
    return plane;
  });
}

/**
 * Scales a picture to cover height and width, and cuts what sticks out off evenly at both sides, as `readImage` does with
 * a file. Opacity is laid over white.
 *
 * @returns uint8 [channels, height, width]
 * @throws DataError for data that are no pixels of the picture's size, or a model of other than 1 or 3 channels
 */
export function coverImage(picture: RawPicture, [channels, height, width]: ImageShape): Uint8Array {
  checkChannels(channels);
  const given = checkedChannels(picture);
  const scale = Math.max(width / picture.width, height / picture.height);
  const columns = tapsOf(picture.width, Math.round(picture.width * scale), width);
  const rows = tapsOf(picture.height, Math.round(picture.height * scale), height);
  const image = new Uint8Array(channels * height * width);
  for (const [channel, plane] of planesOf(picture, given, channels).entries()) {
    // First all rows of the picture to the wanted width, then all columns of that.
    const narrow = new Float32Array(picture.height * width);
    for (let y = 0; y < picture.height; y++) {
      for (const [x, { first, weights }] of columns.entries()) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * plane[y * picture.width + first + i];
        narrow[y * width + x] = sum;
      }
    }
    for (const [y, { first, weights }] of rows.entries()) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * narrow[(first + i) * width + x];
        image[(channel * height + y) * width + x] = Math.min(255, Math.max(0, Math.round(sum)));
      }
    }
  }
  return image;
}

/** @throws DataError for a model that takes no pictures as files hold them */
export function checkChannels(channels: number): void {
  if (channels === 1 || channels === 3) return;
  throw new DataError(
    `A picture has 1 or 3 channels, but this model takes ${channels}; give it arrays of pixels.`,
  );
}

function checkedChannels({ data, width, height, channels }: RawPicture): number {
  const positive = [width, height].every((size) => Number.isSafeInteger(size) && size > 0);
  const given = channels ?? data.length / (width * height);
  if (positive && [1, 3, 4].includes(given) && data.length === width * height * given) return given;
  throw new DataError(
    `A picture of ${width} x ${height} pixels with ${given} channels cannot have ${data.length} bytes; give width x height x channels of them, with 1, 3 or 4 channels.`,
  );
}
