/** Batch norm in both forms over inputs of every rank, layer norm, and the functions of a distribution. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type Shape, tensor } from '../../tensor/tensor.js';
import { type Draw, normal, positive } from '../gradients.js';
import type { GradientCase } from './case.js';

const images: readonly Shape[] = [
  [5, 3],
  [3, 2, 4],
  [2, 3, 2, 3],
];

/** Far from zero in the mean, where a rule that forgets to centre shows. */
const offCentre: Draw = (random, count) => normal(random, count).map((value) => 3 + 2 * value);

export const normalization: readonly GradientCase[] = [
  ...images.flatMap((x): GradientCase[] => [
    {
      name: `BatchNormTraining over [${x.join()}]`,
      shapes: [x, [x[1]], [x[1]]],
      build: (...inputs) => op.batchNormTraining(inputs[0], inputs[1], inputs[2]).y,
      draw: offCentre,
    },
    {
      name: `BatchNormTraining over [${x.join()}] with a large epsilon`,
      shapes: [x, [x[1]], [x[1]]],
      build: (...inputs) => op.batchNormTraining(inputs[0], inputs[1], inputs[2], 0.5).y,
    },
    {
      name: `BatchNormalization over [${x.join()}]`,
      shapes: [x, [x[1]], [x[1]]],
      build: (image, scale, bias) => {
        // Running statistics, which carry no gradient.
        const statistic = (first: number): Value =>
          image.graph.constant(
            tensor(
              image.dtype,
              [x[1]],
              Array.from({ length: x[1] }, (_, channel) => first + channel / 4),
            ),
          );
        const [mean, variance] = [statistic(-0.5), statistic(0.5)];
        return op.batchNormalization(image, scale, bias, mean, variance, 0.01);
      },
    },
  ]),
  ...([[4, 5], [2, 3, 4], [3], [2, 1, 2, 3]] satisfies Shape[]).map((x) => ({
    name: `LayerNormalization over [${x.join()}]`,
    shapes: [x, [x.at(-1)!], [x.at(-1)!]],
    build: (...inputs: Parameters<GradientCase['build']>) =>
      op.layerNormalization(inputs[0], inputs[1], inputs[2], 0.01).y,
    draw: [offCentre, positive, normal],
  })),
  ...[-1, 0, 1].flatMap((axis): GradientCase[] => [
    { name: `Softmax along axis ${axis}`, shapes: [[2, 3, 4]], build: (x) => op.softmax(x, axis) },
    { name: `LogSoftmax along axis ${axis}`, shapes: [[2, 3, 4]], build: (x) => op.logSoftmax(x, axis) },
  ]),
];
