/** Validation images for a dataset that has none: some of its training images, set aside. */
import { Random } from '../random/random.js';
import { OptionError } from '../tensor/option-error.js';
import { DataError } from './data-error.js';
import { type ImageDataset, type SetAside } from './dataset.js';
import { type Images, imageCount, imageSize, isSource, labelsOf } from './image-source.js';
import { allocateShared, sharedLabels } from './shared-memory.js';
import { Subset } from './subset.js';

/**
 * The dataset with a share of its training images set aside as validation images.
 *
 * The draw is stratified: of every class that share is set aside, rounded down or up so that the whole has
 * `Math.round(share * images)` images. It depends on the seed and the labels alone. Both parts are in the order the images
 * had, of images in memory copies; the test images are untouched.
 *
 * @param options.share of the training images, above 0 and below 1
 * @param options.seed of the draw, any safe integer; default 0
 * @throws OptionError for a share or seed out of range
 * @throws DataError when the dataset has validation images already, or one of the two parts would be empty
 */
export function splitValidation<Of extends Images>(
  dataset: ImageDataset<Of>,
  { share, seed = 0 }: { readonly share: number; readonly seed?: number },
): ImageDataset<Of> {
  if (!(share > 0 && share < 1)) {
    throw new OptionError(`the share of validation images must be above 0 and below 1, not ${share}`);
  }
  const { name, train, validation, imageShape } = dataset;
  if (validation) {
    throw new DataError(`${name} has validation images of its own; leave out the share to set aside.`);
  }
  const setAside: SetAside = { share, seed };
  const [kept, drawn] = setApart(train, imageSize(imageShape), setAside, 'validation', name);
  return { ...dataset, train: kept as Of, validation: drawn as Of, setAside };
}

/**
 * Images in two parts, those that stay and a share of every class that is drawn, as `splitValidation` says.
 *
 * @param size bytes of an image in memory
 * @param purpose of the drawn images, which names the stream of random numbers
 * @param name of the dataset, for the message
 * @throws DataError when one of the two parts would be empty
 */
export function setApart(
  images: Images,
  size: number,
  { share, seed }: SetAside,
  purpose: string,
  name: string,
): readonly [kept: Images, drawn: Images] {
  const count = imageCount(images);
  const aside = Math.round(share * count);
  if (aside === 0 || aside === count) {
    throw new DataError(
      `A share of ${share} of the ${count} training images of ${name} is ${aside === 0 ? 'no image: choose a larger one' : 'all of them: choose a smaller one'}.`,
    );
  }
  const labels = labelsOf(images);
  const chosen = draw(labels, share, Random.fromSeed(seed, purpose), aside);
  const positions = (wanted: number): Uint32Array => {
    const every = Uint32Array.from({ length: count }, (_, image) => image);
    return every.filter((image) => chosen[image] === wanted);
  };
  return [part(images, labels, size, positions(0)), part(images, labels, size, positions(1))];
}

/** A one for every image that is set aside, `total` of them. */
function draw(labels: ArrayLike<number>, share: number, random: Random, total: number): Uint8Array {
  const classes = new Map<number, number[]>();
  for (let image = 0; image < labels.length; image++) {
    const images = classes.get(labels[image]);
    if (images) images.push(image);
    else classes.set(labels[image], [image]);
  }
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

/** The images at some positions. */
function part(images: Images, labels: ArrayLike<number>, size: number, positions: Uint32Array): Images {
  if (isSource(images)) return new Subset(images, positions);
  const pixels = allocateShared(positions.length * size);
  positions.forEach((image, position) => {
    pixels.set(images.images.subarray(image * size, (image + 1) * size), position * size);
  });
  return { images: pixels, labels: sharedLabels(Array.from(positions, (image) => labels[image])) };
}
