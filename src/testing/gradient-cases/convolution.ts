/** Convolutions: stride, asymmetric padding, dilation, groups, and remainders that the last stride does not reach. */
import * as op from '../../graph/ops.js';
import { type ConvolutionCase, convolutionCases } from '../convolution.js';
import type { GradientCase } from './case.js';

const gradientCase = ({ name, x, weight, options }: ConvolutionCase, bias: boolean): GradientCase => ({
  name: `Conv ${name}${bias ? ' with bias' : ''}`,
  shapes: bias ? [x, weight, [weight[0]]] : [x, weight],
  build: (...inputs) => op.conv(inputs[0], inputs[1], bias ? inputs[2] : null, options),
  dtype: 'float32',
  // Linear in every input, so that differences over a large step are exact but for rounding.
  step: 0.5,
  tolerance: 1e-4,
});

export const convolution: readonly GradientCase[] = convolutionCases.flatMap((convolution) => [
  gradientCase(convolution, false),
  gradientCase(convolution, true),
]);
