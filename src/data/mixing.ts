/** Mixup (Zhang et al., 2018) and CutMix (Yun et al., 2019): images of a batch in pairs, and labels that are shares. */
import { drawBeta } from '../random/beta.js';
import { Random, type RandomState } from '../random/random.js';
import { OptionError } from '../tensor/option-error.js';
import { type ImageShape, imageSize } from './image-source.js';

/** How the images of training batches are mixed. */
export interface Mixing {
  /** The two parameters of the beta distribution that the shares of two images come from; 0, the default, for no mixup. */
  readonly mixup?: number;
  /** The same for the area of the rectangle that is exchanged; 0, the default, for no CutMix. */
  readonly cutmix?: number;
  /** That a batch is mixed; default 1. */
  readonly probability?: number;
  /** Where both are on, that a mixed batch is so by CutMix; default 0.5. */
  readonly switchProbability?: number;
}

const LARGEST = 1000;

/** @throws OptionError for a value out of range, and options that mix nothing */
export function checkMixing(mixing: Mixing): Required<Mixing> {
  const { mixup = 0, cutmix = 0, probability = 1, switchProbability = 0.5 } = mixing;
  for (const [name, value, most] of [
    ['mixup', mixup, LARGEST],
    ['cutmix', cutmix, LARGEST],
    ['probability', probability, 1],
    ['switchProbability', switchProbability, 1],
  ] as const) {
    if (typeof value === 'number' && value >= 0 && value <= most) continue;
    throw new OptionError(`mixing: ${name} must be a number from 0 to ${most}, not ${String(value)}`);
  }
  if (mixup === 0 && cutmix === 0) throw new OptionError('mixing: mixup or cutmix must be above 0');
  return { mixup, cutmix, probability, switchProbability };
}

/**
 * What a batch of an epoch is mixed by: a stream for each, as its augmentation has one, so that a run may be taken up at any.
 *
 * @param epoch what the epoch is drawn by, `BatchPlan.random`
 */
export function mixStream(epoch: RandomState, batch: number): Random {
  return Random.fromState(epoch).fork(`mix/${batch}`);
}

/** What a batch is to be taken for. */
export interface MixedLabels {
  /** int32 [N]: the class that most of each image is of. */
  readonly labels: Int32Array;
  /** float32 [N, classes]: shares, which sum to 1. */
  readonly targets: Float32Array;
}

/**
 * Mixes a batch in place: the first image with the last, the second with the last but one. One draw says whether, one
 * how, where both are on, the share is drawn from the beta distribution, and two draws choose the rectangle.
 *
 * @param images uint8 [N, channels, height, width]
 * @param pieces in how many of equal size the batch is mixed, each by itself with the same draws; default 1
 */
export function mixBatch(
  images: Uint8Array,
  labels: Int32Array,
  shape: ImageShape,
  classes: number,
  mixing: Mixing,
  random: Random,
  pieces = 1,
): MixedLabels {
  const rows = labels.length / pieces;
  const size = rows * imageSize(shape);
  const mixed = Array.from({ length: pieces }, (_, piece) =>
    mixPiece(
      images.subarray(piece * size, (piece + 1) * size),
      labels.subarray(piece * rows, (piece + 1) * rows),
      shape,
      classes,
      mixing,
      // The same draws for all of them.
      Random.fromState(random.state),
    ),
  );
  return {
    labels: Int32Array.from(mixed.flatMap((one) => [...one.labels])),
    targets: Float32Array.from(mixed.flatMap((one) => [...one.targets])),
  };
}

function mixPiece(
  images: Uint8Array,
  labels: Int32Array,
  shape: ImageShape,
  classes: number,
  mixing: Mixing,
  random: Random,
): MixedLabels {
  const { mixup, cutmix, probability, switchProbability } = checkMixing(mixing);
  if (random.uniform() >= probability) return sharesOf(labels, 1, classes);
  const cuts = cutmix > 0 && (mixup === 0 || random.uniform() < switchProbability);
  if (!cuts) {
    const share = drawBeta(random, mixup, mixup);
    eachPair(images, labels.length, imageSize(shape), (one, other) => {
      blendPair(one, other, share);
    });
    return sharesOf(labels, share, classes);
  }
  const [channels, height, width] = shape;
  const side = Math.sqrt(1 - drawBeta(random, cutmix, cutmix));
  const [top, bottom] = rangeOf(height, side, random);
  const [left, right] = rangeOf(width, side, random);
  eachPair(images, labels.length, imageSize(shape), (one, other) => {
    for (let channel = 0; channel < channels; channel++) {
      for (let row = top; row < bottom; row++) {
        const line = (channel * height + row) * width;
        exchange(one.subarray(line + left, line + right), other.subarray(line + left, line + right));
      }
    }
  });
  return sharesOf(labels, 1 - ((bottom - top) * (right - left)) / (height * width), classes);
}

/** Labels as shares, without mixing. */
export function oneHot(labels: ArrayLike<number>, classes: number): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) targets[i * classes + labels[i]] = 1;
  return targets;
}

function eachPair(
  images: Uint8Array,
  count: number,
  size: number,
  mix: (one: Uint8Array, other: Uint8Array) => void,
): void {
  const image = (i: number): Uint8Array => images.subarray(i * size, (i + 1) * size);
  for (let i = 0; i < count - 1 - i; i++) mix(image(i), image(count - 1 - i));
}

function blendPair(one: Uint8Array, other: Uint8Array, share: number): void {
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [one[i], other[i]];
    one[i] = Math.round(share * a + (1 - share) * b);
    other[i] = Math.round(share * b + (1 - share) * a);
  }
}

function exchange(one: Uint8Array, other: Uint8Array): void {
  const kept = one.slice();
  one.set(other);
  other.set(kept);
}

/** A part of a side around a place that is drawn, as far as it lies within. */
function rangeOf(length: number, share: number, random: Random): readonly [from: number, to: number] {
  const part = Math.trunc(length * share);
  const from = random.integer(length) - (part >> 1);
  return [Math.max(0, from), Math.min(length, from + part)];
}

function sharesOf(labels: Int32Array, share: number, classes: number): MixedLabels {
  const count = labels.length;
  const targets = new Float32Array(count * classes);
  const most = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const other = labels[count - 1 - i];
    targets[i * classes + labels[i]] += share;
    targets[i * classes + other] += 1 - share;
    most[i] = share >= 0.5 ? labels[i] : other;
  }
  return { labels: most, targets };
}
