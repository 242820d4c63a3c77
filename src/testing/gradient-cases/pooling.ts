/** Max-pooling with overlapping, padded and incomplete windows; ties have a test of their own. */
import * as op from '../../graph/ops.js';
import { distinct } from '../gradients.js';
import type { GradientCase } from './case.js';

const pools: readonly op.PoolingGeometry[] = [
  { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
  { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  { kernel: [3, 2], stride: [1, 1], padding: [0, 1, 2, 0] },
  { kernel: [2, 2], stride: [3, 4], padding: [0, 0, 0, 0] },
  { kernel: [5, 6], stride: [1, 1], padding: [0, 0, 0, 0] },
];

export const pooling: readonly GradientCase[] = pools.map((options) => ({
  name: `MaxPool ${options.kernel.join('x')} with stride ${options.stride.join()} and padding ${options.padding.join()}`,
  shapes: [[2, 2, 5, 6]],
  build: (x) => op.maxPool(x, options).values,
  draw: distinct,
}));
