/** RandAugment (Cubuk et al., 2020): a few operations by chance, all of one magnitude. */
import { brightness, contrast, saturation } from './colour.js';
import { type ImageTransform, type Picture, known } from './image-transform.js';
import { checkWhole } from './transform-options.js';

/** A picture through an affine map from places of the result to places of the picture; nearest, and black beyond it. */
export function affine(
  { data, shape }: Picture,
  [a, b, c, d, e, f]: readonly [number, number, number, number, number, number],
): Picture {
  const [channels, height, width] = shape;
  const target = new Uint8Array(data.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = Math.floor(a * (column + 0.5) + b * (row + 0.5) + c);
      const y = Math.floor(d * (column + 0.5) + e * (row + 0.5) + f);
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      for (let channel = 0; channel < channels; channel++) {
        target[(channel * height + row) * width + column] = data[(channel * height + y) * width + x];
      }
    }
  }
  return { data: target, shape };
}

/** @param degrees counter-clockwise, around the middle */
export function rotate(picture: Picture, degrees: number): Picture {
  const [, height, width] = picture.shape;
  const angle = (-degrees * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [width / 2, height / 2];
  return affine(picture, [cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y]);
}

/** Blended with a picture that is smoothed by (1 1 1, 1 5 1, 1 1 1) / 13, but for its border. */
export function sharpness({ data, shape }: Picture, factor: number): Picture {
  const [channels, height, width] = shape;
  const target = new Uint8Array(data);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 1; row < height - 1; row++) {
      for (let column = 1; column < width - 1; column++) {
        const at = (channel * height + row) * width + column;
        let sum = 4 * data[at];
        for (const line of [at - width, at, at + width]) sum += data[line - 1] + data[line] + data[line + 1];
        const smooth = Math.min(255, Math.floor(sum / 13 + 0.5));
        const level = smooth + factor * (data[at] - smooth);
        target[at] = Math.min(255, Math.max(0, Math.trunc(level)));
      }
    }
  }
  return { data: target, shape };
}

/** Each channel through a table of its own levels. */
function remapped(
  { data, shape }: Picture,
  tableOf: (histogram: Uint32Array) => ((level: number) => number) | undefined,
): Picture {
  const area = shape[1] * shape[2];
  const target = new Uint8Array(data);
  for (let channel = 0; channel < shape[0]; channel++) {
    const histogram = new Uint32Array(256);
    for (let i = channel * area; i < (channel + 1) * area; i++) histogram[data[i]]++;
    const table = tableOf(histogram);
    if (!table) continue;
    for (let i = channel * area; i < (channel + 1) * area; i++) target[i] = table(data[i]);
  }
  return { data: target, shape };
}

/** Each channel stretched over all levels. */
export const autoContrast = (picture: Picture): Picture =>
  remapped(picture, (histogram) => {
    const [low, high] = [histogram.findIndex(Boolean), histogram.findLastIndex(Boolean)];
    if (high <= low) return undefined;
    const scale = 255 / (high - low);
    return (level) => Math.min(255, Math.max(0, Math.trunc(level * scale - low * scale)));
  });

/** Each channel such that its levels are equally frequent. */
export const equalize = (picture: Picture): Picture =>
  remapped(picture, (histogram) => {
    const total = histogram.reduce((sum, count) => sum + count);
    const step = Math.floor((total - histogram[histogram.findLastIndex(Boolean)]) / 255);
    if (step === 0) return undefined;
    const table = new Uint8Array(256);
    let sum = step >> 1;
    for (let level = 0; level < 256; level++) {
      table[level] = Math.min(255, Math.floor(sum / step));
      sum += histogram[level];
    }
    return (level) => table[level];
  });

export const posterize = (picture: Picture, bits: number): Picture => {
  const mask = 256 - (1 << (8 - bits));
  return { ...picture, data: picture.data.map((level) => level & mask) };
};

export const solarize = (picture: Picture, threshold: number): Picture => ({
  ...picture,
  data: picture.data.map((level) => (level < threshold ? level : 255 - level)),
});

/** An operation, and how strong it is for a share of the greatest magnitude, 0 to 1. */
interface Operation {
  /** Whether the strength is by chance negative. */
  readonly signed: boolean;
  readonly apply: (picture: Picture, share: number) => Picture;
}

const signed = (apply: Operation['apply']): Operation => ({ signed: true, apply });
const unsigned = (apply: Operation['apply']): Operation => ({ signed: false, apply });

/** In torchvision's order. */
const operations: readonly Operation[] = [
  unsigned((picture) => picture),
  signed((picture, share) => affine(picture, [1, 0.3 * share, 0, 0, 1, 0])),
  signed((picture, share) => affine(picture, [1, 0, 0, 0.3 * share, 1, 0])),
  signed((picture, share) =>
    affine(picture, [1, 0, -Math.trunc((150 / 331) * picture.shape[2] * share), 0, 1, 0]),
  ),
  signed((picture, share) =>
    affine(picture, [1, 0, 0, 0, 1, -Math.trunc((150 / 331) * picture.shape[1] * share)]),
  ),
  signed((picture, share) => rotate(picture, 30 * share)),
  signed((picture, share) => brightness(picture, 1 + 0.9 * share)),
  signed((picture, share) => saturation(picture, 1 + 0.9 * share)),
  signed((picture, share) => contrast(picture, 1 + 0.9 * share)),
  signed((picture, share) => sharpness(picture, 1 + 0.9 * share)),
  unsigned((picture, share) => posterize(picture, 8 - Math.round(4 * share))),
  unsigned((picture, share) => solarize(picture, 255 * (1 - share))),
  unsigned(autoContrast),
  unsigned(equalize),
];

/** Options of `randAugment`. */
export interface RandAugmentOptions {
  /** How many operations an image goes through; default 2. */
  readonly operations?: number;
  /** From 0 to 30, of all of them; default 9. */
  readonly magnitude?: number;
}

const GREATEST = 30;

/**
 * Applies operations that are drawn with replacement, as torchvision's RandAugment does: identity, shear and translation
 * both ways, rotation, brightness, colour, contrast, sharpness, posterize, solarize, auto-contrast and equalize. What
 * comes from beyond the image is black. One draw chooses each operation, and one its sign where it has one.
 *
 * @throws RangeError for a value out of range
 */
export function randAugment(options: RandAugmentOptions = {}): ImageTransform {
  const { operations: count = 2, magnitude = 9 } = options;
  checkWhole('randAugment: operations', count, 1, 100);
  checkWhole('randAugment: magnitude', magnitude, 0, GREATEST);
  return known({
    name: 'randAugment',
    config: { operations: count, magnitude },
    apply(picture, random) {
      let result = picture;
      for (let time = 0; time < count; time++) {
        const operation = operations[random.integer(operations.length)];
        const sign = operation.signed && random.integer(2) === 1 ? -1 : 1;
        result = operation.apply(result, (sign * magnitude) / GREATEST);
      }
      return result;
    },
  });
}
