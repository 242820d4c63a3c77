/** A rectangle of an image, erased. */
import { type ImageTransform, known } from './image-transform.js';
import { checkFraction, checkRange, checkWhole } from './transform-options.js';

/** Options of `randomErasing`. */
export interface RandomErasingOptions {
  /** That an image is changed; default 0.5. */
  readonly probability?: number;
  /** The share of the image's area that is erased, [least, most]; default [0.02, 0.33]. */
  readonly scale?: readonly [least: number, most: number];
  /** Height by width of what is erased, [least, most]; default [0.3, 3.3]. */
  readonly ratio?: readonly [least: number, most: number];
  /** The level that is put there, 0 to 255, or `random` for one of each pixel's own; default 0. */
  readonly value?: number | 'random';
}

/** How often a rectangle is drawn until one fits. */
const TRIES = 10;

/**
 * Erases a random rectangle, as torchvision's RandomErasing does, but in bytes, before they are standardised. One draw
 * says whether; two choose area and ratio, up to ten times until the rectangle fits, two more its place; then one for
 * each level, where they are random.
 *
 * @throws RangeError for a value out of range
 */
export function randomErasing(options: RandomErasingOptions = {}): ImageTransform {
  const { probability = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0 } = options;
  checkFraction('randomErasing: probability', probability, 1);
  checkRange('randomErasing: scale', scale, 1);
  checkRange('randomErasing: ratio', ratio, 1000);
  if (value !== 'random') checkWhole('randomErasing: value', value, 0, 255);
  return known({
    name: 'randomErasing',
    config: { probability, scale, ratio, value },
    apply(picture, random) {
      if (random.uniform() >= probability) return picture;
      const [channels, height, width] = picture.shape;
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const area = height * width * random.uniform(...scale);
        const drawn = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
        const [rows, columns] = [Math.round(Math.sqrt(area * drawn)), Math.round(Math.sqrt(area / drawn))];
        if (rows < 1 || columns < 1 || rows >= height || columns >= width) continue;
        const top = random.integer(height - rows + 1);
        const left = random.integer(width - columns + 1);
        const data = new Uint8Array(picture.data);
        for (let row = 0; row < channels * rows; row++) {
          const start = (Math.floor(row / rows) * height + top + (row % rows)) * width + left;
          for (let i = start; i < start + columns; i++)
            data[i] = value === 'random' ? random.integer(256) : value;
        }
        return { data, shape: picture.shape };
      }
      return picture;
    },
  });
}
