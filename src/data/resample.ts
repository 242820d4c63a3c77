/** Scaling of images. */
import { type Picture } from './image-transform.js';

/** A part of an image, in pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** What the positions of a result are made of. */
interface Taps {
  /** The first position that each is made of. */
  readonly first: Int32Array;
  /** The weights from there on, of all results one behind the other. */
  readonly weights: Float64Array;
  /** Where those of each end. */
  readonly end: Int32Array;
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
  const narrowed = new Float64Array(part.height * width);
  const line = new Float64Array(width);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < part.height; row++) {
      const start = (channel * fromHeight + part.top + row) * fromWidth + part.left;
      for (let column = 0, tap = 0; column < width; column++) {
        let sum = 0;
        for (let at = start + across.first[column]; tap < across.end[column]; tap++, at++)
          sum += across.weights[tap] * data[at];
        narrowed[row * width + column] = sum;
      }
    }
    // Line by line, and the last one of each together with the rounding: memory is read in its order.
    for (let row = 0, tap = 0; row < height; row++) {
      line.fill(0);
      let from = down.first[row] * width;
      for (const last = down.end[row] - 1; tap < last; tap++, from += width) {
        const weight = down.weights[tap];
        for (let column = 0; column < width; column++) line[column] += weight * narrowed[from + column];
      }
      const weight = down.weights[tap++];
      const to = (channel * height + row) * width;
      for (let column = 0; column < width; column++)
        target[to + column] = (line[column] + weight * narrowed[from + column] + 0.5) | 0;
    }
  }
  return { data: target, shape: [channels, height, width] };
}

/** The weights by which `from` values in a row become `to`, float32 [to, from]. */
export function resamplingMatrix(from: number, to: number): Float32Array {
  const matrix = new Float32Array(to * from);
  const { first, weights, end } = tapsOf(from, to);
  for (let row = 0, tap = 0; row < to; row++) {
    matrix.set(weights.subarray(tap, end[row]), row * from + first[row]);
    tap = end[row];
  }
  return matrix;
}

function tapsOf(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const [first, end] = [new Int32Array(to), new Int32Array(to)];
  const all: number[] = [];
  for (let position = 0; position < to; position++) {
    const center = (position + 0.5) * scale;
    const begin = Math.max(0, Math.floor(center - support + 0.5));
    const beyond = Math.min(from, Math.floor(center + support + 0.5));
    const weights = Array.from({ length: beyond - begin }, (_, i) =>
      Math.max(0, 1 - Math.abs(begin + i + 0.5 - center) / support),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    for (const weight of weights) all.push(weight / sum);
    first[position] = begin;
    end[position] = all.length;
  }
  return { first, weights: Float64Array.from(all), end };
}
