/**
 * Max-pooling in blocked layout, and its gradient without indices: the provider computes pooled values at memory
 * speed, but their indices ten times slower.
 */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { ints } from '../../graph/attributes.js';
import { tensor } from '../../tensor/tensor.js';
import { blocked, blockedConv, fits, isBlocked, plain } from './blocked-layout.js';

/** A difference of one unit in the last place of any normal activation, times this, is at least 1. */
const STEEP = 2 ** 96;

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

/** Whether a MaxPool is the one this file knows, over an image that is blocked and nowhere negative. */
function applies(x: Value, pool: Node, block: number): boolean {
  const { kernel, stride, padding } = op.poolingGeometryOf(pool);
  const known = kernel.join() === '3,3' && stride.join() === '2,2' && padding.join() === '1,1,1,1';
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
 *
 * The image has to be the result of ReLU: where a window is zero throughout, this counts the zeros of the padding as
 * elements, too, and what they take would have been multiplied by zero in ReLU's own gradient.
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
 * @param x the pooled image
 * @param top its maxima
 * @param g the gradient towards them
 */
function gradAlong(x: Value, top: Value, g: Value, axis: 2 | 3, block: number): Value {
  const channels = x.shape[1];
  const [batch, , height, width] = g.shape;
  // 1 where the element `tap - 1` from the window's middle is its maximum, else 0.
  const lowered = depthwise(top, [-STEEP], axis, block);
  const first = depthwise(x, [STEEP, 0], axis, block, { before: 1, stride: 2, bias: 1, sum: lowered });
  const middle = depthwise(x, [STEEP], axis, block, { stride: 2, bias: 1, sum: lowered });
  const toFirst = op.mul(first, g);
  const rest = op.sub(g, toFirst);
  const toMiddle = op.mul(middle, rest);
  const toLast = op.sub(rest, toMiddle);
  // An odd element is the last of one window and the first of the next.
  const odd = depthwise(toFirst, [0, 1], axis, block, { after: 1, sum: toLast });
  const outer = batch * (channels / block) * height;
  const parts = [toMiddle, odd].map((part) =>
    op.reshape(part, axis === 2 ? [outer, width * block] : [outer * width, block]),
  );
  return op.reshape(op.concat(parts, 1), x.shape);
}

interface Depthwise {
  readonly before?: number;
  readonly after?: number;
  readonly stride?: number;
  /** With a bias comes ReLU: together with STEEP they make a mask. */
  readonly bias?: number;
  readonly sum?: Value;
}

/** A convolution along one axis with the same taps for every channel. */
function depthwise(
  x: Value,
  taps: readonly number[],
  axis: 2 | 3,
  block: number,
  options: Depthwise = {},
): Value {
  const { before = 0, after = 0, stride = 1, bias, sum } = options;
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
    bias:
      bias === undefined
        ? undefined
        : x.graph.constant(tensor('float32', [channels], new Float32Array(channels).fill(bias))),
    sum,
    activation: bias === undefined ? undefined : 'relu',
  });
}
