/**
 * The operators that are read from a file, each with ONNX's defaults for its attributes (operator set 20) and the
 * builder that adds it. Builders check what they are given and infer what comes out, so nothing that a file says
 * about its shapes has to be believed.
 */
import { type DType, sameShape } from '../tensor/tensor.js';
import { int, string } from './attributes.js';
import { broadcastShape } from './broadcast.js';
import type { FileNode } from './file-node.js';
import { GraphError, type Value, describe } from './graph.js';
import { dtypeOf } from './onnx-types.js';
import * as op from './ops.js';

/** Adds a node of a file to the graph, and gives one value for each of its results. */
export type FileOperator = (node: FileNode) => readonly Value[];

const unary =
  (build: (x: Value) => Value): FileOperator =>
  (node) => [build(node.input(0))];

const binary =
  (build: (a: Value, b: Value) => Value): FileOperator =>
  (node) => [build(node.input(0), node.input(1))];

const alongAxis =
  (build: (x: Value, axis: number) => Value): FileOperator =>
  (node) => [build(node.input(0), node.int('axis', -1))];

const reduction =
  (build: (x: Value, axes: readonly number[], keepDimensions: boolean) => Value): FileOperator =>
  (node) => {
    const x = node.input(0);
    const axes = node.optionalList(1, []);
    const nothing = axes.length === 0 && node.int('noop_with_empty_axes', 0) !== 0;
    const all = axes.length === 0 && !nothing;
    return [build(x, all ? x.shape.map((_, axis) => axis) : axes, node.int('keepdims', 1) !== 0)];
  };

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

const batchNormalization: FileOperator = (node) => {
  node.only('training_mode', 0);
  // Says how running statistics are updated in training, which this is not.
  node.positive('momentum', 0.9);
  const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((index) => node.input(index));
  return [op.batchNormalization(x, scale, bias, mean, variance, node.positive('epsilon', 1e-5))];
};

const layerNormalization: FileOperator = (node) => {
  const [x, scale, bias] = [0, 1, 2].map((index) => node.input(index));
  node.only('stash_type', 1);
  const axis = node.int('axis', -1);
  if (op.normalizeAxis('LayerNormalization', axis, x.shape) !== x.shape.length - 1)
    throw new GraphError(`attribute "axis" is ${axis}, and tract-ts reads the last axis alone`);
  const { y, mean, inverseDeviation } = op.layerNormalization(x, scale, bias, node.positive('epsilon', 1e-5));
  return [y, mean, inverseDeviation];
};

const gemm: FileOperator = (node) => {
  node.only('transA', 0);
  node.only('transB', 1, 0);
  for (const factor of ['alpha', 'beta'])
    if (node.positive(factor, 1) !== 1)
      throw new GraphError(`attribute "${factor}" is not 1, which tract-ts reads alone`);
  return [op.gemm(node.input(0), node.input(1), node.optional(2))];
};

const reshape: FileOperator = (node) => {
  const x = node.input(0);
  const keepsZero = node.int('allowzero', 0) !== 0;
  // Without it a 0 stands for the dimension of x in its place.
  return [
    op.reshape(
      x,
      node.list(1).map((length, axis) => (length === 0 && !keepsZero ? (x.shape[axis] ?? 0) : length)),
    ),
  ];
};

const transpose: FileOperator = (node) => {
  const x = node.input(0);
  const rank = x.shape.length;
  return [
    op.transpose(
      x,
      node.ints(
        'perm',
        rank,
        x.shape.map((_, axis) => rank - 1 - axis),
      ),
    ),
  ];
};

