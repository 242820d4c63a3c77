/** The pictures of a source one after the other, as it gives them. */
import { type Random } from '../random/random.js';
import { type ImageShape, type Images, imageSize, shapeOf, sourceOf, unreadable } from './image-source.js';
import type { ImageTransform, Occasion, Picture } from './image-transform.js';

/**
 * Shows every picture of a source, in order. Memory is that of one picture, which is overwritten by the next.
 *
 * @param shape of the dataset's images
 * @throws DataError naming a picture that cannot be read
 */
export async function eachPicture(
  images: Images,
  shape: ImageShape,
  show: (picture: Picture, index: number) => void,
): Promise<void> {
  const source = sourceOf(images, shape);
  let buffer = new Uint8Array(imageSize(shape));
  for (let index = 0; index < source.count; index++) {
    const own = shapeOf(source, index, shape);
    const size = imageSize(own);
    if (buffer.length < size) buffer = new Uint8Array(size);
    const data = buffer.subarray(0, size);
    try {
      const reading = source.read(index, data);
      if (reading) await reading;
    } catch (error) {
      throw unreadable(index, error);
    }
    show({ data, shape: own }, index);
  }
}

/** A picture after one transform after the other. */
export function transformed(
  picture: Picture,
  transforms: readonly ImageTransform[],
  random: Random,
  occasion?: Occasion,
): Picture {
  return transforms.reduce((each, one) => one.apply(each, random, occasion), picture);
}
