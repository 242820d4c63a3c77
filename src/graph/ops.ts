/** Every operator: `import * as op from '../graph/ops.js'`. */
export * from './ops/activation.js';
export * from './ops/attention.js';
export * from './ops/axis-map.js';
export * from './ops/convolution.js';
export * from './ops/einsum.js';
export * from './ops/elementwise.js';
export * from './ops/extremes.js';
export * from './ops/functions.js';
export * from './ops/indexing.js';
export * from './ops/linear-algebra.js';
export * from './ops/logic.js';
export * from './ops/normalization.js';
export * from './ops/pooling.js';
export * from './ops/reduce.js';
export * from './ops/sampling.js';
export * from './ops/shape.js';
