/** Multi-head self-attention (Vaswani et al., 2017), with the parameter names of timm's vision transformer. */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { linear } from './layers.js';
import type { Scope } from './scope.js';

/**
 * @param x [N, tokens, width]; the width is a multiple of the number of heads
 * @returns like x
 */
export function selfAttention(scope: Scope, x: Value, heads: number): Value {
  const [batch, tokens, width] = x.shape;
  const size = width / heads;
  const joint = linear(scope.child('qkv'), x, 3 * width);
  const attended = scope.build(() => {
    // [N, tokens, (q, k, v), heads, size] → [(q, k, v), N, heads, tokens, size]
    const parts = op.transpose(op.reshape(joint, [batch, tokens, 3, heads, size]), [2, 0, 3, 1, 4]);
    const [query, key, value] = op
      .split(parts, 0, 3)
      .map((part) => op.reshape(part, [batch, heads, tokens, size]));
    const scores = op.mul(op.matMul(query, op.matrixTranspose(key)), 1 / Math.sqrt(size));
    const mixed = op.matMul(op.softmax(scores), value);
    return op.reshape(op.transpose(mixed, [0, 2, 1, 3]), [batch, tokens, width]);
  });
  return linear(scope.child('proj'), attended, width);
}
