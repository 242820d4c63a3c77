/**
 * `shapes`, the embedded dataset: ten classes of anti-aliased 32x32 RGB shapes and textures.
 *
 * Position, scale, rotation, colours and background are random, and so are brightness and contrast, over a wide
 * range: dull images and glaring ones are what TrAct is for. A linear classifier does little better than guess,
 * since a figure may be lighter or darker than its background; a small convolutional network learns it.
 */
import { Random } from '../random/random.js';
import { randomCrop, randomHorizontalFlip } from './augment.js';
import { allocateShared, type ImageDataset, type ImageShape, type Split } from './dataset.js';
import { DataError } from './data-error.js';
import { type Figure, figureClasses } from './shapes-figures.js';

/** How many images are drawn, and from which seed. */
export interface ShapesOptions {
  /** Training images; default 10,000. */
  readonly train?: number;
  /** Test images; default 2,000. */
  readonly test?: number;
  /** Any safe integer; default 0. */
  readonly seed?: number;
}

const side = 32;
const imageShape: ImageShape = [3, side, side];

/** Where a figure stands in the image, in pixels, and how it is turned. */
interface Placement {
  readonly centerX: number;
  readonly centerY: number;
  /** Pixels that one unit of the figure takes. */
  readonly scale: number;
  /** Radians. */
  readonly rotation: number;
}

type Colour = readonly [red: number, green: number, blue: number];

/**
 * Draws the dataset. Image i depends only on the seed, its split and i; its class is i modulo 10, so that the
 * classes of any first images are balanced.
 *
 * @throws DataError when a number of images is not a positive whole number
 */
export function shapes(options: ShapesOptions = {}): ImageDataset<Split> {
  const { train = 10_000, test = 2_000, seed = 0 } = options;
  return {
    name: 'shapes',
    classNames: figureClasses.map(({ name }) => name),
    imageShape,
    mean: [0.5002, 0.4991, 0.498],
    deviation: [0.2261, 0.2429, 0.2237],
    // No figure changes its class when mirrored; 2 pixels cut little off a figure at the border.
    augmentation: [randomCrop({ padding: 2 }), randomHorizontalFlip()],
    train: drawSplit('train', train, seed),
    test: drawSplit('test', test, seed),
  };
}

function drawSplit(name: string, count: number, seed: number): Split {
  if (!Number.isInteger(count) || count < 1) {
    throw new DataError(`The number of ${name} images is a whole number of at least 1, not ${count}.`);
  }
  const images = allocateShared(count * 3 * side * side);
  const labels = allocateShared(count);
  const coverage = new Float64Array(side * side);
  for (let i = 0; i < count; i++) {
    const label = i % figureClasses.length;
    const random = Random.fromSeed(seed, `shapes/${name}/${i}`);
    labels[i] = label;
    cover(coverage, label, random);
    paint(images.subarray(i * 3 * side * side, (i + 1) * 3 * side * side), coverage, random);
  }
  return { images, labels };
}

/** Writes how much of each pixel the figure covers, from 0 to 1. */
function cover(coverage: Float64Array, label: number, random: Random): void {
  const { kind, make } = figureClasses[label];
  if (kind === 'shape') {
    const radius = random.uniform(9, 13);
    const centerX = random.uniform(radius, side - radius);
    const centerY = random.uniform(radius, side - radius);
    rasterize(coverage, make(random), { centerX, centerY, scale: radius, rotation: tilt(random) });
  } else {
    const texture = make(random);
    const centerX = random.uniform(10, side - 10);
    const centerY = random.uniform(10, side - 10);
    const scale = random.uniform(2.2, 4.5);
    // The texture is seen through a round or square window, which may be larger than the image.
    const radius = random.uniform(9, 22) / scale;
    const round = random.bits() % 2 === 0;
    const phaseX = random.uniform(0, 2);
    const phaseY = random.uniform(0, 2);
    const figure: Figure = (x, y) =>
      Math.max(
        texture(x + phaseX, y + phaseY),
        (round ? Math.sqrt(x * x + y * y) : Math.max(Math.abs(x), Math.abs(y))) - radius,
      );
    rasterize(coverage, figure, { centerX, centerY, scale, rotation: tilt(random) });
  }
}

/** Up to 23 degrees either way. */
const tilt = (random: Random): number => random.uniform(-0.4, 0.4);

/** Writes the coverage of each pixel by one figure, whose outline is smoothed over one pixel. */
function rasterize(coverage: Float64Array, figure: Figure, placement: Placement): void {
  const { centerX, centerY, scale, rotation } = placement;
  const cosine = Math.cos(rotation) / scale;
  const sine = Math.sin(rotation) / scale;
  for (let row = 0, pixel = 0; row < side; row++) {
    const down = row + 0.5 - centerY;
    for (let column = 0; column < side; column++, pixel++) {
      const across = column + 0.5 - centerX;
      const distance = figure(cosine * across + sine * down, cosine * down - sine * across) * scale;
      coverage[pixel] = Math.min(Math.max(0.5 - distance, 0), 1);
    }
  }
}

/** Colours the figure and its background and writes the image, planes of red, green and blue. */
function paint(image: Uint8Array, coverage: Float64Array, random: Random): void {
  const [figure, ground] = colours(random);
  // What varies within figure and background is measured by the difference between the two, so that no gradient
  // and no noise can hide the figure.
  const difference = Math.abs(luminance(figure) - luminance(ground));
  const slope = (difference * random.uniform(0, 0.5)) / side;
  const direction = random.uniform(0, 2 * Math.PI);
  const noise = difference * random.uniform(0, 0.12);
  const tint = colour(random);

  // Dull images take a narrow band of the brightness range, anywhere in it; glaring ones take all of it.
  const contrast = Math.exp(random.uniform(Math.log(0.2), 0));
  const brightness = random.uniform(0, 1 - contrast);

  const acrossSlope = slope * Math.cos(direction);
  const downSlope = slope * Math.sin(direction);
  const plane = side * side;
  for (let row = 0, pixel = 0; row < side; row++) {
    for (let column = 0; column < side; column++, pixel++) {
      const covered = coverage[pixel];
      const gradient = acrossSlope * (column - side / 2) + downSlope * (row - side / 2);
      // Ten random bits for each channel are plenty for noise.
      let bits = random.bits();
      for (let channel = 0; channel < 3; channel++, bits >>>= 10) {
        const value =
          ground[channel] +
          covered * (figure[channel] - ground[channel]) +
          gradient * (0.5 + tint[channel]) +
          noise * ((bits & 1023) / 1024 - 0.5);
        const level = 255 * (brightness + contrast * Math.min(Math.max(value, 0), 1));
        image[channel * plane + pixel] = Math.round(level);
      }
    }
  }
}

const colour = (random: Random): Colour => [random.uniform(), random.uniform(), random.uniform()];

/** How light a colour is, from 0 to 1 (the weights of ITU-R BT.601). */
const luminance = ([red, green, blue]: Colour): number => 0.299 * red + 0.587 * green + 0.114 * blue;

/** A colour for the figure and one for its background, drawn until one is clearly lighter, either of them. */
function colours(random: Random): [figure: Colour, ground: Colour] {
  for (;;) {
    const figure = colour(random);
    const ground = colour(random);
    if (Math.abs(luminance(figure) - luminance(ground)) > 0.4) return [figure, ground];
  }
}
