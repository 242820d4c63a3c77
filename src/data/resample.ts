/** Scaling of images. */
import { type Picture } from './image-transform.js';

/** A part of an image, in pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** What the positions of a result are made of: as many neighbours each, some with a weight of zero. */
interface Taps {
  readonly count: number;
  /** The first position that each is made of. */
  readonly first: Int32Array;
  /** [to, count], row-major. */
  readonly weights: Float64Array;
}

/**
 * Scales a part of an image: bilinear interpolation, where it gets smaller with the triangle as wide as the pixels that
 * become one (as Pillow and torchvision, `antialias=True`, do). Pixels beyond the part do not count. Both directions
 * are summed in float64 and rounded once, halves up, so that the result is the same everywhere.
 */
export function resample({ data, shape }: Picture, part: Window, height: number, width: number): Picture {
  const [channels, fromHeight, fromWidth] = shape;
  const [down, across] = [tapsOf(part.height, height), tapsOf(part.width, width)];
  const target = new Uint8Array(channels * height * width);
  // As many lines of the right width as a line of the result is made of: they stay in the processor's cache.
  const lines = Array.from({ length: down.count }, () => new Float64Array(width));
  const sum = new Float64Array(width);
  for (let channel = 0; channel < channels; channel++) {
    const start = (channel * fromHeight + part.top) * fromWidth + part.left;
    let next = 0;
    for (let row = 0; row < height; row++) {
      const first = down.first[row];
      for (; next < first + down.count; next++)
        resampleLine(data, start + next * fromWidth, across, lines[next % down.count]);
      const lineOf = (tap: number): Float64Array => lines[(first + tap) % down.count];
      const weights = down.weights.subarray(row * down.count, (row + 1) * down.count);
      const last = down.count - 1;
      sum.fill(0);
      for (let tap = 0; tap < last; tap++) addScaled(sum, lineOf(tap), weights[tap]);
      roundInto(target, (channel * height + row) * width, sum, lineOf(last), weights[last]);
    }
  }
  return { data: target, shape: [channels, height, width] };
}

function resampleLine(data: Uint8Array, start: number, taps: Taps, line: Float64Array): void {
  const { count, first, weights } = taps;
  for (let column = 0, tap = 0; column < line.length; column++) {
    let sum = 0;
    const begin = start + first[column];
    for (let at = begin; at < begin + count; at++) sum += weights[tap++] * data[at];
    line[column] = sum;
  }
}

function addScaled(sum: Float64Array, line: Float64Array, weight: number): void {
  for (let column = 0; column < sum.length; column++) sum[column] += weight * line[column];
}

/** The last line together with the rounding: two passes would take longer. */
function roundInto(
  target: Uint8Array,
  to: number,
  sum: Float64Array,
  line: Float64Array,
  weight: number,
): void {
  for (let column = 0; column < sum.length; column++)
    target[to + column] = (sum[column] + weight * line[column] + 0.5) | 0;
}

/** The weights by which `from` values in a row become `to`, float32 [to, from]. */
export function resamplingMatrix(from: number, to: number): Float32Array {
  const matrix = new Float32Array(to * from);
  const { count, first, weights } = tapsOf(from, to);
  for (let row = 0; row < to; row++)
    matrix.set(weights.subarray(row * count, (row + 1) * count), row * from + first[row]);
  return matrix;
}

function tapsOf(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const centers = Array.from({ length: to }, (_, position) => (position + 0.5) * scale);
  const begins = centers.map((center) => Math.max(0, Math.floor(center - support + 0.5)));
  const ends = centers.map((center) => Math.min(from, Math.floor(center + support + 0.5)));
  const count = ends.reduce((most, end, position) => Math.max(most, end - begins[position]), 1);
  const first = new Int32Array(to);
  const weights = new Float64Array(to * count);
  for (const [position, center] of centers.entries()) {
    // At the end of the line the weights of zero are the first ones.
    first[position] = Math.min(begins[position], from - count);
    let sum = 0;
    for (let at = begins[position]; at < ends[position]; at++) {
      const weight = Math.max(0, 1 - Math.abs(at + 0.5 - center) / support);
      weights[position * count + at - first[position]] = weight;
      sum += weight;
    }
    for (let tap = position * count; tap < (position + 1) * count; tap++) weights[tap] /= sum;
  }
  return { count, first, weights };
}
