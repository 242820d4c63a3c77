/** Matrix products, sums of products, attention. */
import { GraphError, type Value, describe } from '../graph.js';
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

/** [N, length, heads · features] as [N, heads, length, features]. */
function apart(x: Value, heads: number): Value {
  const [batch, length, features] = x.shape;
  if (heads < 1 || features % heads !== 0)
    throw new GraphError(`the features of ${describe(x)} do not divide into ${heads} heads`);
  return op.transpose(op.reshape(x, [batch, length, heads, features / heads]), [0, 2, 1, 3]);
}

/** Attention of operator set 23, with the heads in an axis of their own or among the features. */
const attention: FileOperator = (node) => {
  const [query, key, value] = [0, 1, 2].map((index) => node.input(index));
  const mask = node.optional(3);
  for (const index of [4, 5])
    if (node.optional(index))
      throw new GraphError('it goes on from past keys and values, which are not read');
  const [heads, keyHeads] = [node.int('q_num_heads', 0), node.int('kv_num_heads', 0)];
  const joined = query.shape.length === 3;
  if ([key, value].some(({ shape }) => shape.length !== query.shape.length))
    throw new GraphError(`${describe(query, key, value)} are of different ranks`);
  // Of a result that is not given here, and of how exactly the softmax is computed.
  node.int('qk_matmul_output_mode', 0);
  node.int('softmax_precision', 1);
  const scale = node.number('scale', 0);
  const result = op.attention(
    joined ? apart(query, heads) : query,
    joined ? apart(key, keyHeads) : key,
    joined ? apart(value, keyHeads) : value,
    {
      mask,
      causal: node.flag('is_causal', false),
      ...(scale !== 0 && { scale }),
      softcap: node.number('softcap', 0),
    },
  );
  if (!joined) return [result];
  const [batch, , length] = result.shape;
  return [op.reshape(op.transpose(result, [0, 2, 1, 3]), [batch, length, -1])];
};

export const linearAlgebra: FileOperators = {
  Attention: attention,
  Einsum: (node) => [op.einsum(node.string('equation'), node.inputs())],
  Gemm: gemm,
  MatMul: binary(op.matMul),
};
