/** Operators, for models of one's own: functions that add a node to the graph of their operands. */
export {
  type ConvolutionGeometry,
  conv,
  convGradInput,
  convGradWeight,
  convGram,
  convPatches,
  convTranspose,
} from './ops/convolution.js';
export {
  type Operand,
  abs,
  add,
  cast,
  div,
  equal,
  erf,
  exp,
  gelu,
  greater,
  identity,
  log,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  reluGrad,
  sigmoid,
  sign,
  sqrt,
  sub,
  tanh,
  where,
} from './ops/elementwise.js';
export { gemm, linear, matMul } from './ops/linear-algebra.js';
export {
  batchNormTraining,
  batchNormTrainingGrad,
  batchNormalization,
  layerNormalization,
} from './ops/normalization.js';
export { type PoolingGeometry, maxPool, maxPoolGrad } from './ops/pooling.js';
export { argMax, logSoftmax, reduceMax, reduceMean, reduceSum, softmax, sumTo } from './ops/reduce.js';
export {
  type SliceRange,
  concat,
  expand,
  gather,
  gatherElements,
  matrixTranspose,
  pad,
  reshape,
  scatterAdd,
  slice,
  split,
  transpose,
} from './ops/shape.js';
