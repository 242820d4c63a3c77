/** Transforms of an image's colours, as Pillow computes them: in bytes, step by step. */
import type { Random } from '../random/random.js';
import { type ImageTransform, type Picture, known } from './image-transform.js';
import { checkFraction } from './transform-options.js';

const areaOf = ({ shape: [, height, width] }: Picture): number => height * width;

/** In between two levels, or beyond the second, cut off to a byte as Pillow's `blend` does. */
function blend(from: number, to: number, factor: number): number {
  const level = from + factor * (to - from);
  if (level <= 0) return 0;
  return level >= 255 ? 255 : Math.trunc(level);
}

/** The brightness of each pixel (ITU-R 601-2), in the fixed point that Pillow uses: uint8 [height * width]. */
export function luminance(picture: Picture): Uint8Array {
  const area = areaOf(picture);
  const { data, shape } = picture;
  if (shape[0] !== 3) return data.slice(0, area);
  const grey = new Uint8Array(area);
  for (let i = 0; i < area; i++) {
    grey[i] = (data[i] * 19595 + data[area + i] * 38470 + data[2 * area + i] * 7471 + 0x8000) >> 16;
  }
  return grey;
}

/** The picture, blended with another one: 0 gives the other, 1 the picture itself, more than 1 what lies beyond. */
function blended(picture: Picture, other: (i: number) => number, factor: number): Picture {
  const data = picture.data.map((level, i) => blend(other(i), level, factor));
  return { data, shape: picture.shape };
}

export const brightness = (picture: Picture, factor: number): Picture => blended(picture, () => 0, factor);

export function contrast(picture: Picture, factor: number): Picture {
  const grey = luminance(picture);
  const mean = Math.trunc(grey.reduce((sum, level) => sum + level, 0) / grey.length + 0.5);
  return blended(picture, () => mean, factor);
}

export function saturation(picture: Picture, factor: number): Picture {
  if (picture.shape[0] !== 3) return picture;
  const [grey, area] = [luminance(picture), areaOf(picture)];
  return blended(picture, (i) => grey[i % area], factor);
}

/** @param turn how far hues are turned, in whole turns, -0.5 to 0.5 */
export function hue(picture: Picture, turn: number): Picture {
  const shift = Math.trunc(turn * 255);
  if (picture.shape[0] !== 3 || shift === 0) return picture;
  const area = areaOf(picture);
  const data = new Uint8Array(picture.data);
  for (let i = 0; i < area; i++) {
    const [h, s, v] = toHsv(data[i], data[area + i], data[2 * area + i]);
    const [red, green, blue] = fromHsv((h + shift) & 255, s, v);
    data[i] = red;
    data[area + i] = green;
    data[2 * area + i] = blue;
  }
  return { data, shape: picture.shape };
}

type Triple = readonly [number, number, number];

function toHsv(red: number, green: number, blue: number): Triple {
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)];
  if (most === least) return [0, 0, most];
  const range = most - least;
  const [r, g, b] = [(most - red) / range, (most - green) / range, (most - blue) / range];
  const sector = red === most ? b - g : green === most ? 2 + r - b : 4 + g - r;
  return [Math.trunc(((sector / 6 + 1) % 1) * 255), Math.trunc((range / most) * 255), most];
}

function fromHsv(h: number, s: number, v: number): Triple {
  if (s === 0) return [v, v, v];
  const strength = s / 255;
  const place = (h * 6) / 255;
  const sector = Math.floor(place);
  const part = place - sector;
  const p = Math.round(v * (1 - strength));
  const q = Math.round(v * (1 - strength * part));
  const t = Math.round(v * (1 - strength * (1 - part)));
  const sectors: readonly Triple[] = [
    [v, t, p],
    [q, v, p],
    [p, v, t],
    [p, q, v],
    [t, p, v],
    [v, p, q],
  ];
  return sectors[sector % 6];
}

/** Options of `colorJitter`, each 0 (no change) by default. */
export interface ColorJitterOptions {
  /** Factors from 1 - brightness (0 at least) to 1 + brightness. */
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
  /** Hues are turned by up to so much either way, in whole turns; at most 0.5. */
  readonly hue?: number;
}

/**
 * Changes brightness, contrast, saturation and hue by chance, as torchvision's ColorJitter does. One draw of the order of
 * the four, then one for each that is not 0, in that order.
 *
 * @throws RangeError for a value out of range
 */
export function colorJitter(options: ColorJitterOptions = {}): ImageTransform {
  const changes = ['brightness', 'contrast', 'saturation', 'hue'] as const;
  const config = Object.fromEntries(
    changes.map((name) => [name, options[name] ?? 0]),
  ) as Required<ColorJitterOptions>;
  for (const name of changes) checkFraction(`colorJitter: ${name}`, config[name], name === 'hue' ? 0.5 : 10);
  const functions = { brightness, contrast, saturation, hue };
  const drawn = (name: keyof typeof functions, random: Random): number =>
    name === 'hue'
      ? random.uniform(-config.hue, config.hue)
      : random.uniform(Math.max(0, 1 - config[name]), 1 + config[name]);
  return known({
    name: 'colorJitter',
    config: { ...config },
    apply(picture, random) {
      let result = picture;
      for (const position of random.permutation(changes.length)) {
        const name = changes[position];
        if (config[name] > 0) result = functions[name](result, drawn(name, random));
      }
      return result;
    },
  });
}
