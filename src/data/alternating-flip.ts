/** Alternating flip (Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024). */
import { Random } from '../random/random.js';
import { mirrored } from './augment.js';
import { type ImageTransform, known } from './image-transform.js';
import { checkWhole } from './transform-options.js';

/** Options of `alternatingFlip`. */
export interface AlternatingFlipOptions {
  /** Decides which images are mirrored in the first epoch; at least 0. Default 0. */
  readonly seed?: number;
}

/**
 * Mirrors half of the images, by chance, left to right in the first epoch, the others in the second, the first half again
 * in the third, and so on: in two epochs every image is seen both ways, which by tossing a coin each time it is not.
 * Nothing is drawn; which images begin mirrored depends on the seed and the image's number alone.
 *
 * @throws RangeError for a seed that is no whole number of at least 0
 */
export function alternatingFlip({ seed = 0 }: AlternatingFlipOptions = {}): ImageTransform {
  checkWhole('alternatingFlip: seed', seed, 0, Number.MAX_SAFE_INTEGER);
  return known({
    name: 'alternatingFlip',
    config: { seed },
    apply(picture, _random, { image, epoch } = { image: 0, epoch: 0 }) {
      const first = Random.fromSeed(seed, `flip/${image}`).integer(2);
      return (first + epoch) % 2 === 1 ? mirrored(picture) : picture;
    },
  });
}
