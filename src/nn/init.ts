/** Initial values of parameters and buffers, with PyTorch's formulas (torch.nn.init and the defaults of torch.nn's layers). */
import type { Random } from '../random/random.js';
import { type Shape, type Tensor, elementCount } from '../tensor/tensor.js';

/** Draws the elements of a parameter of the given shape. */
export type DrawnInitializer = (shape: Shape, random: Random) => Float32Array;

/** Computes the elements from training images, before the first step. */
export interface ImageInitializer {
  /** @param images float32 [N, C, H, W], the first training images, standardised, as `forward` gets them */
  readonly fromImages: (images: Tensor<'float32'>) => Float32Array;
}

/** How the elements of a parameter or buffer come about. */
export type Initializer = DrawnInitializer | ImageInitializer;

const fill = (shape: Shape, draw: () => number): Float32Array =>
  Float32Array.from({ length: elementCount(shape) }, draw);

/** How many inputs one output depends on, for a weight [out, in, ...kernel]. */
export function fanIn(shape: Shape): number {
  return elementCount(shape.slice(1));
}

/** The same value everywhere. */
export const constant =
  (value: number): DrawnInitializer =>
  (shape) =>
    fill(shape, () => value);

/** A normal distribution of mean 0 and the given deviation. */
export const normal =
  (deviation: number): DrawnInitializer =>
  (shape, random) =>
    fill(shape, () => random.normal(0, deviation));

/** Uniform in ±bound. */
export const uniform =
  (bound: number): DrawnInitializer =>
  (shape, random) =>
    fill(shape, () => random.uniform(-bound, bound));

/** `kaiming_normal_(mode='fan_out', nonlinearity='relu')`: deviation √(2 / fan_out), for [out, in, ...kernel]. */
export const kaimingNormalFanOut: DrawnInitializer = (shape, random) => {
  const fanOut = shape[0] * elementCount(shape.slice(2));
  return normal(Math.sqrt(2 / fanOut))(shape, random);
};

/** What torch.nn.Linear and Conv2d start from: uniform in ±1/√fan_in. */
export const pytorchDefault: DrawnInitializer = (shape, random) =>
  uniform(1 / Math.sqrt(fanIn(shape)))(shape, random);

/** Computed from the first training images. */
export const fromImages = (compute: ImageInitializer['fromImages']): ImageInitializer => ({
  fromImages: compute,
});
