/** The first layer's filters as a picture: one coloured tile for each output channel. */
import sharp from 'sharp';
import type { Tensors } from '../engine/session.js';
import type { Model } from '../nn/model.js';
import { traceAlone } from '../nn/model.js';
import { type Tensor, tensor } from '../tensor/tensor.js';
import { escapeXml } from './chart.js';

/** The filters of a first layer as one image. */
export interface FilterPicture {
  /** Pixels of the picture, one for each weight of a channel, with one pixel between tiles. */
  readonly width: number;
  readonly height: number;
  readonly count: number;
  /** [height, width] of one filter. */
  readonly kernel: readonly [number, number];
  /** With transparent gaps. */
  readonly png: Uint8Array;
  /** The same as a data URI. */
  readonly uri: string;
}

/**
 * The filters that a model applies to its image: [out, channels, height, width].
 *
 * After whitening they are the trained combinations of the whitening filters. Undefined for a first layer that has no
 * filters of an image's channels.
 */
export function firstFilters(model: Model, weights: Tensors): Tensor<'float32'> | undefined {
  const [channels] = model.imageShape;
  const whitening = Object.keys(weights).find((name) => name.endsWith('.whitening'));
  if (whitening !== undefined) {
    const fixed = weights[whitening] as Tensor<'float32'>;
    const mixing = weights[whitening.replace(/whitening$/, 'weight')] as Tensor<'float32'>;
    return combined(mixing, fixed);
  }
  const { parameters } = traceAlone(model, 1, false);
  const name = [...parameters].find(
    ([, { value }]) => value.shape.length === 4 && value.shape[1] === channels,
  )?.[0];
  return name === undefined ? undefined : (weights[name] as Tensor<'float32'>);
}

/** What a 1x1 convolution makes of filters: [out, n] · [n, …]. */
function combined(mixing: Tensor<'float32'>, filters: Tensor<'float32'>): Tensor<'float32'> {
  const [out, n] = mixing.shape;
  const size = filters.data.length / n;
  const result = new Float32Array(out * size);
  for (let o = 0; o < out; o++)
    for (let k = 0; k < n; k++)
      for (let i = 0; i < size; i++) {
        result[o * size + i] += mixing.data[o * n + k] * filters.data[k * size + i];
      }
  return tensor('float32', [out, ...filters.shape.slice(1)], result);
}

/**
 * Draws filters of one or three channels, each on a scale of its own: grey is 0, and the greatest weight is full
 * colour.
 *
 * @param scale pixels that a weight is wide and high
 */
export async function drawFilters(filters: Tensor<'float32'>, scale = 1): Promise<FilterPicture> {
  const [count, channels, rows, columns] = filters.shape;
  const across = Math.min(count, Math.ceil(Math.sqrt(2 * count)));
  const down = Math.ceil(count / across);
  const [width, height] = [across * (columns + 1) - 1, down * (rows + 1) - 1];
  const pixels = new Uint8Array(width * height * 4);
  const size = rows * columns;
  for (let filter = 0; filter < count; filter++) {
    const values = filters.data.subarray(filter * channels * size, (filter + 1) * channels * size);
    const greatest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const left = (filter % across) * (columns + 1);
    const top = Math.floor(filter / across) * (rows + 1);
    for (let i = 0; i < size; i++) {
      const at = 4 * ((top + Math.floor(i / columns)) * width + left + (i % columns));
      for (let colour = 0; colour < 3; colour++) {
        const channel = channels === 3 ? colour : 0;
        pixels[at + colour] = Math.round(127.5 + (127.5 * values[channel * size + i]) / greatest);
      }
      pixels[at + 3] = 255;
    }
  }
  const [wide, high] = [width * scale, height * scale];
  const png = await sharp(pixels, { raw: { width, height, channels: 4 } })
    .resize(wide, high, { kernel: 'nearest' })
    .png()
    .toBuffer();
  return {
    width: wide,
    height: high,
    count,
    kernel: [rows, columns],
    png,
    uri: `data:image/png;base64,${png.toString('base64')}`,
  };
}

/** The picture as an SVG of its own. @param description text */
export function filtersSvg({ width, height, uri }: FilterPicture, description: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(description)}"><image href="${uri}" width="${width}" height="${height}" style="image-rendering:pixelated"/></svg>`;
}
