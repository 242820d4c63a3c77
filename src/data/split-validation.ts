/** Validation images for a dataset that has none: some of its training images, set aside. */
import { Random } from '../random/random.js';
import { OptionError } from '../tensor/option-error.js';
import { DataError } from './data-error.js';
import {
  type ImageDataset,
  type SetAside,
  type Split,
  allocateShared,
  imageCount,
  imageSize,
} from './dataset.js';

/**
 * The dataset with a share of its training images set aside as validation images.
 *
 * The draw is stratified: of every class that share is set aside, rounded down or up so that the whole has
 * `Math.round(share * images)` images. It depends on the seed and the labels alone. Both parts are copies, in the order
 * the images had; the test images are untouched.
 *
 * @param options.share of the training images, above 0 and below 1
 * @param options.seed of the draw, any safe integer; default 0
 * @throws OptionError for a share or seed out of range
 * @throws DataError when the dataset has validation images already, or one of the two parts would be empty
 */
export function splitValidation(
  dataset: ImageDataset,
  { share, seed = 0 }: { readonly share: number; readonly seed?: number },
): ImageDataset {
  if (!(share > 0 && share < 1)) {
    throw new OptionError(`the share of validation images must be above 0 and below 1, not ${share}`);
  }
  const { name, train, validation } = dataset;
  if (validation) {
    throw new DataError(`${name} has validation images of its own; leave out the share to set aside.`);
  }
  const images = imageCount(train);
  const aside = Math.round(share * images);
  if (aside === 0 || aside === images) {
    throw new DataError(
      `A share of ${share} of the ${images} training images of ${name} is ${aside === 0 ? 'no image: choose a larger one' : 'all of them: choose a smaller one'}.`,
    );
  }
  const chosen = draw(train.labels, { share, seed }, aside);
  const setAside: SetAside = { share, seed };
  return {
    ...dataset,
    train: part(train, imageSize(dataset.imageShape), (image) => chosen[image] === 0),
    validation: part(train, imageSize(dataset.imageShape), (image) => chosen[image] === 1),
    setAside,
  };
}

/** A one for every image that is set aside, `total` of them. */
function draw(labels: Uint8Array, { share, seed }: SetAside, total: number): Uint8Array {
  const random = Random.fromSeed(seed, 'validation');
  const classes = new Map<number, number[]>();
  labels.forEach((label, image) => {
    const images = classes.get(label);
    if (images) images.push(image);
    else classes.set(label, [image]);
  });
  const chosen = new Uint8Array(labels.length);
  for (const [label, count] of counts(classes, share, total, random)) {
    const images = classes.get(label)!;
    // A stream for each class: images added to one change no other's draw.
    const order = random.fork(`class/${label}`).permutation(images.length);
    for (const position of order.subarray(0, count)) chosen[images[position]] = 1;
  }
  return chosen;
}

/**
 * How many images of each class are set aside: the share rounded down, and one more of the classes with the largest
 * remainders until there are `total`. Equal remainders are in random order, lest the first classes be favoured.
 */
function counts(
  classes: ReadonlyMap<number, readonly number[]>,
  share: number,
  total: number,
  random: Random,
): Map<number, number> {
  const labels = [...classes.keys()].sort((a, b) => a - b);
  const exact = labels.map((label) => share * classes.get(label)!.length);
  const missing = total - exact.reduce((sum, count) => sum + Math.floor(count), 0);
  const byRemainder = Array.from(random.fork('remainders').permutation(labels.length)).sort(
    (a, b) => (exact[b] % 1) - (exact[a] % 1),
  );
  const more = new Set(byRemainder.slice(0, missing));
  return new Map(labels.map((label, i) => [label, Math.floor(exact[i]) + (more.has(i) ? 1 : 0)]));
}

/** Copies the images for which `wanted` holds. */
function part({ images, labels }: Split, size: number, wanted: (image: number) => boolean): Split {
  const count = labels.reduce((sum, _, image) => sum + Number(wanted(image)), 0);
  const copy = { images: allocateShared(count * size), labels: allocateShared(count) };
  let position = 0;
  for (let image = 0; image < labels.length; image++) {
    if (!wanted(image)) continue;
    copy.images.set(images.subarray(image * size, (image + 1) * size), position * size);
    copy.labels[position++] = labels[image];
  }
  return copy;
}
