/** Max-pooling with overlapping, padded and incomplete windows; ties have a test of their own. */
import * as op from '../../graph/ops.js';
import { distinct, normal } from '../gradients.js';
import type { GradientCases } from './case.js';

const pools: readonly op.PoolingGeometry[] = [
  { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
  { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  { kernel: [3, 2], stride: [1, 1], padding: [0, 1, 2, 0] },
  { kernel: [2, 2], stride: [3, 4], padding: [0, 0, 0, 0] },
  { kernel: [5, 6], stride: [1, 1], padding: [0, 0, 0, 0] },
];

const describePool = ({ kernel, stride, padding }: op.PoolingGeometry): string =>
  `${kernel.join('x')} with stride ${stride.join()} and padding ${padding.join()}`;

export const pooling = {
  maxPool: pools.map((options) => ({
    name: `MaxPool ${describePool(options)}`,
    shapes: [[2, 2, 5, 6]],
    build: (x) => op.maxPool(x, options).values,
    draw: distinct,
  })),
  maxPoolGrad: pools.map((options) => ({
    name: `MaxPoolGrad ${describePool(options)}`,
    shapes: [
      [2, 2, ...op.outputSize([5, 6], options.kernel, op.geometry(options))],
      [2, 2, 5, 6],
    ],
    build: (g, x) => op.maxPoolGrad(g, op.maxPool(x, options).values.producer!),
    draw: [normal, distinct],
  })),
} satisfies GradientCases;
