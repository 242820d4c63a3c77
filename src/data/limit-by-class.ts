/** Fewer images of a dataset, drawn class by class. */
import { type ImageDataset, limit } from './dataset.js';
import { type Images, imageCount, imageSize } from './image-source.js';
import { setApart } from './split-validation.js';

/**
 * As `limit`, but with a share of every class in place of the first images, which may all be of one class where pictures are
 * in the order of their names. The draw is the same for all runs; the images stay in their order.
 *
 * @throws DataError as `limit` does
 */
export function limitByClass(dataset: ImageDataset, counts: { train?: number; test?: number }): ImageDataset {
  const limited = limit(dataset, counts);
  const size = imageSize(dataset.imageShape);
  const some = (images: Images, count: number | undefined, kind: string): Images => {
    const all = imageCount(images);
    if (count === undefined || count === all) return images;
    return setApart(images, size, { share: count / all, seed: 0 }, `limit/${kind}`, dataset.name)[1];
  };
  return {
    ...limited,
    train: some(dataset.train, counts.train, 'train'),
    test: some(dataset.test, counts.test, 'test'),
  };
}
