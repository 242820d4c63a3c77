/** The backward rules, one an operator, by its name (`operatorName`). */
import type { BackwardRule } from './rule.js';
import { activation } from './rules/activation.js';
import { convolution } from './rules/convolution.js';
import { einsum } from './rules/einsum.js';
import { elementwise } from './rules/elementwise.js';
import { functions } from './rules/functions.js';
import { indexing } from './rules/indexing.js';
import { linearAlgebra } from './rules/linear-algebra.js';
import { normalization } from './rules/normalization.js';
import { reduce } from './rules/reduce.js';
import { sampling } from './rules/sampling.js';
import { shape } from './rules/shape.js';

// A map, because an operator's name may come from a file, and objects inherit properties with names of their own.
export const backwardRules: ReadonlyMap<string, BackwardRule> = new Map(
  [
    elementwise,
    activation,
    functions,
    linearAlgebra,
    einsum,
    convolution,
    normalization,
    reduce,
    shape,
    indexing,
    sampling,
  ].flatMap((rules) => Object.entries(rules)),
);
