/** The augmentation of small images: a random crop from a zero-padded border, and mirroring by chance. */
import type { Random } from '../random/random.js';
import { type ImageShape } from './image-source.js';
import { type ImageTransform, type Picture, known } from './image-transform.js';
import { LARGEST_SIDE, checkWhole } from './transform-options.js';

/** How an image is cropped and mirrored. */
export interface CropAndFlip {
  /** Rows and columns of zeros added on each side before a random crop back to the original size; 0 for none. */
  readonly cropPadding: number;
  /** Whether every second image, by chance, is mirrored left to right. */
  readonly horizontalFlip: boolean;
}

/** Options of `randomCrop`. */
export interface RandomCropOptions {
  /** Rows and columns added on each side; default 0, which leaves images as they are. */
  readonly padding?: number;
  /** What they hold: `zeros`, or the image mirrored at its edge, without the edge itself, which `padding` has to leave room for. Default `zeros`. */
  readonly paddingMode?: 'zeros' | 'reflect';
}

/**
 * Pads an image and crops it back to its size at a random place, as torchvision's RandomCrop does. Two draws
 * choose how far it is moved down and right; none without padding.
 *
 * @throws RangeError for a padding that is no whole number from 0 to 65,536, or a mode that does not exist; when it is
 *   applied, for an image that is too small to be mirrored so far
 */
export function randomCrop({ padding = 0, paddingMode = 'zeros' }: RandomCropOptions = {}): ImageTransform {
  checkWhole('randomCrop: padding', padding, 0, LARGEST_SIDE);
  // It may come from a file.
  if (!['zeros', 'reflect'].includes(paddingMode))
    throw new RangeError(
      `randomCrop: paddingMode must be "zeros" or "reflect", not ${JSON.stringify(paddingMode)}`,
    );
  if (paddingMode === 'reflect') {
    return known({
      name: 'randomCrop',
      config: { padding, paddingMode },
      apply: (picture, random) => reflectedCrop(picture, padding, random),
    });
  }
  const how = { cropPadding: padding, horizontalFlip: false };
  return known({
    name: 'randomCrop',
    config: { padding },
    apply: (picture, random) => augmented(picture, how, random),
    skip: (shape, random) => skipped(shape, how, random),
  });
}

/** Mirrors every second image, by chance, left to right, as torchvision's RandomHorizontalFlip does. One draw. */
export function randomHorizontalFlip(): ImageTransform {
  const how = { cropPadding: 0, horizontalFlip: true };
  return known({
    name: 'randomHorizontalFlip',
    config: {},
    apply: (picture, random) => augmented(picture, how, random),
    skip: (shape, random) => skipped(shape, how, random),
  });
}

/** The same with a border that is the image mirrored. */
function reflectedCrop({ data, shape }: Picture, padding: number, random: Random): Picture {
  const [channels, height, width] = shape;
  if (padding >= Math.min(height, width)) {
    throw new RangeError(
      `randomCrop: an image of ${height}x${width} pixels cannot be mirrored by ${padding} pixels; give less padding`,
    );
  }
  if (padding === 0) return { data, shape };
  const down = random.integer(2 * padding + 1) - padding;
  const right = random.integer(2 * padding + 1) - padding;
  const within = (at: number, size: number): number => (at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at);
  const columns = Array.from({ length: width }, (_, column) => within(column + right, width));
  const target = new Uint8Array(data.length);
  for (let row = 0; row < channels * height; row++) {
    const from = (row - (row % height) + within((row % height) + down, height)) * width;
    for (let column = 0; column < width; column++)
      target[row * width + column] = data[from + columns[column]]!;
  }
  return { data: target, shape };
}

/** An image mirrored left to right. */
export function mirrored({ data, shape }: Picture): Picture {
  const width = shape[2];
  const target = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) target[at - (at % width) + width - 1 - (at % width)] = data[at]!;
  return { data: target, shape };
}

function augmented({ data, shape }: Picture, how: CropAndFlip, random: Random): Picture {
  const target = new Uint8Array(data.length);
  augmentImage(target, 0, data, 0, shape, how, random);
  return { data: target, shape };
}

function skipped(shape: ImageShape, how: CropAndFlip, random: Random): ImageShape {
  drawn(how, random);
  return shape;
}

/** How far the crop window is moved down and right of the image's own place, -padding … padding; whether it is mirrored. */
function drawn({ cropPadding, horizontalFlip }: CropAndFlip, random: Random): [number, number, boolean] {
  const down = cropPadding > 0 ? random.integer(2 * cropPadding + 1) - cropPadding : 0;
  const right = cropPadding > 0 ? random.integer(2 * cropPadding + 1) - cropPadding : 0;
  return [down, right, horizontalFlip && random.integer(2) === 1];
}

/**
 * Writes one image, augmented, to `target` from `targetOffset` on.
 *
 * Two draws choose the crop (none without padding) and one the mirroring (none without it), in this order.
 *
 * @param target - receives channels * height * width bytes; whatever stood there is overwritten
 * @param source - uint8 images; the one to read begins at `sourceOffset`
 */
export function augmentImage(
  target: Uint8Array,
  targetOffset: number,
  source: Uint8Array,
  sourceOffset: number,
  [channels, height, width]: ImageShape,
  how: CropAndFlip,
  random: Random,
): void {
  const [down, right, mirrored] = drawn(how, random);
  const first = Math.max(0, -right);
  const end = Math.min(width, width - right);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const to = targetOffset + (channel * height + row) * width;
      target.fill(0, to, to + width);
      const sourceRow = row + down;
      if (sourceRow < 0 || sourceRow >= height) continue;
      const from = sourceOffset + (channel * height + sourceRow) * width + right;
      if (mirrored) {
        const last = to + width - 1;
        for (let column = first; column < end; column++) target[last - column] = source[from + column]!;
      } else {
        for (let column = first; column < end; column++) target[to + column] = source[from + column]!;
      }
    }
  }
}