const slice: FileOperator = (node) => {
  const x = node.input(0);
  const [starts, ends] = [node.list(1), node.list(2)];
  const axes = node.optionalList(
    3,
    starts.map((_, i) => i),
  );
  const steps = node.optionalList(
    4,
    starts.map(() => 1),
  );
  if ([ends, axes, steps].some(({ length }) => length !== starts.length))
    throw new GraphError('its starts, ends, axes and steps differ in number');
  // ONNX counts negative indices from the back, and cuts what lies outside.
  const within = (index: number, length: number, low: number, high: number): number =>
    Math.min(Math.max(index < 0 ? index + length : index, low), high);
  const ranges = starts.map((start, i) => {
    const axis = op.normalizeAxis('Slice', axes[i], x.shape);
    const length = x.shape[axis];
    // A step beyond the end leads nowhere, however long it is.
    const step = Math.min(Math.max(steps[i], -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
    const [low, high] = step < 0 ? [-1, length - 1] : [0, length];
    return {
      axis,
      start: within(start, length, Math.max(low, 0), high),
      end: within(ends[i], length, low, high),
      step,
    };
  });
  return [op.slice(x, ranges)];
};

const split: FileOperator = (node) => {
  const x = node.input(0);
  const axis = node.int('axis', 0);
  const count = node.int('num_outputs', node.outputCount);
  const lengths = node.optionalList(1, []);
  if (
    count !== node.outputCount ||
    new Set(lengths).size > 1 ||
    (lengths.length > 0 && lengths.length !== count)
  )
    throw new GraphError(
      `it does not split into ${node.outputCount} equal parts, which tract-ts reads alone`,
    );
  const parts = op.split(x, axis, count);
  if (lengths.length > 0 && lengths[0] !== parts[0].shape[op.normalizeAxis('Split', axis, x.shape)])
    throw new GraphError(`${count} parts of ${lengths[0]} elements are not all of ${describe(x)}`);
  return parts;
};

const pad: FileOperator = (node) => {
  node.text('mode', ['constant'], 'constant');
  const x = node.input(0);
  const pads = node.list(1);
  const rank = x.shape.length;
  if (pads.length !== 2 * rank) throw new GraphError(`${pads.length} pads do not fit ${describe(x)}`);
  return [op.pad(x, pads.slice(0, rank), pads.slice(rank))];
};

const expand: FileOperator = (node) => {
  const x = node.input(0);
  const target = node.list(1);
  const shape = broadcastShape(x.shape, target);
  if (!shape || target.some((length) => length < 1))
    throw new GraphError(`${describe(x)} does not broadcast with [${target.join()}]`);
  return [op.expand(x, shape)];
};

const scatterElements: FileOperator = (node) => {
  const [data, indices, updates] = [0, 1, 2].map((index) => node.input(index));
  const axis = op.normalizeAxis('ScatterElements', node.int('axis', 0), data.shape);
  const fits =
    indices.dtype === 'int64' &&
    sameShape(indices.shape, updates.shape) &&
    indices.shape.length === data.shape.length &&
    indices.shape.every((length, i) => i === axis || length <= data.shape[i]) &&
    data.dtype === updates.dtype;
  if (!fits) throw new GraphError(`${describe(data, indices, updates)} do not fit along axis ${axis}`);
  checkIndices(indices, data.shape[axis]);
  const attributes = { axis: int(axis), reduction: string(node.text('reduction', ['add'])) };
  return node.graph.add('ScatterElements', [data, indices, updates], attributes, [
    { dtype: data.dtype, shape: data.shape },
  ]);
};

const gather: FileOperator = (node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  node.only('axis', 0);
  if (x.shape.length < 1 || indices.dtype !== 'int64' || indices.shape.length !== 1)
    throw new GraphError(`${describe(x, indices)} are no tensor and its rows`);
  checkIndices(indices, x.shape[0]);
  // Not by the builder, which would make a constant of its own of indices that many nodes may share.
  return node.graph.add('Gather', [x, indices], { axis: int(0) }, [
    { dtype: x.dtype, shape: [...indices.shape, ...x.shape.slice(1)] },
  ]);
};

const gatherElements: FileOperator = (node) => {
  const [x, indices] = [node.input(0), node.input(1)];
  node.only('axis', 0);
  const result = op.gatherElements(x, indices);
  checkIndices(indices, x.shape[0]);
  return [result];
};

/** The least and the greatest element of each constant that was looked at. */
const ranges = new WeakMap<Value, readonly [bigint, bigint]>();

/** Indices that are computed are checked by ONNX Runtime. */
function checkIndices(indices: Value, length: number): void {
  if (!indices.constant) return;
  let range = ranges.get(indices);
  if (!range) {
    let [low, high] = [0n, 0n];
    for (const index of indices.constant.data as BigInt64Array) {
      if (index < low) low = index;
      if (index > high) high = index;
    }
    range = [low, high];
    ranges.set(indices, range);
  }
  if (range[0] < 0n || range[1] >= BigInt(length))
    throw new GraphError(`there are indices outside of the ${length} there are`);
}

const argMax: FileOperator = (node) => {
  node.only('keepdims', 0, 1);
  node.only('select_last_index', 0);
  return [op.argMax(node.input(0), node.int('axis', 0))];
};

const cast: FileOperator = (node) => {
  const number = node.int('to');
  const dtype: DType | undefined = dtypeOf(number);
  if (!dtype)
    throw new GraphError(`attribute "to" is ${number}, an element type that tract-ts does not know`);
  return [op.cast(node.input(0), dtype)];
};

/** By the operator's name. A map, because the name comes from a file and objects inherit names of their own. */
export const fileOperators: ReadonlyMap<string, FileOperator> = new Map<string, FileOperator>([
  ['Abs', unary(op.abs)],
  ['Add', binary(op.add)],
  ['ArgMax', argMax],
  ['BatchNormalization', batchNormalization],
  ['Cast', cast],
  ['Concat', (node) => [op.concat(node.inputs(), node.int('axis'))]],
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['Div', binary(op.div)],
  ['Equal', binary(op.equal)],
  ['Erf', unary(op.erf)],
  ['Exp', unary(op.exp)],
  ['Expand', expand],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  [
    'Gelu',
    (node) => [op.gelu(node.input(0), node.text<'none' | 'tanh'>('approximate', ['none', 'tanh'], 'none'))],
  ],
  ['Gemm', gemm],
  ['Greater', binary(op.greater)],
  ['Identity', unary(op.identity)],
  ['LayerNormalization', layerNormalization],
  ['Log', unary(op.log)],
  ['LogSoftmax', alongAxis(op.logSoftmax)],
  ['MatMul', binary(op.matMul)],
  ['MaxPool', maxPool],
  ['Mul', binary(op.mul)],
  ['Neg', unary(op.neg)],
  ['Pad', pad],
  ['Pow', binary(op.pow)],
  ['Reciprocal', unary(op.reciprocal)],
  ['ReduceMax', reduction(op.reduceMax)],
  ['ReduceMean', reduction(op.reduceMean)],
  ['ReduceSum', reduction(op.reduceSum)],
  ['Relu', unary(op.relu)],
  ['Reshape', reshape],
  ['ScatterElements', scatterElements],
  ['Sigmoid', unary(op.sigmoid)],
  ['Sign', unary(op.sign)],
  ['Slice', slice],
  ['Softmax', alongAxis(op.softmax)],
  ['Split', split],
  ['Sqrt', unary(op.sqrt)],
  ['Sub', binary(op.sub)],
  ['Tanh', unary(op.tanh)],
  ['Transpose', transpose],
  ['Where', (node) => [op.where(node.input(0), node.input(1), node.input(2))]],
]);
