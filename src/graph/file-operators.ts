/**
 * The operators that are read from a file, each with ONNX's defaults for its attributes (operator sets 20 and 21) and
 * the builder that adds it. Builders check what they are given and infer what comes out, so nothing that a file says
 * about its shapes has to be believed.
 */
import { convolution } from './file-operators/convolution.js';
import { elementwise } from './file-operators/elementwise.js';
import { indexing } from './file-operators/indexing.js';
import { linearAlgebra } from './file-operators/linear-algebra.js';
import { normalization } from './file-operators/normalization.js';
import type { FileOperator } from './file-operators/operator.js';
import { reduce } from './file-operators/reduce.js';
import { sampling } from './file-operators/sampling.js';
import { shape } from './file-operators/shape.js';

export type { FileOperator } from './file-operators/operator.js';

/** By the operator's name. A map, because the name comes from a file and objects inherit names of their own. */
export const fileOperators: ReadonlyMap<string, FileOperator> = new Map(
  [convolution, elementwise, indexing, linearAlgebra, normalization, reduce, sampling, shape].flatMap(
    (operators) => Object.entries(operators),
  ),
);
