/** The patches of an image that a convolution's kernel looks at (im2col), within a fixed memory budget. */
import { type Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { bytesPerElement, elementCount } from '../../tensor/tensor.js';

/** The most memory that the patches of one slice of the batch may take, in bytes. */
export const PATCH_BUDGET = 96 * 2 ** 20;

/**
 * Into how many slices, equal as far as it divides, a batch is cut so that the patches of each fit the budget. One
 * image's patches are never cut.
 *
 * @param x [N, Cin, H, W]
 * @param positions output positions of one image
 * @param budget in bytes
 */
export function sliceCount(
  x: Value,
  positions: number,
  kernel: readonly number[],
  budget = PATCH_BUDGET,
): number {
  const [batch, channels] = x.shape;
  const bytesPerImage = channels * elementCount(kernel) * positions * bytesPerElement(x.dtype);
  return Math.ceil(batch / Math.max(1, Math.floor(budget / bytesPerImage)));
}

/** The images from the `index`th of `count` slices of a batch, the axis of the batch being `axis`. */
export function batchSlice(x: Value, axis: number, index: number, count: number): Value {
  const bound = (i: number): number => Math.floor((i * x.shape[axis]) / count);
  return op.slice(x, [{ axis, start: bound(index), end: bound(index + 1) }]);
}

/**
 * The patches of a batch of images, one row an entry of the kernel, one column an output position.
 *
 * @param x [Cin, N, H, W]: channels first, so that the columns of all images lie side by side
 * @param kernel [KH, KW]
 * @returns [groups, Cin / groups · KH · KW, N · OH · OW]
 */
export function patches(x: Value, kernel: readonly number[], geometry: op.ConvolutionGeometry): Value {
  const { stride, padding, dilation, groups } = geometry;
  const [channels, batch, ...image] = x.shape;
  const size = op.outputSize(image, kernel, geometry);
  const padded = op.pad(x, [0, 0, ...padding.slice(0, image.length)], [0, 0, ...padding.slice(image.length)]);
  const columns = batch * elementCount(size);
  const taps = positionsIn(kernel).map((tap) => {
    const ranges = tap.map((offset, axis): op.SliceRange => {
      const start = offset * dilation[axis];
      return { axis: axis + 2, start, end: start + (size[axis] - 1) * stride[axis] + 1, step: stride[axis] };
    });
    return op.reshape(op.slice(padded, ranges), [channels, 1, columns]);
  });
  return op.reshape(op.concat(taps, 1), [groups, (channels / groups) * elementCount(kernel), columns]);
}

/** All positions in a kernel, in row-major order. */
function positionsIn(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (positions, length) =>
      positions.flatMap((position) => Array.from({ length }, (_, i) => [...position, i])),
    [[]],
  );
}
