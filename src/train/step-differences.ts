/** How far the same training step, made by two engines, is apart. */
import type { Tensors } from '../engine/session.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';

/** The largest relative difference of some tensors, and of which one it is. */
export interface Difference {
  readonly difference: number;
  /** Empty where there are no tensors. */
  readonly tensor: string;
}

/** Smaller than this share of the largest gradient, a gradient is rounding errors: of a bias that a normalisation cancels, say. */
const NOISE = 1e-5;

/**
 * ‖a − b‖ / ‖b‖ over all elements; NaN where one is no number.
 *
 * Not by elements: a ReLU whose input is a rounding error on both sides of zero makes single elements differ, and means
 * nothing.
 */
export function relativeDifference(a: Tensor, b: Tensor): number {
  const [ours, theirs] = [toNumbers(a), toNumbers(b)];
  let [apart, size] = [0, 0];
  theirs.forEach((value, i) => {
    apart += (ours[i] - value) ** 2;
    size += value ** 2;
  });
  return apart === 0 ? 0 : Math.sqrt(apart / size);
}

/** The largest one by tensor; one that is no number counts as the largest. */
export function largestDifference(
  ours: Tensors,
  theirs: Tensors,
  names: readonly string[] = Object.keys(theirs),
): Difference {
  return names.reduce<Difference>(
    (largest, name) => {
      const difference = relativeDifference(ours[name], theirs[name]);
      // Written so that NaN is larger, and stays so.
      const stays = Number.isNaN(largest.difference) || difference <= largest.difference;
      return stays ? largest : { difference, tensor: name };
    },
    { difference: 0, tensor: '' },
  );
}

/** b − a, tensor by tensor. */
export function changes(before: Tensors, after: Tensors, names: readonly string[]): Tensors {
  return Object.fromEntries(
    names.map((name) => {
      const from = toNumbers(before[name]);
      const moved = toNumbers(after[name]).map((value, i) => value - from[i]);
      return [name, tensor('float64', after[name].shape, moved)];
    }),
  );
}

/** The names of the gradients that are more than rounding errors. */
export function significant(gradients: Tensors): string[] {
  const sizes = Object.entries(gradients).map(([name, value]) => {
    return [name, toNumbers(value).reduce((most, element) => Math.max(most, Math.abs(element)), 0)] as const;
  });
  const largest = sizes.reduce((most, [, size]) => Math.max(most, size), 0);
  return sizes.filter(([, size]) => size > NOISE * largest).map(([name]) => name);
}
