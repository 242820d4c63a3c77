/** Images of any sizes, in memory. */
import { type ImageSource } from './image-source.js';
import type { Labels } from './shared-memory.js';

/** Images one behind the other, which a worker thread reads in place where they lie in shared memory. */
export interface PackedImages {
  /** uint8, one image [channels, height, width] after the other. */
  readonly bytes: Uint8Array;
  /** Where each image begins. */
  readonly offsets: Float64Array;
  /** int32 [images, 2]: height and width of each. */
  readonly sizes: Int32Array;
  readonly labels: Labels;
  readonly channels: number;
}

/** Images of any sizes as a source. */
export class PictureList implements ImageSource {
  readonly packed: PackedImages;

  constructor(packed: PackedImages) {
    this.packed = packed;
  }

  get count(): number {
    return this.packed.labels.length;
  }

  label(index: number): number {
    return this.packed.labels[index];
  }

  size(index: number): readonly [height: number, width: number] {
    return [this.packed.sizes[2 * index], this.packed.sizes[2 * index + 1]];
  }

  read(index: number, target: Uint8Array): void {
    const start = this.packed.offsets[index];
    target.set(this.packed.bytes.subarray(start, start + target.length));
  }
}
