/** Normalisation. */
import { GraphError } from '../graph.js';
import * as op from '../ops.js';
import type { FileOperator, FileOperators } from './operator.js';

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

export const normalization: FileOperators = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
};
