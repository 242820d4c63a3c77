/** Convolutions: stride, asymmetric padding, dilation, groups, and remainders that the last stride does not reach. */
import * as op from '../../graph/ops.js';
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

export const convolution = {
  conv: convolutionCases.flatMap(convolve),
  convGradInput: backwards('ConvGradInput', op.convGradInput),
  convTranspose: backwards('ConvTranspose', op.convTranspose),
  convGradWeight: few.map((convolution) => ({
    name: `ConvGradWeight ${convolution.name}`,
    shapes: [convolution.x, resultShape(convolution)],
    build: (x, z) => op.convGradWeight(x, z, convolution.weight, convolution.options),
    ...linear,
  })),
} satisfies GradientCases;
