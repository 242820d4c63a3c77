/** Normalisation. */
import { elementCount, sameShape, tensor, toNumbers } from '../../tensor/tensor.js';
import { broadcastShape } from '../broadcast.js';
import type { FileNode } from '../file-node.js';
import { GraphError, type Value, describe } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

const batchNormalization: FileOperator = (node) => {
  const training = node.flag('training_mode', false);
  // How running statistics are updated in training; nothing in inference.
  const momentum = node.positive('momentum', Math.fround(0.9));
  const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((index) => node.input(index));
  const epsilon = node.positive('epsilon', Math.fround(1e-5));
  if (!training) return [op.batchNormalization(x, scale, bias, mean, variance, epsilon)];
  const batch = op.batchNormTraining(x, scale, bias, epsilon);
  const running = (from: Value, to: Value): Value => {
    if (from.dtype !== to.dtype || !sameShape(from.shape, to.shape))
      throw new GraphError(`the running statistics ${describe(from)} are not one number a channel`);
    return op.add(op.mul(from, momentum), op.mul(to, 1 - momentum));
  };
  return [batch.y, running(mean, batch.mean), running(variance, batch.variance)];
};

/** A scale or bias for each element of the normalised axes, in one row. */
function spread(value: Value, x: Value, axes: readonly number[]): Value {
  const shape = broadcastShape(value.shape, axes);
  if (value.dtype !== x.dtype || !shape || !sameShape(shape, axes))
    throw new GraphError(
      `${describe(value)} does not broadcast to the axes [${axes.join()}] of ${describe(x)}`,
    );
  return op.reshape(op.expand(value, axes), [elementCount(axes)]);
}

/** A row of zeros. */
const zeros = ({ graph, dtype }: Value, length: number): Value =>
  op.zerosLike({ graph, dtype, shape: [length] });

/** The axes from `axis` on are normalised as one. */
const layerNormalization: FileOperator = (node) => {
  const [x, scale, bias] = [node.input(0), node.input(1), node.optional(2)];
  node.only('stash_type', 1);
  const axis = op.normalizeAxis('LayerNormalization', node.int('axis', -1), x.shape);
  const epsilon = node.positive('epsilon', Math.fround(1e-5));
  const axes = x.shape.slice(axis);
  const features = elementCount(axes);
  const weight = spread(scale, x, axes);
  const shift = bias ? spread(bias, x, axes) : zeros(x, features);
  const rows = op.reshape(x, [...x.shape.slice(0, axis), features]);
  const { y, mean, inverseDeviation } = op.layerNormalization(rows, weight, shift, epsilon);
  const kept = [...x.shape.slice(0, axis), ...axes.map(() => 1)];
  return [op.reshape(y, x.shape), op.reshape(mean, kept), op.reshape(inverseDeviation, kept)];
};

/** x / √(mean(x²) + ε) · scale, over the axes from `axis` on. */
const rmsNormalization: FileOperator = (node) => {
  const [x, scale] = [node.input(0), node.input(1)];
  node.only('stash_type', 1);
  const axis = op.normalizeAxis('RMSNormalization', node.int('axis', -1), x.shape);
  const epsilon = node.positive('epsilon', Math.fround(1e-5));
  const axes = x.shape.slice(axis).map((_, i) => axis + i);
  const mean = op.reduceMean(op.mul(x, x), axes, true);
  const normalized = op.div(x, op.sqrt(op.add(mean, epsilon)));
  return [op.mul(normalized, op.reshape(spread(scale, x, x.shape.slice(axis)), x.shape.slice(axis)))];
};

const groupNormalization: FileOperator = (node) => {
  node.only('stash_type', 1);
  const x = node.input(0);
  const groups = node.int('num_groups');
  const channels = x.shape[1] ?? 0;
  // Before operator set 21 there is one number a group.
  const forChannels = (value: Value): Value =>
    groups < channels && channels % groups === 0 && sameShape(value.shape, [groups])
      ? op.reshape(op.expand(op.reshape(value, [groups, 1]), [groups, channels / groups]), [channels])
      : value;
  return [
    op.groupNormalization(
      x,
      forChannels(node.input(1)),
      forChannels(node.input(2)),
      groups,
      node.positive('epsilon', Math.fround(1e-5)),
    ),
  ];
};

const lpNormalization: FileOperator = (node) => {
  const p = node.int('p', 2);
  if (p !== 1 && p !== 2) throw new GraphError(`attribute "p" must be 1 or 2, but is ${p}`);
  return [op.lpNormalization(node.input(0), node.int('axis', -1), p)];
};

const lrn: FileOperator = (node) => [
  op.lrn(node.input(0), node.int('size'), {
    alpha: node.number('alpha', Math.fround(1e-4)),
    beta: node.number('beta', 0.75),
    bias: node.number('bias', 1),
  }),
];

/** In inference nothing is dropped; whoever reads a file for training replaces these nodes before. */
const dropout: FileOperator = (node) => {
  const x = node.input(0);
  if (node.optional(1)) node.constantNumber(1);
  const training = node.optional(2);
  node.int('seed', 0);
  if (
    training &&
    (training.dtype !== 'bool' || !training.constant || toNumbers(training.constant).some((one) => one !== 0))
  )
    throw new GraphError('it drops at random, which inference does not');
  const mask = (): Value =>
    op.expand(
      x.graph.constant(
        tensor(
          'bool',
          x.shape.map(() => 1),
          [1],
        ),
      ),
      x.shape,
    );
  return [x, ...(node.outputCount > 1 ? [mask()] : [])];
};

const instanceNormalization = (node: FileNode): readonly Value[] => [
  op.instanceNormalization(
    node.input(0),
    node.input(1),
    node.input(2),
    node.positive('epsilon', Math.fround(1e-5)),
  ),
];

export const normalization: FileOperators = {
  BatchNormalization: batchNormalization,
  Dropout: dropout,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  LpNormalization: lpNormalization,
  LRN: lrn,
  RMSNormalization: rmsNormalization,
};
