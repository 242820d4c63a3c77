/** Augmentation of a training image: a random crop from a zero-padded border, and mirroring by chance. */
import type { Random } from '../random/random.js';
import type { ImageShape } from './dataset.js';
import type { Augmentation } from './loader.js';

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
  { cropPadding, horizontalFlip }: Augmentation,
  random: Random,
): void {
  // How far the crop window is moved down and right of the image's own place: -padding … padding.
  const down = cropPadding > 0 ? random.integer(2 * cropPadding + 1) - cropPadding : 0;
  const right = cropPadding > 0 ? random.integer(2 * cropPadding + 1) - cropPadding : 0;
  const mirrored = horizontalFlip && random.integer(2) === 1;
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
