/** The patches of an image that a convolution's kernel looks at (im2col), within a fixed memory budget. */
import { type Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { bytesPerElement } from '../../tensor/tensor.js';

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
  const bytesPerImage = channels * kernel[0] * kernel[1] * positions * bytesPerElement(x.dtype);
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
  const [height, width] = op.outputSize(image, kernel, geometry);
  const [top, left, bottom, right] = padding;
  const padded = op.pad(x, [0, 0, top, left], [0, 0, bottom, right]);
  const columns = batch * height * width;
  const taps: Value[] = [];
  for (let row = 0; row < kernel[0]; row++) {
    for (let column = 0; column < kernel[1]; column++) {
      const range = (axis: number, start: number, count: number, step: number): op.SliceRange => ({
        axis,
        start,
        end: start + (count - 1) * step + 1,
        step,
      });
      const tap = op.slice(padded, [
        range(2, row * dilation[0], height, stride[0]),
        range(3, column * dilation[1], width, stride[1]),
      ]);
      taps.push(op.reshape(tap, [channels, 1, columns]));
    }
  }
  return op.reshape(op.concat(taps, 1), [groups, (channels / groups) * kernel[0] * kernel[1], columns]);
}
