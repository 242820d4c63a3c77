/** Pooling over windows of an image. */
import { sameShape } from '../../tensor/tensor.js';
import { int, ints } from '../attributes.js';
import { GraphError, type Node, TRACT_DOMAIN, type Value, describe } from '../graph.js';
import { type ConvolutionGeometry, geometry, outputSize } from './convolution.js';

/** How a window moves over an image; pairs are [vertical, horizontal]. */
export type PoolingGeometry = Pick<ConvolutionGeometry, 'stride' | 'padding'> & {
  readonly kernel: readonly [number, number];
};

/** The geometry a MaxPool node (or its gradient) was built with. */
export function poolingGeometryOf(node: Node): PoolingGeometry {
  const list = (name: string): number[] => node.attributes[name].value as number[];
  return {
    kernel: list('kernel_shape') as [number, number],
    stride: list('strides') as [number, number],
    padding: list('pads') as [number, number, number, number],
  };
}

function attributesOf({ kernel, stride, padding }: PoolingGeometry) {
  return { kernel_shape: ints(kernel), strides: ints(stride), pads: ints(padding), storage_order: int(0) };
}

/**
 * ONNX MaxPool-12 over [N, C, H, W]; what lies outside the image never wins.
 *
 * @returns the greatest elements [N, C, OH, OW] and, as int64, where each lies in the flattened image
 */
export function maxPool(x: Value, options: PoolingGeometry): { values: Value; indices: Value } {
  const { kernel, stride, padding } = options;
  const [batch, channels, ...image] = x.shape;
  const size = outputSize(image, kernel, geometry(options));
  const [top, left, bottom, right] = padding;
  const inside =
    Math.min(...stride) > 0 &&
    Math.min(...padding) >= 0 &&
    Math.max(top, bottom) < kernel[0] &&
    Math.max(left, right) < kernel[1];
  if (image.length !== 2 || !inside || size.some((length) => length < 1)) {
    throw new GraphError(
      `MaxPool: a ${kernel.join('x')} window with stride [${stride.join()}] and padding [${padding.join()}] does not fit ${describe(x)}`,
    );
  }
  const shape = [batch, channels, ...size];
  const [values, indices] = x.graph.add('MaxPool', [x], attributesOf(options), [
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
