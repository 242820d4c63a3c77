/** Pooling over windows of an image of one, two or three dimensions. */
import { elementCount, sameShape, tensor } from '../../tensor/tensor.js';
import { type Attributes, int, ints } from '../attributes.js';
import { GraphError, type Node, TRACT_DOMAIN, type Value, describe } from '../graph.js';
import type { AxisMap } from './axis-map.js';
import { isFloat } from './build.js';
import { type ConvolutionGeometry, outputSize } from './convolution.js';
import { mul } from './elementwise.js';
import { absolutePower, positiveRoot } from './powers.js';
import { concat, expand } from './shape.js';

/** How a window moves over an image; lists have a number for each axis of the image, as [vertical, horizontal]. */
export type PoolingGeometry = Pick<ConvolutionGeometry, 'stride' | 'padding'> & {
  readonly kernel: readonly number[];
  /** Default 1 each. */
  readonly dilation?: readonly number[];
  /** Whether a window that is incomplete at the end counts, if it begins in the image or in what is before it. Default false. */
  readonly ceilMode?: boolean;
};

type FullGeometry = Required<PoolingGeometry>;

function full(options: PoolingGeometry): FullGeometry {
  return { dilation: options.kernel.map(() => 1), ceilMode: false, ...options };
}

/** The geometry a pooling node (or its gradient) was built with. */
export function poolingGeometryOf(node: Node): FullGeometry {
  const list = (name: string): number[] => node.attributes[name].value as number[];
  const has = (name: string): boolean => Object.hasOwn(node.attributes, name);
  const kernel = list('kernel_shape');
  return {
    kernel,
    stride: list('strides'),
    padding: list('pads'),
    dilation: has('dilations') ? list('dilations') : kernel.map(() => 1),
    ceilMode: has('ceil_mode') && node.attributes.ceil_mode.value === 1,
  };
}

/** What is not written down has ONNX's defaults: no dilation, no incomplete windows. */
function attributesOf({ kernel, stride, padding, dilation, ceilMode }: FullGeometry): Attributes {
  return {
    kernel_shape: ints(kernel),
    strides: ints(stride),
    pads: ints(padding),
    ...(dilation.some((step) => step !== 1) && { dilations: ints(dilation) }),
    ...(ceilMode && { ceil_mode: int(1) }),
  };
}

/**
 * The same windows without incomplete ones, by more padding at the end. A window that begins behind the image is none:
 * PyTorch's rule, and since operator set 22 ONNX's.
 */
function completed(image: readonly number[], options: FullGeometry): FullGeometry {
  if (!options.ceilMode) return options;
  const { kernel, stride, padding, dilation } = options;
  const rank = image.length;
  const after = image.map((length, i) => {
    const [before, behind] = [padding[i], padding[i + rank]];
    const reach = dilation[i] * (kernel[i] - 1) + 1;
    const last = Math.ceil((length + before + behind - reach) / stride[i]);
    const begins = (last * stride[i] >= length + before ? last - 1 : last) * stride[i];
    return Math.max(begins + reach - length - before, behind);
  });
  return { ...options, padding: [...padding.slice(0, rank), ...after], ceilMode: false };
}

/** The shape that pooling gives, after all checks. */
function pooledShape(opType: string, x: Value, options: FullGeometry): number[] {
  const { kernel, stride, padding, dilation } = options;
  const [batch, channels, ...image] = x.shape;
  const rank = image.length;
  const lists = [kernel, stride, dilation].every(
    (list) => list.length === rank && list.every((length) => Number.isInteger(length) && length >= 1),
  );
  const padded =
    padding.length === 2 * rank &&
    padding.every((length, i) => Number.isInteger(length) && length >= 0 && length < kernel[i % rank]);
  const size = lists && padded ? outputSize(image, kernel, completed(image, options)) : [];
  if (rank < 1 || rank > 3 || !lists || !padded || size.some((length) => length < 1)) {
    const dilated = dilation.some((step) => step !== 1) ? `, dilation [${dilation.join()}]` : '';
    throw new GraphError(
      `${opType}: a ${kernel.join('x')} window with stride [${stride.join()}]${dilated} and padding [${padding.join()}] does not fit ${describe(x)}`,
    );
  }
  return [batch, channels, ...size];
}

/**
 * ONNX MaxPool-12 over [N, C, H, W], or one or three axes in the place of H, W; what lies outside the image never wins.
 *
 * @returns the greatest elements [N, C, OH, OW] and, as int64, where each lies in the flattened image
 */
