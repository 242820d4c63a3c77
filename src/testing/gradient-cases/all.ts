/** Every builder of `ops`, with what checks its gradient. */
import type * as op from '../../graph/ops.js';
import { activations } from './activation.js';
import type { GradientCase } from './case.js';
import { convolution } from './convolution.js';
import { elementwise } from './elementwise.js';
import { functions } from './functions.js';
import { indexing } from './indexing.js';
import { linearAlgebra } from './linear-algebra.js';
import { normalization } from './normalization.js';
import { pooling } from './pooling.js';
import { reduce } from './reduce.js';
import { sampling } from './sampling.js';
import { shape } from './shape.js';
import { notOperators, withoutGradient } from './without.js';

export const casesByBuilder = {
  ...elementwise,
  ...activations,
  ...functions,
  ...linearAlgebra,
  ...convolution,
  ...pooling,
  ...normalization,
  ...reduce,
  ...shape,
  ...indexing,
  ...sampling,
};

export const gradientCases: readonly GradientCase[] = Object.values(casesByBuilder).flat();

/** An export that is missing here is one whose gradient nobody checks: this does not compile. */
export const coverage = { ...casesByBuilder, ...withoutGradient, ...notOperators } satisfies Record<
  keyof typeof op,
  unknown
>;
