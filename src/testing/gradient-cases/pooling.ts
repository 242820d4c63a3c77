/** Pooling with overlapping, padded and incomplete windows; ties have a test of their own. */
import * as op from '../../graph/ops.js';
import type { Value } from '../../graph/graph.js';
import type { Shape } from '../../tensor/tensor.js';
import { awayFromZero, distinct, normal } from '../gradients.js';
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

const image: Shape = [1, 2, 5, 6];

/** Of one dimension and of three, dilated, and with incomplete windows. */
const more: readonly (readonly [Shape, op.PoolingGeometry])[] = [
  [[2, 2, 7], { kernel: [3], stride: [2], padding: [1, 1] }],
  [[1, 2, 3, 4, 4], { kernel: [2, 3, 2], stride: [1, 2, 1], padding: [1, 1, 0, 0, 1, 1] }],
  [image, { kernel: [2, 3], stride: [1, 2], padding: [1, 1, 0, 1], dilation: [2, 2] }],
  [image, { kernel: [3, 2], stride: [2, 4], padding: [0, 0, 0, 1], ceilMode: true }],
  [image, { kernel: [3, 2], stride: [3, 3], padding: [1, 1, 1, 1], ceilMode: true }],
];

const describeMore = (shape: Shape, options: op.PoolingGeometry): string =>
  `${describePool(options)}${options.dilation ? ' dilated' : ''}${options.ceilMode ? ' with incomplete windows' : ''} over [${shape.join()}]`;

const all: readonly (readonly [Shape, op.PoolingGeometry])[] = [
  ...pools.map((options): readonly [Shape, op.PoolingGeometry] => [image, options]),
  ...more,
];

export const pooling = {
  averagePool: all.flatMap(([shape, options]) =>
    [false, true].map((countIncludePad) => ({
      name: `AveragePool ${describeMore(shape, options)}${countIncludePad ? ', padding counted' : ''}`,
      shapes: [shape],
      build: (x: Value) => op.averagePool(x, { ...options, countIncludePad }),
      dtype: 'float32' as const,
      step: 0.5,
      tolerance: 1e-4,
    })),
  ),
  lpPool: [
    ...more.map(([shape, options]) => ({
      name: `AveragePool of squares ${describeMore(shape, options)}`,
      shapes: [shape],
      build: (x: Value) => op.lpPool(x, 2, options),
      dtype: 'float32' as const,
    })),
    ...[1, 3, 4].map((p) => ({
      name: `AveragePool of powers of ${p}`,
      shapes: [image],
      build: (x: Value) => op.lpPool(x, p, pools[1]),
      dtype: 'float32' as const,
      draw: awayFromZero,
      tolerance: 5e-3,
    })),
  ],
  maxPool: [
    ...pools.map((options) => ({
      name: `MaxPool ${describePool(options)}`,
      shapes: [[2, 2, 5, 6]],
      build: (x: Value) => op.maxPool(x, options).values,
      draw: distinct,
    })),
    ...more.map(([shape, options]) => ({
      name: `MaxPool ${describeMore(shape, options)}`,
      shapes: [shape],
      build: (x: Value) => op.maxPool(x, options).values,
      draw: distinct,
    })),
  ],
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
