/** Batches to train on while the clock runs: images of the embedded dataset, since noise would train otherwise. */
import { imageSize } from '../data/dataset.js';
import { shapes } from '../data/shapes.js';
import type { Model } from '../nn/model.js';
import type { TrainingBatch } from '../train/options.js';
import type { Standardization } from '../train/state.js';

/** Different batches; they come again in turn. */
const BATCHES = 4;

/** Batches of a model's image size, and how their pixels are standardised. */
export function batches(
  model: Model,
  batchSize: number,
): { inputs: TrainingBatch[]; standardization: Standardization } {
  const { imageShape, train, mean, deviation } = shapes({ train: BATCHES * batchSize, test: 1 });
  const size = imageSize(imageShape);
  const [, height] = imageShape;
  const factor = model.imageShape[1] / height;
  const inputs = Array.from({ length: BATCHES }, (_, index) => {
    const first = index * batchSize;
    const images = train.images.slice(first * size, (first + batchSize) * size);
    return {
      images: factor === 1 ? images : enlarged(images, height, factor),
      labels: Int32Array.from(train.labels).subarray(first, first + batchSize),
    };
  });
  return { inputs, standardization: { mean, deviation } };
}

/**
 * Images with every pixel repeated in both directions.
 *
 * @param images square planes of `side` pixels
 * @param factor a whole number
 */
export function enlarged(images: Uint8Array, side: number, factor: number): Uint8Array {
  const planes = images.length / side ** 2;
  const large = side * factor;
  const result = new Uint8Array(planes * large ** 2);
  for (let plane = 0, to = 0; plane < planes; plane++) {
    for (let row = 0; row < large; row++) {
      const from = (plane * side + Math.floor(row / factor)) * side;
      for (let column = 0; column < large; column++) {
        result[to++] = images[from + Math.floor(column / factor)];
      }
    }
  }
  return result;
}
