/** Activation functions on either side of their kinks. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { awayFromZero, avoiding, between, normal } from '../gradients.js';
import type { GradientCase, GradientCases } from './case.js';

/** ONNX Runtime has these in float32 alone, where second derivatives spoil differences over a large step. */
const single = { dtype: 'float32', tolerance: 4e-3 } as const;

const activation = (
  name: string,
  build: (x: Value) => Value,
  draw: GradientCase['draw'] = awayFromZero,
): GradientCase => ({ name, shapes: [[5, 8]], build, draw, ...single });

export const activations = {
  leakyRelu: [
    activation('LeakyRelu', (x) => op.leakyRelu(x)),
    activation('LeakyRelu with a slope of 0.3', (x) => op.leakyRelu(x, 0.3)),
    activation('LeakyRelu with a negative slope', (x) => op.leakyRelu(x, -2)),
  ],
  pRelu: [
    {
      name: 'PRelu',
      shapes: [
        [2, 3, 4],
        [2, 3, 4],
      ],
      build: op.pRelu,
      draw: [awayFromZero, normal],
      ...single,
    },
    {
      name: 'PRelu with one slope a channel',
      shapes: [
        [2, 3, 2, 2],
        [3, 1, 1],
      ],
      build: op.pRelu,
      draw: [awayFromZero, normal],
      ...single,
    },
  ],
  elu: [activation('Elu', (x) => op.elu(x)), activation('Elu with an α of 0.4', (x) => op.elu(x, 0.4))],
  selu: [
    activation('Selu', (x) => op.selu(x)),
    activation('Selu with other constants', (x) => op.selu(x, 0.7, 1.5)),
  ],
  celu: [activation('Celu', (x) => op.celu(x)), activation('Celu with an α of 0.6', (x) => op.celu(x, 0.6))],
  thresholdedRelu: [
    activation('ThresholdedRelu', (x) => op.thresholdedRelu(x), avoiding([1])),
    activation('ThresholdedRelu at -0.5', (x) => op.thresholdedRelu(x, -0.5), avoiding([-0.5])),
  ],
  hardSigmoid: [
    activation('HardSigmoid', (x) => op.hardSigmoid(x), avoiding([-2.5, 2.5], 3)),
    activation('HardSigmoid by PyTorch', (x) => op.hardSigmoid(x, 1 / 6), avoiding([-3, 3], 3)),
    activation('HardSigmoid that falls', (x) => op.hardSigmoid(x, -0.5, 0.25), avoiding([-1.5, 0.5])),
  ],
  hardSwish: [activation('HardSwish', op.hardSwish, avoiding([-3, 3], 3))],
  mish: [activation('Mish', op.mish, between(-4, 4))],
  softplus: [activation('Softplus', op.softplus, between(-4, 4))],
  softsign: [activation('Softsign', op.softsign)],
  shrink: [
    activation('Shrink', (x) => op.shrink(x), avoiding([-0.5, 0.5])),
    activation('Shrink softly', (x) => op.shrink(x, 0.3, 0.3), avoiding([-0.3, 0.3])),
  ],
} satisfies GradientCases;
