/** A source that a worker thread makes by its module: striped images, read at once or later. */
import { setImmediate } from 'node:timers/promises';
import type { ImageSource } from '../data/image-source.js';

export interface StripedParameters {
  readonly count: number;
  readonly classes: number;
  /** Whether reading takes a turn of the event loop or a few, for some images longer than for others. */
  readonly later: boolean;
  /** Height and width, where they are not those of the dataset. */
  readonly size?: readonly [height: number, width: number];
  /** An image that cannot be read. */
  readonly broken?: number;
}

/** Of [3, 4, 5] pixels, each other than those beside it. */
export default function striped({ count, classes, later, broken, size }: StripedParameters): ImageSource {
  const fill = (index: number, target: Uint8Array): void => {
    if (index === broken) throw new Error('the disk is gone');
    for (let i = 0; i < target.length; i++) target[i] = (index * 31 + i * 7) & 255;
  };
  return {
    count,
    ...(size && { size: () => size }),
    label: (index) => (index * 13) % classes,
    read: later
      ? async (index, target) => {
          for (let turn = index % 3; turn >= 0; turn--) await setImmediate();
          fill(index, target);
        }
      : fill,
  };
}

export const stripedModule = new URL(import.meta.url);
