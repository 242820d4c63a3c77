/** What surrounds an image for a convolution: how much of it, and of what. */
import { GraphError, type Value, describe } from '../graph/graph.js';
import * as op from '../graph/ops.js';

/** The same number for both directions, or [vertical, horizontal]. */
export type Pair = number | readonly [vertical: number, horizontal: number];

/** [top, left, bottom, right], ONNX's order. */
export type Sides = readonly [top: number, left: number, bottom: number, right: number];

/** PyTorch's `padding`, and all four sides one by one. */
export type Padding = Pair | Sides | 'same' | 'valid';

/** PyTorch's `padding_mode`. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';

export function pairOf(pair: Pair): readonly [number, number] {
  return typeof pair === 'number' ? [pair, pair] : pair;
}

/**
 * The padding of each side. `same` adds dilation · (kernel - 1) in all, what is left over at the end, as PyTorch.
 *
 * @throws GraphError for `same` with a stride
 */
export function sidesOf(
  padding: Padding,
  kernel: readonly [number, number],
  dilation: readonly [number, number],
  stride: readonly [number, number],
): Sides {
  if (padding === 'valid') return [0, 0, 0, 0];
  if (padding === 'same') {
    if (stride.some((step) => step !== 1))
      throw new GraphError(`padding "same" needs a stride of 1, not [${stride.join(', ')}]`);
    const total = kernel.map((size, axis) => dilation[axis] * (size - 1));
    const [top, left] = total.map((value) => Math.floor(value / 2));
    return [top, left, total[0] - top, total[1] - left];
  }
  if (typeof padding !== 'number' && padding.length === 4) return padding;
  const [vertical, horizontal] = pairOf(padding);
  return [vertical, horizontal, vertical, horizontal];
}

/**
 * An image with a border that continues it.
 *
 * @param x [N, C, H, W]
 * @throws GraphError where the border is wider than what it is made of
 */
export function padImage(x: Value, sides: Sides, mode: Exclude<PaddingMode, 'zeros'>): Value {
  const [top, left, bottom, right] = sides;
  return padAxis(padAxis(x, 2, top, bottom, mode), 3, left, right, mode);
}

function padAxis(
  x: Value,
  axis: number,
  before: number,
  after: number,
  mode: Exclude<PaddingMode, 'zeros'>,
): Value {
  const length = x.shape[axis];
  const most = { reflect: length - 1, circular: length, replicate: Infinity }[mode];
  if (![before, after].every((size) => Number.isSafeInteger(size) && size >= 0 && size <= most)) {
    throw new GraphError(
      `a border of ${before} and ${after} in mode "${mode}" does not fit axis ${axis} of ${describe(x)}`,
    );
  }
  const part = (start: number, end: number, step = 1): Value => op.slice(x, [{ axis, start, end, step }]);
  const repeated = (at: number, count: number): Value =>
    op.expand(
      part(at, at + 1),
      x.shape.map((size, i) => (i === axis ? count : size)),
    );
  const border = {
    circular: [() => part(length - before, length), () => part(0, after)],
    reflect: [() => part(before, 0, -1), () => part(length - 2, length - 2 - after, -1)],
    replicate: [() => repeated(0, before), () => repeated(length - 1, after)],
  }[mode];
  return op.concat([...(before ? [border[0]()] : []), x, ...(after ? [border[1]()] : [])], axis);
}
