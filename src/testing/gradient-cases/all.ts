/** Every check of a backward rule. */
import type { GradientCase } from './case.js';
import { convolution } from './convolution.js';
import { elementwise } from './elementwise.js';
import { linearAlgebra } from './linear-algebra.js';
import { normalization } from './normalization.js';
import { pooling } from './pooling.js';
import { shape } from './shape.js';

export const gradientCases: readonly GradientCase[] = [
  ...elementwise,
  ...linearAlgebra,
  ...convolution,
  ...pooling,
  ...normalization,
  ...shape,
];
