/** Convolution and pooling. */
import { sameShape } from '../../tensor/tensor.js';
import type { FileNode } from '../file-node.js';
import { GraphError, type Value, describe } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

/** Sizes in convolutions and windows; the sums of what is larger would be rounded. */
const LARGEST_SIZE = 2 ** 31;

/** An attribute with one number for each of the two axes of an image, or one for each of its sides. */
function sizes(
  node: FileNode,
  name: string,
  least: number,
  length: number,
  fallback?: readonly number[],
): number[] {
  const found = node.ints(name, length, fallback);
  if (found.some((size) => size < least || size > LARGEST_SIZE))
    throw new GraphError(`attribute "${name}" is [${found.join()}], out of range`);
  return [...found];
}

const pair = (node: FileNode, name: string, fallback?: readonly number[]): [number, number] =>
  sizes(node, name, 1, 2, fallback) as [number, number];

const padding = (node: FileNode): [number, number, number, number] =>
  sizes(node, 'pads', 0, 4, [0, 0, 0, 0]) as [number, number, number, number];

/** The geometry of a convolution with the given weight, [.., .., KH, KW]. */
function geometry(node: FileNode, weight: Value): op.ConvolutionGeometry {
  node.text('auto_pad', ['NOTSET'], 'NOTSET');
  const kernel = weight.shape.slice(2);
  if (kernel.length !== 2 || !sameShape(node.ints('kernel_shape', 2, kernel), kernel))
    throw new GraphError(`attribute "kernel_shape" does not fit a weight of ${describe(weight)}`);
  const groups = node.int('group', 1);
  if (groups < 1 || groups > LARGEST_SIZE)
    throw new GraphError(`attribute "group" is ${groups}, out of range`);
  return {
    stride: pair(node, 'strides', [1, 1]),
    padding: padding(node),
    dilation: pair(node, 'dilations', [1, 1]),
    groups,
  };
}

const conv: FileOperator = (node) => {
  const weight = node.input(1);
  return [op.conv(node.input(0), weight, node.optional(2), geometry(node, weight))];
};

const convTranspose: FileOperator = (node) => {
  const [z, weight] = [node.input(0), node.input(1)];
  const shape = geometry(node, weight);
  const { stride, padding: pads, dilation, groups } = shape;
  const outputPadding = sizes(node, 'output_padding', 0, 2, [0, 0]);
  const fits =
    z.shape.length === 4 &&
    z.dtype === weight.dtype &&
    z.shape[1] === weight.shape[0] &&
    z.shape[1] % groups === 0 &&
    outputPadding.every((length, i) => length < Math.max(stride[i], dilation[i]));
  if (!fits)
    throw new GraphError(
      `image, weight, ${groups} group(s) and output padding [${outputPadding.join()}] do not fit: ${describe(z, weight)}`,
    );
  const size = [0, 1].map(
    (i) =>
      stride[i] * (z.shape[i + 2] - 1) +
      dilation[i] * (weight.shape[i + 2] - 1) +
      1 +
      outputPadding[i] -
      pads[i] -
      pads[i + 2],
  );
  return [op.convTranspose(z, weight, [z.shape[0], weight.shape[1] * groups, ...size], shape)];
};

const maxPool: FileOperator = (node) => {
  node.text('auto_pad', ['NOTSET'], 'NOTSET');
  node.only('ceil_mode', 0);
  node.only('storage_order', 0);
  pair(node, 'dilations', [1, 1]).forEach((length) => {
    if (length !== 1) throw new GraphError('attribute "dilations" is not [1, 1], which tract-ts reads alone');
  });
  const { values, indices } = op.maxPool(node.input(0), {
    kernel: pair(node, 'kernel_shape'),
    stride: pair(node, 'strides', [1, 1]),
    padding: padding(node),
  });
  return [values, indices];
};

export const convolution: FileOperators = { Conv: conv, ConvTranspose: convTranspose, MaxPool: maxPool };
