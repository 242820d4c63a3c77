/** Batch norm in both forms over inputs of every rank, and layer norm. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type Shape, tensor } from '../../tensor/tensor.js';
import { type Draw, awayFromZero, distinct, normal, positive } from '../gradients.js';
import type { GradientCase, GradientCases } from './case.js';

const images: readonly Shape[] = [
  [5, 3],
  [3, 2, 4],
  [2, 3, 2, 3],
];

/** Far from zero in the mean, where a rule that forgets to centre shows. */
const offCentre: Draw = (random, count) => normal(random, count).map((value) => 3 + 2 * value);

/** Rows far from 0 and far apart, so that differences of float32 tell something of a deviation. */
const spread: Draw = (random, count) => distinct(random, count).map((value) => 3 + 8 * value);

const batchNorm = (...[x, scale, bias]: Value[]): ReturnType<typeof op.batchNormTraining> =>
  op.batchNormTraining(x, scale, bias, 0.05);

export const normalization = {
  batchNormTraining: images.flatMap((x): GradientCase[] => {
    const over = `BatchNormTraining over [${x.join()}]`;
    const shapes = [x, [x[1]], [x[1]]];
    return [
      {
        name: over,
        shapes,
        build: (...inputs) => op.batchNormTraining(inputs[0], inputs[1], inputs[2]).y,
        draw: offCentre,
      },
      {
        name: `${over} with a large epsilon`,
        shapes,
        build: (...inputs) => op.batchNormTraining(inputs[0], inputs[1], inputs[2], 0.5).y,
      },
      { name: `${over}, its mean`, shapes, build: (...inputs) => batchNorm(...inputs).mean },
      { name: `${over}, its variance`, shapes, build: (...inputs) => batchNorm(...inputs).variance },
      { name: `${over}, all results`, shapes, build: (...inputs) => Object.values(batchNorm(...inputs)) },
    ];
  }),
  batchNormalization: images.flatMap((x): GradientCase[] => {
    const shapes = [x, ...[0, 1, 2, 3].map(() => [x[1]])];
    return [
      {
        name: `BatchNormalization over [${x.join()}]`,
        shapes,
        build: (...inputs) =>
          op.batchNormalization(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], 0.01),
        draw: [normal, normal, normal, offCentre, positive],
      },
      {
        name: `BatchNormalization over [${x.join()}] with fixed statistics`,
        shapes: shapes.slice(0, 3),
        build: (image, scale, bias) => {
          const [mean, variance] = [-0.5, 0.5].map((first) =>
            image.graph.constant(
              tensor(
                image.dtype,
                [x[1]],
                Array.from({ length: x[1] }, (_, channel) => first + channel / 4),
              ),
            ),
          );
          return op.batchNormalization(image, scale, bias, mean, variance, 0.01);
        },
      },
    ];
  }),
  layerNormalization: ([[4, 5], [2, 3, 4], [3], [2, 1, 2, 3]] satisfies Shape[]).flatMap(
    (x): GradientCase[] => {
      const over = `LayerNormalization over [${x.join()}]`;
      const shapes = [x, [x.at(-1)!], [x.at(-1)!]];
      const build = (...[input, scale, bias]: Value[]): ReturnType<typeof op.layerNormalization> =>
        op.layerNormalization(input, scale, bias, 0.01);
      // ONNX has the mean and 1/σ in float32 alone.
      const single = { shapes, dtype: 'float32', draw: [spread, positive, normal] } as const;
      return [
        { name: over, shapes, build: (...inputs) => build(...inputs).y, draw: [offCentre, positive, normal] },
        { name: `${over}, its mean`, build: (...inputs) => build(...inputs).mean, ...single },
        { name: `${over}, its 1/σ`, build: (...inputs) => build(...inputs).inverseDeviation, ...single },
        { name: `${over}, all results`, build: (...inputs) => Object.values(build(...inputs)), ...single },
      ];
    },
  ),
  groupNormalization: (
    [
      [[2, 4, 3], 2],
      [[2, 3, 2, 2], 1],
      [[2, 6], 2],
    ] satisfies [Shape, number][]
  ).map(([x, groups]) => ({
    name: `LayerNormalization of ${groups} groups of [${x.join()}]`,
    shapes: [x, [x[1]], [x[1]]],
    build: (...[input, scale, bias]: Value[]) => op.groupNormalization(input, scale, bias, groups, 0.01),
    draw: [offCentre, positive, normal],
  })),
  instanceNormalization: [
    {
      name: 'LayerNormalization of each channel',
      shapes: [[2, 3, 2, 4], [3], [3]],
      build: (x, scale, bias) => op.instanceNormalization(x, scale, bias, 0.01),
      draw: [offCentre, positive, normal],
    },
  ],
  lpNormalization: [1, 2].map((p) => ({
    name: `Div by the norm of ${p}`,
    shapes: [[2, 3, 4]],
    build: (x: Value) => op.lpNormalization(x, 1, p),
    draw: awayFromZero,
  })),
  lrn: [2, 5].map((size) => ({
    name: `AveragePool of ${size} channels`,
    shapes: [[2, 5, 2, 3]],
    build: (x: Value) => op.lrn(x, size, { alpha: 0.5, beta: 0.75, bias: 2 }),
    dtype: 'float32' as const,
  })),
} satisfies GradientCases;
