/**
 * Max-pooling in blocked layout, and its gradient without indices: the provider computes pooled values at memory
 * speed, but their indices ten times slower.
 */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { ints } from '../../graph/attributes.js';
import { tensor } from '../../tensor/tensor.js';
import { blocked, blockedConv, fits, isBlocked, plain } from './blocked-layout.js';

/** Pooling along one axis (2 or 3), of a window of 3 with a stride of 2 and a padding of 1. */
function poolAlong(x: Value, axis: 2 | 3): Value {
  const along = <T>(value: T, otherwise: T): [T, T] => (axis === 2 ? [value, otherwise] : [otherwise, value]);
  const [before, after] = [along(1, 0), along(1, 0)];
  const attributes = {
    kernel_shape: ints(along(3, 1)),
    strides: ints(along(2, 1)),
    pads: ints([...before, ...after]),
  };
  const shape = x.shape.map((length, i) => (i === axis ? length / 2 : length));
  return x.graph.add('MaxPool', [x], attributes, [{ dtype: x.dtype, shape }], 'com.microsoft.nchwc')[0];
}

/**
 * Whether a MaxPool is the one this file knows, over an image that is blocked and comes from ReLU. The forms below are
 * right for other images, too; their gradients stay in the plain form, and so with its order of additions.
 */
function applies(x: Value, pool: Node, block: number): boolean {
  const { kernel, stride, padding, dilation, ceilMode } = op.poolingGeometryOf(pool);
  const known =
    !ceilMode &&
    dilation.every((step) => step === 1) &&
    kernel.join() === '3,3' &&
    stride.join() === '2,2' &&
    padding.join() === '1,1,1,1';
  const even = x.shape[2] % 2 === 0 && x.shape[3] % 2 === 0;
  return known && even && fits(x, block) && isBlocked(x) && isRelu(blocked(x).producer);
}

function isRelu(node: Node | undefined): boolean {
  if (!node) return false;
  return (
    node.opType === 'Relu' || ('activation' in node.attributes && node.attributes.activation.value === 'Relu')
  );
}

/** The pooled values, first along each row, then along each column. */
export function maxPool(x: Value, node: Node, block: number): Value | undefined {
  return applies(x, node, block) ? plain(poolAlong(poolAlong(blocked(x), 3), 2)) : undefined;
}

/**
 * Each window's gradient goes to its first greatest element in row-major order: the first row whose maximum is the
 * window's, and in it the first greatest element.
 */
export function maxPoolGrad(g: Value, x: Value, node: Node, block: number): Value | undefined {
  if (!applies(x, node, block)) return undefined;
  const image = blocked(x);
  const rows = poolAlong(image, 3);
  const pooled = poolAlong(rows, 2);
  const gradRows = gradAlong(rows, pooled, blocked(g), 2, block);
  return plain(gradAlong(image, rows, gradRows, 3, block));
}

/**
 * The gradient of pooling along one axis.
 *
 * Elements are found by comparing them with the maxima. A difference would not do: that of two normal numbers may be
 * too small for one and count as zero, and scaled up it overflows.
 *
 * @param x the pooled image
 * @param top its maxima
 * @param g the gradient towards them, finite
 */
function gradAlong(x: Value, top: Value, g: Value, axis: 2 | 3, block: number): Value {
  const channels = x.shape[1];
  const [batch, , height, width] = g.shape;
  // 1 where the element is its window's maximum, else 0.
  const mask = (elements: Value): Value => op.cast(op.equal(elements, top), 'float32');
  const toFirst = op.mul(mask(alongAxis(x, [1, 0], axis, block, { before: 1, stride: 2 })), g);
  // By the window before, whose last element it is. The first of all lies in the padding, where nothing may go.
  const toNext = alongAxis(toFirst, [0, 1], axis, block, { after: 1 });
  const rest = alongAxis(toNext, [-1, 0], axis, block, { before: 1, sum: g });
  const toMiddle = op.mul(mask(alongAxis(x, [1], axis, block, { stride: 2 })), rest);
  const odd = op.add(toNext, op.sub(rest, toMiddle));
  const outer = batch * (channels / block) * height;
  const parts = [toMiddle, odd].map((part) =>
    op.reshape(part, axis === 2 ? [outer, width * block] : [outer * width, block]),
  );
  return op.reshape(op.concat(parts, 1), x.shape);
}

interface Taps {
  readonly before?: number;
  readonly after?: number;
  readonly stride?: number;
  readonly sum?: Value;
}

/** A convolution along one axis with the same taps for every channel. */
function alongAxis(
  x: Value,
  taps: readonly number[],
  axis: 2 | 3,
  block: number,
  { before = 0, after = 0, stride = 1, sum }: Taps,
): Value {
  const channels = x.shape[1];
  const along = (value: number, otherwise: number): [number, number] =>
    axis === 2 ? [value, otherwise] : [otherwise, value];
  // In memory [C / B, 1, KH, KW, B].
  const lanes = Array.from({ length: channels / block }, () =>
    taps.map((tap) => Array<number>(block).fill(tap)),
  );
  const filter = x.graph.constant(
    tensor('float32', [channels, 1, ...along(taps.length, 1)], Float32Array.from(lanes.flat(2))),
  );
  return blockedConv(x, filter, channels, {
    kernel: along(taps.length, 1),
    stride: along(stride, 1),
    padding: [...along(before, 0), ...along(after, 0)],
    groups: channels,
    sum,
  });
}
