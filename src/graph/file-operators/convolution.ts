/** Convolution and pooling of one, two and three dimensions. */
import { sameShape } from '../../tensor/tensor.js';
import type { FileNode } from '../file-node.js';
import { GraphError, type Value, describe } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

/** Sizes in convolutions and windows; the sums of what is larger would be rounded. */
const LARGEST_SIZE = 2 ** 31;

/** An attribute with one number for each axis of an image, or one for each of its sides. */
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

/** Halves of what has to be added along each axis, the greater one before or behind the image. */
const halves = (totals: readonly number[], mode: 'SAME_UPPER' | 'SAME_LOWER'): number[] => {
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total, axis) => total - less[axis]);
  return mode === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
};

const autoPads = ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'] as const;
type AutoPad = (typeof autoPads)[number];

/** How a window of the given kernel moves, but for the padding. */
function steps(node: FileNode, kernel: readonly number[]) {
  const ones = kernel.map(() => 1);
  return {
    autoPad: node.text<AutoPad>('auto_pad', autoPads, 'NOTSET'),
    stride: sizes(node, 'strides', 1, kernel.length, ones),
    dilation: sizes(node, 'dilations', 1, kernel.length, ones),
    pads: sizes(node, 'pads', 0, 2 * kernel.length, [...ones, ...ones].fill(0)),
  };
}