export function maxPool(x: Value, options: PoolingGeometry): { values: Value; indices: Value } {
  const geometry = full(options);
  const shape = pooledShape('MaxPool', x, geometry);
  const attributes = { ...attributesOf(geometry), storage_order: int(0) };
  const [values, indices] = x.graph.add('MaxPool', [x], attributes, [
    { dtype: x.dtype, shape },
    { dtype: 'int64', shape },
  ]);
  return { values, indices };
}

/**
 * The gradient of MaxPool (tract.MaxPoolGrad): each window's gradient goes to its first greatest element.
 *
 * @param gradient [N, C, OH, OW]
 * @param pool the MaxPool node
 */
export function maxPoolGrad(gradient: Value, pool: Node): Value {
  const [x] = pool.inputs;
  const [values, indices] = pool.outputs;
  if (gradient.dtype !== values.dtype || !sameShape(gradient.shape, values.shape))
    throw new GraphError(`MaxPoolGrad: the gradient of ${describe(values)} is not ${describe(gradient)}`);
  return gradient.graph.add(
    'MaxPoolGrad',
    [gradient, x, values, indices],
    pool.attributes,
    [x!],
    TRACT_DOMAIN,
  )[0];
}

/** How AveragePool makes one axis of its result, the others left out: it is the product of these. */
export function averageAlong(x: Value, axis: number, pool: Node): AxisMap {
  const [from, to] = [x.shape[axis + 2], pool.outputs[0].shape[axis + 2]];
  const { kernel, stride, padding, dilation } = poolingGeometryOf(pool);
  const includesPadding = pool.attributes.count_include_pad.value === 1;
  const row = (i: number): [number, number][] => {
    const start = i * stride[axis] - padding[axis];
    // The part of the window that lies in the image.
    const first = Math.max(Math.ceil(-start / dilation[axis]), 0);
    const last = Math.min(Math.ceil((from - start) / dilation[axis]), kernel[axis]);
    const length = Math.max(last - first, 0);
    const weight = 1 / (includesPadding ? kernel[axis] : length);
    return Array.from({ length }, (_, k) => [start + (first + k) * dilation[axis], weight]);
  };
  return { from, to, row };
}

/**
 * ONNX AveragePool-19 over [N, C, H, W], or one or three axes in the place of H, W.
 *
 * @param countIncludePad whether the zeros around the image count. What an incomplete window has beyond them never
 *   does. Default false
 * @returns [N, C, OH, OW]
 */
export function averagePool(
  x: Value,
  { countIncludePad = false, ...options }: PoolingGeometry & { readonly countIncludePad?: boolean },
): Value {
  if (!isFloat(x)) throw new GraphError(`AveragePool: ${describe(x)} is not floating-point`);
  const geometry = full(options);
  const shape = pooledShape('AveragePool', x, geometry);
  const image = x.shape.slice(2);
  const complete = completed(image, geometry);
  const attributes = { ...attributesOf(complete), count_include_pad: int(countIncludePad ? 1 : 0) };
  const [y] = x.graph.add('AveragePool', [x], attributes, [{ dtype: x.dtype, shape }]);
  if (!countIncludePad) return y;
  // An incomplete window is the last one along its axis: by how much its mean is less than that of the part that counts.
  return image.reduce((result, length, axis) => {
    const { kernel, stride, padding, dilation } = complete;
    const count = shape[axis + 2];
    const end = length + geometry.padding[axis + image.length] + padding[axis] - (count - 1) * stride[axis];
    const factor = kernel[axis] / Math.min(Math.ceil(end / dilation[axis]), kernel[axis]);
    if (factor === 1) return result;
    const along = (elements: number): number[] => shape.map((_, i) => (i === axis + 2 ? elements : 1));
    const last = x.graph.constant(tensor(x.dtype, along(1), [factor]));
    const one = x.graph.constant(tensor(x.dtype, along(1), [1]));
    const others = count > 1 ? [expand(one, along(count - 1))] : [];
    return mul(result, concat([...others, last], axis + 2));
  }, y);
}

/** ONNX LpPool-18: (Σ |x|ᵖ)^(1/p) over each window, by the mean of the window; the padding is zero. */
export function lpPool(x: Value, p: number, options: PoolingGeometry): Value {
  const powers = absolutePower('LpPool', x, p);
  const geometry = full(options);
  pooledShape('LpPool', x, geometry);
  const complete = completed(x.shape.slice(2), geometry);
  const means = averagePool(powers, { ...complete, countIncludePad: true });
  return positiveRoot(mul(means, elementCount(geometry.kernel)), p);
}
