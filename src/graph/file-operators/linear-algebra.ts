/** Matrix products. */
import * as op from '../ops.js';
import { type FileOperator, type FileOperators, binary } from './operator.js';

const gemm: FileOperator = (node) => [
  op.gemm(node.input(0), node.input(1), node.optional(2), {
    transA: node.flag('transA', false),
    transB: node.flag('transB', false),
    alpha: node.number('alpha', 1),
    beta: node.number('beta', 1),
  }),
];

export const linearAlgebra: FileOperators = { Gemm: gemm, MatMul: binary(op.matMul) };
