/** Scaling of images. */
import { type Picture } from './image-transform.js';

/** A part of an image, in pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** For each position of a result: the first position that it is made of, and the weights from there on. */
type Taps = readonly { readonly first: number; readonly weights: Float64Array }[];

/**
 * Scales a part of an image: bilinear interpolation, where it gets smaller with the triangle as wide as the pixels that
 * become one (as Pillow and torchvision, `antialias=True`, do). Pixels beyond the part do not count. Both directions
 * are summed in float64 and rounded once, halves up, so that the result is the same everywhere.
 */
export function resample({ data, shape }: Picture, part: Window, height: number, width: number): Picture {
  const [channels, fromHeight, fromWidth] = shape;
  const [down, across] = [tapsOf(part.height, height), tapsOf(part.width, width)];
  const target = new Uint8Array(channels * height * width);
  const narrowed = new Float64Array(part.height * width);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < part.height; row++) {
      const start = (channel * fromHeight + part.top + row) * fromWidth + part.left;
      for (let column = 0; column < width; column++) {
        const { first, weights } = across[column];
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * data[start + first + i];
        narrowed[row * width + column] = sum;
      }
    }
    for (let row = 0; row < height; row++) {
      const { first, weights } = down[row];
      for (let column = 0; column < width; column++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * narrowed[(first + i) * width + column];
        target[(channel * height + row) * width + column] = Math.floor(sum + 0.5);
      }
    }
  }
  return { data: target, shape: [channels, height, width] };
}

/** The weights by which `from` values in a row become `to`, float32 [to, from]. */
export function resamplingMatrix(from: number, to: number): Float32Array {
  const matrix = new Float32Array(to * from);
  tapsOf(from, to).forEach(({ first, weights }, row) => {
    matrix.set(weights, row * from + first);
  });
  return matrix;
}

function tapsOf(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, position) => {
    const center = (position + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - support + 0.5));
    const end = Math.min(from, Math.floor(center + support + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_none, i) =>
      Math.max(0, 1 - Math.abs(first + i + 0.5 - center) / support),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
