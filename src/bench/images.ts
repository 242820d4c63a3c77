/** Batches to train on while the clock runs: images of the embedded dataset, since noise would train otherwise. */
import type { Tensors } from '../engine/session.js';
import { type ImageDataset, imageSize } from '../data/dataset.js';
import { shapes } from '../data/shapes.js';
import type { Model } from '../nn/model.js';
import { tensor } from '../tensor/tensor.js';

/** Different batches; they come again in turn. */
const BATCHES = 4;

/** The inputs of a step beside the state and the optimizer's. */
export function batches(model: Model, batchSize: number): Tensors[] {
  const dataset = shapes({ train: BATCHES * batchSize, test: 1 });
  return Array.from({ length: BATCHES }, (_, index) => batch(dataset, model, batchSize, index));
}

function batch(dataset: ImageDataset, model: Model, batchSize: number, index: number): Tensors {
  const { imageShape, train, mean, deviation } = dataset;
  const [first, size] = [index * batchSize, imageSize(imageShape)];
  const images = train.images.slice(first * size, (first + batchSize) * size);
  const [channels, height] = imageShape;
  const factor = model.imageShape[1] / height;
  return {
    images: tensor(
      'uint8',
      [batchSize, ...model.imageShape],
      factor === 1 ? images : enlarged(images, height, factor),
    ),
    labels: tensor('int32', [batchSize], Int32Array.from(train.labels.subarray(first, first + batchSize))),
    mean: tensor('float32', [channels], mean),
    deviation: tensor('float32', [channels], deviation),
  };
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
