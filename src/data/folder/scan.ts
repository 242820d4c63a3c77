/** What is known of each picture of a folder once all of them have been looked at. */
import { allocateShared } from '../shared-memory.js';

/** Bytes of a hash that tells pictures apart. */
export const HASH_BYTES = 16;

/**
 * What a first pass over pictures has found, one entry for each file, in columns: a million pictures take about 100 MB.
 * In shared memory where the platform has it.
 */
export class Scan {
  readonly count: number;
  readonly channels: number;
  /** float64 [count, 2]: the file's bytes, and when it was last changed (milliseconds since 1970). */
  readonly stamps: Float64Array;
  /** int32 [count, 4]: height and width as decoded, and as they are in the file; zeros where it cannot be read. */
  readonly sizes: Int32Array;
  /** uint8 [count, HASH_BYTES]: a hash of the size and the pixels as decoded. */
  readonly hashes: Uint8Array;
  /** float64 [count, 2 * channels]: for each channel the sum of its pixels, then for each the sum of their squares. */
  readonly sums: Float64Array;
  /** int32 [count]: which file of pixels holds them, or -1. */
  readonly stores: Int32Array;
  /** float64 [count]: where they begin in it. */
  readonly offsets: Float64Array;
  /** Why a picture cannot be read. */
  readonly problems = new Map<number, string>();

  constructor(count: number, channels: number) {
    this.count = count;
    this.channels = channels;
    this.stamps = new Float64Array(allocateShared(16 * count).buffer);
    this.sizes = new Int32Array(allocateShared(16 * count).buffer);
    this.hashes = allocateShared(HASH_BYTES * count);
    this.sums = new Float64Array(allocateShared(16 * channels * count).buffer);
    this.stores = new Int32Array(allocateShared(4 * count).buffer).fill(-1);
    this.offsets = new Float64Array(allocateShared(8 * count).buffer);
  }

  /** Whether the picture was decoded. */
  isGood(index: number): boolean {
    return this.sizes[4 * index] > 0;
  }

  /** Height and width as decoded. */
  size(index: number): readonly [height: number, width: number] {
    return [this.sizes[4 * index], this.sizes[4 * index + 1]];
  }

  hash(index: number): Uint8Array {
    return this.hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  /** Takes over what another scan knows of a picture. */
  copy(index: number, other: Scan, from: number): void {
    for (const [column, width] of [
      ['stamps', 2],
      ['sizes', 4],
      ['hashes', HASH_BYTES],
      ['sums', 2 * this.channels],
      ['stores', 1],
      ['offsets', 1],
    ] as const) {
      this[column].set(other[column].subarray(from * width, (from + 1) * width), index * width);
    }
    const problem = other.problems.get(from);
    if (problem !== undefined) this.problems.set(index, problem);
  }
}

/** Mean and deviation of each channel over pictures of a scan, of pixels scaled to [0, 1]; a constant channel has 1. */
export function scanStatistics(
  scan: Scan,
  indices: ArrayLike<number>,
): { readonly mean: number[]; readonly deviation: number[] } {
  const { channels } = scan;
  const totals = new Float64Array(2 * channels);
  let pixels = 0;
  for (let i = 0; i < indices.length; i++) {
    const [height, width] = scan.size(indices[i]);
    pixels += height * width;
    for (let k = 0; k < 2 * channels; k++) totals[k] += scan.sums[2 * channels * indices[i] + k];
  }
  const mean = Array.from(totals.subarray(0, channels), (sum) => sum / pixels / 255);
  const deviation = Array.from(totals.subarray(channels), (square, channel) => {
    // Of whole numbers, so that equal pixels give exactly 0.
    const variance = (square - (totals[channel] * totals[channel]) / pixels) / pixels;
    return variance > 0 ? Math.sqrt(variance) / 255 : 1;
  });
  return { mean, deviation };
}
