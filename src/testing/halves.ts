/** Images that the smallest network tells apart within a few steps, for tests of what comes after learning. */
import type { ImageDataset, Split } from '../data/dataset.js';
import { Random } from '../random/random.js';

const SHAPE = [3, 32, 32] as const;
/** Pixels; the patches of the models that are tested with it are as wide. */
const PATCH = 8;

/** Two classes in equal numbers: the left or the right half of every patch of 8 pixels is bright; the rest is noise. */
export function halves({ train, test }: { readonly train: number; readonly test: number }): ImageDataset {
  const random = Random.fromSeed(0, 'halves');
  const [channels, height, width] = SHAPE;
  const split = (count: number): Split => ({
    labels: Uint8Array.from({ length: count }, (_, i) => i % 2),
    images: Uint8Array.from({ length: count * channels * height * width }, (_, at) => {
      const image = Math.floor(at / (channels * height * width));
      const right = at % PATCH >= PATCH / 2;
      return (right === (image % 2 === 1) ? 100 : 0) + random.integer(156);
    }),
  });
  return {
    name: 'halves',
    classNames: ['left', 'right'],
    imageShape: SHAPE,
    mean: [0.5, 0.5, 0.5],
    deviation: [0.25, 0.25, 0.25],
    augmentation: [],
    train: split(train),
    test: split(test),
  };
}
