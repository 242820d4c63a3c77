/** Transforms that change an image's size. */
import type { Random } from '../random/random.js';
import type { ImageShape } from './image-source.js';
import { type ImageTransform, type Picture, known } from './image-transform.js';
import { type Window, resample } from './resample.js';
import { checkRange, sides } from './transform-options.js';

/** Options of `resize`. */
export interface ResizeOptions {
  /**
   * In pixels: [height, width], or one number for the shorter side; the longer is then what keeps the ratio of the
   * two, rounded down.
   */
  readonly size: number | readonly [height: number, width: number];
}

/**
 * Scales an image, as torchvision's Resize does: bilinear, and where it gets smaller averaged over all pixels that
 * become one (see `resample`). Nothing is drawn.
 *
 * @throws RangeError for a size out of range
 */
export function resize({ size }: ResizeOptions): ImageTransform {
  const wanted = sides('resize: size', size);
  const resized = ([, height, width]: ImageShape): readonly [number, number] => {
    const short = Math.min(height, width);
    const scaled = (side: number): number => Math.floor((side * wanted[0]) / short);
    return typeof size === 'number' ? [scaled(height), scaled(width)] : wanted;
  };
  return known({
    name: 'resize',
    config: { size },
    apply: (picture) => resample(picture, whole(picture), ...resized(picture.shape)),
    skip: (shape) => [shape[0], ...resized(shape)],
  });
}

/** Options of `centerCrop`. */
export interface CenterCropOptions {
  /** In pixels: [height, width], or one number for both. */
  readonly size: number | readonly [height: number, width: number];
}

/**
 * Cuts out the middle of an image, as torchvision's CenterCrop does; of an odd difference the smaller part is cut off
 * above and on the left. What the image is too small for is zero. Nothing is drawn.
 *
 * @throws RangeError for a size out of range
 */
export function centerCrop({ size }: CenterCropOptions): ImageTransform {
  const [height, width] = sides('centerCrop: size', size);
  return known({
    name: 'centerCrop',
    config: { size },
    apply: (picture) => cropped(picture, height, width),
    skip: ([channels]) => [channels, height, width],
  });
}

/** Options of `randomResizedCrop`. */
export interface RandomResizedCropOptions {
  /** Of the result, in pixels: [height, width], or one number for both. */
  readonly size: number | readonly [height: number, width: number];
  /** The share of the image's area that is cut out, [least, most]; default [0.08, 1]. */
  readonly scale?: readonly [least: number, most: number];
  /** Width by height of what is cut out, [least, most]; default [3/4, 4/3]. */
  readonly ratio?: readonly [least: number, most: number];
}

/** How often a window is drawn until one lies within the image. */
const TRIES = 10;

/**
 * Cuts out a random part of an image and scales it, as torchvision's RandomResizedCrop does. Two draws choose area and
 * ratio of the part, up to ten times until it fits into the image, and two more its place; where none fits, it is the
 * largest part in the middle of a ratio within the range.
 *
 * @throws RangeError for a size, scale or ratio out of range
 */
export function randomResizedCrop(options: RandomResizedCropOptions): ImageTransform {
  const { size, scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = options;
  const [height, width] = sides('randomResizedCrop: size', size);
  checkRange('randomResizedCrop: scale', scale, 1);
  checkRange('randomResizedCrop: ratio', ratio, 1000);
  return known({
    name: 'randomResizedCrop',
    config: { size, scale, ratio },
    apply: (picture, random) =>
      resample(picture, drawWindow(picture.shape, scale, ratio, random), height, width),
    skip: (shape, random) => {
      drawWindow(shape, scale, ratio, random);
      return [shape[0], height, width];
    },
  });
}

function drawWindow(
  [, height, width]: ImageShape,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  random: Random,
): Window {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const area = height * width * random.uniform(...scale);
    const drawn = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const part = { height: Math.round(Math.sqrt(area / drawn)), width: Math.round(Math.sqrt(area * drawn)) };
    if (part.height < 1 || part.width < 1 || part.height > height || part.width > width) continue;
    const top = random.integer(height - part.height + 1);
    const left = random.integer(width - part.width + 1);
    return { ...part, top, left };
  }
  const nearest = Math.min(Math.max(width / height, ratio[0]), ratio[1]);
  const part = {
    height: Math.max(1, Math.min(height, Math.round(width / nearest))),
    width: Math.max(1, Math.min(width, Math.round(height * nearest))),
  };
  return {
    ...part,
    top: Math.floor((height - part.height) / 2),
    left: Math.floor((width - part.width) / 2),
  };
}

const whole = ({ shape: [, height, width] }: Picture): Window => ({ top: 0, left: 0, height, width });

function cropped(
  { data, shape: [channels, height, width] }: Picture,
  toHeight: number,
  toWidth: number,
): Picture {
  const target = new Uint8Array(channels * toHeight * toWidth);
  const top = Math.floor((height - toHeight) / 2);
  const left = Math.floor((width - toWidth) / 2);
  const [first, end] = [Math.max(0, left), Math.min(width, left + toWidth)];
  for (let channel = 0; channel < channels; channel++) {
    for (let row = Math.max(0, top); row < Math.min(height, top + toHeight); row++) {
      const from = (channel * height + row) * width;
      const to = (channel * toHeight + row - top) * toWidth;
      target.set(data.subarray(from + first, from + end), to + first - left);
    }
  }
  return { data: target, shape: [channels, toHeight, toWidth] };
}
