/**
 * Another number of images than the one a file was made for. What a file computes for its own number is the reference:
 * where a length in the file is that number, or a multiple of it, and stands as a constant, it is replaced by the one
 * that follows from the reference.
 */
import { type Shape, type Tensor, elementCount } from '../../tensor/tensor.js';

/** What a file computes for its own number of images, by the names of its values. */
export interface Reference {
  /** That number. */
  readonly images: number;
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Of constants that are short lists of whole numbers. */
  readonly lists: ReadonlyMap<string, Tensor>;
}

/** The one axis along which a value has more images than in the reference, and how many times as many. */
export function scaledAxis(
  reference: Shape,
  present: Shape,
): { readonly axis: number; readonly factor: number } | undefined {
  if (reference.length !== present.length) return undefined;
  const axes = present.flatMap((length, axis) => (length === reference[axis] ? [] : [axis]));
  if (axes.length !== 1) return undefined;
  const [axis] = axes;
  return { axis, factor: present[axis] / reference[axis] };
}

/**
 * The shape that a reshape has for another number of images: the axis of the result that the images are in has so many
 * times more.
 *
 * @param from the reference's shape before the reshape
 * @param to the reference's shape behind it
 * @param present the shape before the reshape, for the number of images asked for
 * @param images the reference's number of images
 * @returns undefined where that axis cannot be told
 */
export function scaledReshape(from: Shape, to: Shape, present: Shape, images: number): Shape | undefined {
  const scaled = scaledAxis(from, present);
  if (!scaled) return undefined;
  const { axis, factor } = scaled;
  const at = axisBehind(from, to, axis, images);
  if (at === undefined) return undefined;
  const result = to.map((length, i) => (i === at ? length * factor : length));
  const fits = Number.isInteger(result[at]) && elementCount(result) === elementCount(present);
  return fits ? result : undefined;
}

/**
 * Where the images of an axis are after a reshape. Mostly they are the outermost part of their axis, so many elements behind
 * the beginning as the axes before it have: there an axis of the result begins, or ends where axes are joined. Where that
 * one is not just the images, but one further inside is (attention with the sequence first), they are in that one; where
 * axes around theirs are joined, in the joined one.
 */
function axisBehind(from: Shape, to: Shape, axis: number, images: number): number | undefined {
  const before = elementCount(from.slice(0, axis));
  const ending = to.findIndex((_, i) => elementCount(to.slice(0, i + 1)) === before);
  if (to.length < from.length && ending !== -1) return ending;
  const start = (i: number): number => elementCount(to.slice(0, i));
  const beginning = to.findIndex((_, i) => start(i) === before);
  const end = before * from[axis];
  if (beginning === -1) {
    const around = to.findIndex((length, i) => start(i) <= before && start(i) * length >= end);
    return around === -1 ? undefined : around;
  }
  const exact = to.findIndex((length, i) => i >= beginning && start(i) <= end && length === images);
  return exact === -1 ? beginning : exact;
}

/** A list of lengths that are told as constants, with the one that the images are in replaced. */
export function scaledLengths(
  lengths: readonly number[],
  reference: Shape,
  present: Shape,
): number[] | undefined {
  const scaled = scaledAxis(reference, present);
  if (!scaled) return undefined;
  // Shapes are aligned at their ends.
  const at = scaled.axis - reference.length + lengths.length;
  if (at < 0 || lengths[at] !== reference[scaled.axis] || lengths[at] === 1) return undefined;
  return lengths.map((length, i) => (i === at ? present[scaled.axis] : length));
}