/** The padding of a window over an image: the one that is said, or as much as leaves every stride a result. */
function padding(
  image: readonly number[],
  kernel: readonly number[],
  { autoPad, stride, dilation, pads }: ReturnType<typeof steps>,
): number[] {
  if (autoPad === 'NOTSET' || autoPad === 'VALID') {
    if (autoPad === 'VALID' && pads.some((pad) => pad !== 0))
      throw new GraphError(`attribute "pads" is [${pads.join()}], while "auto_pad" is VALID`);
    return pads;
  }
  const totals = image.map((length, axis) => {
    const count = Math.ceil(length / stride[axis]);
    return Math.max((count - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - length, 0);
  });
  return halves(totals, autoPad);
}

/** The lengths of the kernel, which the file may say once more. */
function kernelOf(node: FileNode, weight: Value): number[] {
  const kernel = weight.shape.slice(2);
  if (kernel.length < 1 || !sameShape(node.ints('kernel_shape', kernel.length, kernel), kernel))
    throw new GraphError(`attribute "kernel_shape" does not fit a weight of ${describe(weight)}`);
  return kernel;
}

function groupsOf(node: FileNode): number {
  const groups = node.int('group', 1);
  if (groups < 1 || groups > LARGEST_SIZE)
    throw new GraphError(`attribute "group" is ${groups}, out of range`);
  return groups;
}

const conv: FileOperator = (node) => {
  const [x, weight] = [node.input(0), node.input(1)];
  const kernel = kernelOf(node, weight);
  const how = steps(node, kernel);
  const { stride, dilation } = how;
  const geometry = {
    stride,
    dilation,
    padding: padding(x.shape.slice(2), kernel, how),
    groups: groupsOf(node),
  };
  return [op.conv(x, weight, node.optional(2), geometry)];
};

const convTranspose: FileOperator = (node) => {
  const [z, weight] = [node.input(0), node.input(1)];
  const kernel = kernelOf(node, weight);
  const { autoPad, stride, dilation, pads } = steps(node, kernel);
  const groups = groupsOf(node);
  const outputPadding = sizes(
    node,
    'output_padding',
    0,
    kernel.length,
    kernel.map(() => 0),
  );
  const fits =
    z.shape.length === kernel.length + 2 &&
    z.dtype === weight.dtype &&
    z.shape[1] === weight.shape[0] &&
    z.shape[1] % groups === 0 &&
    outputPadding.every((length, i) => length < Math.max(stride[i], dilation[i]));
  if (!fits)
    throw new GraphError(
      `image, weight, ${groups} group(s) and output padding [${outputPadding.join()}] do not fit: ${describe(z, weight)}`,
    );
  const unpadded = kernel.map(
    (size, i) => stride[i] * (z.shape[i + 2] - 1) + dilation[i] * (size - 1) + 1 + outputPadding[i],
  );
  const asked = node.optionalInts('output_shape');
  if (asked && asked.length !== kernel.length)
    throw new GraphError(
      `attribute "output_shape" has ${asked.length} elements where ${kernel.length} are needed`,
    );
  // As ONNX Runtime does it: no result is longer than what the kernel reaches.
  const same = autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER';
  const wanted =
    asked ?? (same ? kernel.map((_, i) => Math.min(z.shape[i + 2] * stride[i], unpadded[i])) : undefined);
  if (wanted?.some((length, i) => length < 1 || length > unpadded[i]))
    throw new GraphError(`it gives [${unpadded.join()}], of which no [${wanted.join()}] can be made`);
  const cut = wanted
    ? halves(
        wanted.map((length, i) => unpadded[i] - length),
        autoPad === 'SAME_UPPER' ? 'SAME_UPPER' : 'SAME_LOWER',
      )
    : pads;
  const size = wanted ?? unpadded.map((length, i) => length - cut[i] - cut[i + kernel.length]);
  const geometry = { stride, dilation, padding: cut, groups };
  const shape = [z.shape[0], weight.shape[1] * groups, ...size];
  return [op.convTranspose(z, weight, shape, geometry, node.optional(2))];
};

/** The geometry of a pooling node over an image. */
function pooling(node: FileNode, x: Value): op.PoolingGeometry {
  const rank = Math.max(x.shape.length - 2, 1);
  const kernel = sizes(node, 'kernel_shape', 1, rank);
  const how = steps(node, kernel);
  return {
    kernel,
    stride: how.stride,
    dilation: how.dilation,
    padding: padding(x.shape.slice(2), kernel, how),
    ceilMode: node.flag('ceil_mode', false),
  };
}

const maxPool: FileOperator = (node) => {
  node.only('storage_order', 0);
  const x = node.input(0);
  const { values, indices } = op.maxPool(x, pooling(node, x));
  return [values, indices];
};

const averagePool: FileOperator = (node) => {
  const x = node.input(0);
  const countIncludePad = node.flag('count_include_pad', false);
  const geometry = pooling(node, x);
  const { kernel, stride, padding: around } = geometry;
  // Windows of one pixel only leave pixels out: ONNX Runtime fuses padding before them into the pool, and then refuses it.
  if (kernel.every((length) => length === 1) && around.every((length) => length === 0)) {
    const apart = x.shape.slice(2).map((end, i) => ({ axis: i + 2, start: 0, end, step: stride[i] }));
    return [op.slice(x, apart)];
  }
  return [op.averagePool(x, { ...geometry, countIncludePad })];
};

/** A norm's p, which has to be a small number: powers of what is larger are 0 or infinite. */
function normOf(node: FileNode): number {
  const p = node.int('p', 2);
  if (p < 1 || p > 100) throw new GraphError(`attribute "p" is ${p}, out of range`);
  return p;
}

/** The axes of an image, all but the first two. */
function imageAxes(x: Value): number[] {
  if (x.shape.length < 3) throw new GraphError(`${describe(x)} is no batch of images`);
  return x.shape.slice(2).map((_, axis) => axis + 2);
}

/** One window over the whole image: its gradient goes where PyTorch's adaptive pooling sends it. */
const globalMaxPool: FileOperator = (node) => {
  const x = node.input(0);
  const axes = imageAxes(x);
  const kernel = x.shape.slice(2);
  const options = { kernel, stride: axes.map(() => 1), padding: [...axes, ...axes].fill(0) };
  return [op.maxPool(x, options).values];
};

export const convolution: FileOperators = {
  AveragePool: averagePool,
  Conv: conv,
  ConvTranspose: convTranspose,
  GlobalAveragePool: (node) => [op.reduceMean(node.input(0), imageAxes(node.input(0)), true)],
  GlobalLpPool: (node) => [op.lpNorm(node.input(0), normOf(node), imageAxes(node.input(0)))],
  GlobalMaxPool: globalMaxPool,
  LpPool: (node) => [op.lpPool(node.input(0), normOf(node), pooling(node, node.input(0)))],
  MaxPool: maxPool,
};
