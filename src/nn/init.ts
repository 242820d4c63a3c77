/** Initial values of parameters, with PyTorch's formulas (torch.nn.init and the defaults of torch.nn's layers). */
import type { Random } from '../random/random.js';
import { type Shape, elementCount } from '../tensor/tensor.js';

/** Draws the elements of a parameter of the given shape. */
export type Initializer = (shape: Shape, random: Random) => Float32Array;

const fill = (shape: Shape, draw: () => number): Float32Array =>
  Float32Array.from({ length: elementCount(shape) }, draw);

/** How many inputs one output depends on, for a weight [out, in, ...kernel]. */
export function fanIn(shape: Shape): number {
  return elementCount(shape.slice(1));
}

export const constant =
  (value: number): Initializer =>
  (shape) =>
    fill(shape, () => value);

export const normal =
  (deviation: number): Initializer =>
  (shape, random) =>
    fill(shape, () => random.normal(0, deviation));

/** Uniform in ±bound. */
export const uniform =
  (bound: number): Initializer =>
  (shape, random) =>
    fill(shape, () => random.uniform(-bound, bound));

/** `kaiming_normal_(mode='fan_out', nonlinearity='relu')`: deviation √(2 / fan_out), for [out, in, ...kernel]. */
export const kaimingNormalFanOut: Initializer = (shape, random) => {
  const fanOut = shape[0] * elementCount(shape.slice(2));
  return normal(Math.sqrt(2 / fanOut))(shape, random);
};

/** What torch.nn.Linear and Conv2d start from: uniform in ±1/√fan_in. */
export const pytorchDefault: Initializer = (shape, random) =>
  uniform(1 / Math.sqrt(fanIn(shape)))(shape, random);
