/** Matrix products. */
import { GraphError } from '../graph.js';
import * as op from '../ops.js';
import { type FileOperator, type FileOperators, binary } from './operator.js';

const gemm: FileOperator = (node) => {
  node.only('transA', 0);
  node.only('transB', 1, 0);
  for (const factor of ['alpha', 'beta'])
    if (node.positive(factor, 1) !== 1)
      throw new GraphError(`attribute "${factor}" is not 1, which tract-ts reads alone`);
  return [op.gemm(node.input(0), node.input(1), node.optional(2))];
};

export const linearAlgebra: FileOperators = { Gemm: gemm, MatMul: binary(op.matMul) };
