/** Images in other sizes, and at any positions; away from where the nearest or next pixel changes. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type Draw, normal } from '../gradients.js';
import type { GradientCase, GradientCases } from './case.js';

// Linear in x, so that differences over a large step are exact but for rounding.
const linear = { dtype: 'float32', step: 0.5, tolerance: 1e-4 } as const;

const larger = { scales: [1, 1, 1.7, 2] };
const smaller = { sizes: [1, 2, 3, 2] };
const region = [0, 0, 0.1, -0.2, 1, 1, 0.8, 1.1];

const resized = (
  name: string,
  target: Parameters<typeof op.resize>[1],
  options: op.ResizeOptions,
): GradientCase => ({
  name: `Resize ${name}`,
  shapes: [[1, 2, 5, 4]],
  build: (x: Value) => op.resize(x, target, options),
  ...linear,
});

/** Positions whose neighbours stay the same ones: each within a pixel of an image of 4 or 5 pixels. */
const positions =
  (reach: number): Draw =>
  (random, count) =>
    Array.from({ length: count }, () => {
      let value: number;
      do value = random.uniform(-reach, reach);
      while (
        [5, 4, 3].some((length) => [length / 2, (length - 1) / 2].some((scale) => near(value, scale, length)))
      );
      return value;
    });

/** Whether a position is close to a pixel's centre, or to the middle between two. */
const near = (value: number, scale: number, length: number): boolean => {
  const at = 2 * (value * scale + (length - 1) / 2);
  return Math.abs(at - Math.round(at)) < 0.06;
};

export const sampling = {
  resize: [
    ...op.nearestModes.map((nearest) => resized(`nearest, ${nearest}`, larger, { nearest })),
    ...op.resizeModes.flatMap((mode) =>
      op.coordinateModes.flatMap((coordinates) =>
        [larger, smaller].map((target) =>
          resized(`${mode}, ${coordinates}, ${'sizes' in target ? 'smaller' : 'larger'}`, target, {
            mode,
            coordinates,
            region,
            extrapolation: 3,
          }),
        ),
      ),
    ),
    resized('cubic without what is outside', larger, {
      mode: 'cubic',
      excludeOutside: true,
      cubicCoefficient: -0.5,
    }),
    ...(['linear', 'cubic'] as const).flatMap((mode) => [
      resized(`${mode}, antialiased`, smaller, { mode, antialias: true }),
      resized(`${mode}, antialiased without what is outside`, smaller, {
        mode,
        antialias: true,
        excludeOutside: true,
      }),
    ]),
    ...op.aspectRatioPolicies.map((policy) =>
      resized(
        `linear, ${policy}`,
        { sizes: [1, 2, 7, 6] },
        {
          mode: 'linear',
          aspectRatio: { policy, axes: [2, 3] },
        },
      ),
    ),
    {
      name: 'Resize of one axis',
      shapes: [[2, 2, 5]],
      build: (x) => op.resize(x, { sizes: [2, 2, 8] }, { mode: 'linear' }),
      ...linear,
    },
    {
      name: 'Resize of three axes',
      shapes: [[1, 1, 2, 3, 2]],
      build: (x) =>
        op.resize(x, { scales: [1, 1, 2, 1.5, 2] }, { mode: 'linear', coordinates: 'align_corners' }),
      ...linear,
    },
  ],
  gridSample: [
    ...op.sampleModes.flatMap((mode) =>
      op.samplePaddings.flatMap((padding) =>
        [false, true].map((alignCorners) => ({
          name: `GridSample ${mode}, padding ${padding}${alignCorners ? ', corners aligned' : ''}`,
          shapes: [
            [2, 2, 5, 4],
            [2, 2, 3, 2],
          ],
          build: (x: Value, grid: Value) => op.gridSample(x, grid, { mode, padding, alignCorners }),
          dtype: 'float32' as const,
          draw: [normal, positions(1.6)],
          tolerance: 1e-2,
        })),
      ),
    ),
    {
      name: 'GridSample of three axes',
      shapes: [
        [1, 2, 3, 4, 5],
        [1, 2, 2, 1, 3],
      ],
      build: (x, grid) => op.gridSample(x, grid, { padding: 'border' }),
      dtype: 'float32',
      draw: [normal, positions(0.9)],
      tolerance: 1e-2,
    },
  ],
} satisfies GradientCases;
