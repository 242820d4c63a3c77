/** Convolutions: stride, asymmetric padding, dilation, groups, and remainders that the last stride does not reach. */
import * as op from '../../graph/ops.js';
import type { Shape } from '../../tensor/tensor.js';
import { type ConvolutionCase, convolutionCases, resultShape } from '../convolution.js';
import type { GradientCase, GradientCases } from './case.js';

// Linear in every input, so that differences over a large step are exact but for rounding.
const linear = { dtype: 'float32', step: 0.5, tolerance: 1e-4 } as const;

const convolve = (convolution: ConvolutionCase): GradientCase[] =>
  [false, true].map((bias) => ({
    name: `Conv ${convolution.name}${bias ? ' with bias' : ''}`,
    shapes: [convolution.x, convolution.weight, ...(bias ? [[convolution.weight[0]]] : [])],
    build: (...inputs) => op.conv(inputs[0], inputs[1], bias ? inputs[2] : null, convolution.options),
    ...linear,
  }));

// The gradients' own gradients are convolutions again: one case of each kind is enough.
const few = convolutionCases.filter(({ name }) =>
  ['3x3', 'strided with a remainder', 'everything at once', 'of 16 channels'].includes(name),
);

/** The two operators that give a convolution's gradient towards its image. */
const backwards = (name: string, build: typeof op.convGradInput): GradientCase[] =>
  few.map((convolution) => ({
    name: `${name} ${convolution.name}`,
    shapes: [resultShape(convolution), convolution.weight],
    build: (z, weight) => build(z, weight, convolution.x, convolution.options),
    ...linear,
  }));

/** Images of one axis and of three. */
interface OtherDimensions {
  readonly name: string;
  readonly x: Shape;
  readonly weight: Shape;
  readonly options: op.ConvolutionGeometry;
}

const otherDimensions: readonly OtherDimensions[] = [
  {
    name: 'of one dimension',
    x: [2, 4, 9],
    weight: [6, 2, 3],
    options: op.geometry({ stride: [2], padding: [2, 1], dilation: [2], groups: 2 }, 1),
  },
  { name: 'of three dimensions', x: [2, 2, 3, 4, 3], weight: [3, 2, 2, 3, 2], options: op.geometry({}, 3) },
  {
    name: 'of three dimensions, everything at once',
    x: [1, 4, 5, 4, 6],
    weight: [4, 2, 3, 2, 2],
    options: op.geometry(
      { stride: [2, 1, 3], padding: [1, 0, 2, 1, 1, 0], dilation: [1, 2, 2], groups: 2 },
      3,
    ),
  },
];

const shapeOf = ({ x, weight, options }: OtherDimensions): Shape => [
  x[0],
  weight[0],
  ...op.outputSize(x.slice(2), weight.slice(2), options),
];

const otherDimensionsBackwards = (name: string, build: typeof op.convGradInput): GradientCase[] =>
  otherDimensions.map((convolution) => ({
    name: `${name} ${convolution.name}`,
    shapes: [shapeOf(convolution), convolution.weight],
    build: (z, weight) => build(z, weight, convolution.x, convolution.options),
    ...linear,
  }));

export const convolution = {
  conv: [
    ...convolutionCases.flatMap(convolve),
    ...otherDimensions.map(({ name, x, weight, options }): GradientCase => ({
      name: `Conv ${name} with bias`,
      shapes: [x, weight, [weight[0]]],
      build: (...inputs) => op.conv(inputs[0], inputs[1], inputs[2], options),
      ...linear,
    })),
  ],
  channelsFirst: [{ name: 'Transpose to channels first', shapes: [[2, 3, 4]], build: op.channelsFirst }],
  convGradInput: [
    ...backwards('ConvGradInput', op.convGradInput),
    ...otherDimensionsBackwards('ConvGradInput', op.convGradInput),
  ],
  convTranspose: [
    ...backwards('ConvTranspose', op.convTranspose),
    ...otherDimensionsBackwards('ConvTranspose', op.convTranspose),
    {
      name: 'ConvTranspose with bias',
      shapes: [[2, 4, 2, 3], [4, 1, 3, 2], [2]],
      build: (z, weight, bias) =>
        op.convTranspose(
          z,
          weight,
          [2, 2, 4, 7],
          op.geometry({ stride: [2, 3], padding: [1, 1, 0, 0], groups: 2 }),
          bias,
        ),
      ...linear,
    },
  ],
  convGradWeight: few.map((convolution) => ({
    name: `ConvGradWeight ${convolution.name}`,
    shapes: [convolution.x, resultShape(convolution)],
    build: (x, z) => op.convGradWeight(x, z, convolution.weight, convolution.options),
    ...linear,
  })),
} satisfies GradientCases;
