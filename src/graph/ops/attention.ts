/** Scaled dot-product attention. */
import { broadcastShape } from '../broadcast.js';
import { sameShape, tensor } from '../../tensor/tensor.js';
import { GraphError, type Value, describe } from '../graph.js';
import { add, cast, div, mul, tanh, where } from './elementwise.js';
import { matMul } from './linear-algebra.js';
import { softmax } from './reduce.js';
import { expand, matrixTranspose, reshape, trilu } from './shape.js';

/** Options of `attention`. */
export interface AttentionOptions {
  /** A bias of the scores, or booleans that say which keys a query sees; broadcasts to [N, heads, queries, keys]. */
  readonly mask?: Value | null;
  /** Whether query i sees the keys up to i alone. Default false. */
  readonly causal?: boolean;
  /** Factor of the scores. Default 1/√features. */
  readonly scale?: number;
  /** Where not 0, scores s become softcap · tanh(s / softcap). Default 0. */
  readonly softcap?: number;
}

/**
 * ONNX Attention-23 without past keys and values: softmax(q kᵀ · scale + mask) v.
 *
 * @param query [N, heads, queries, features]
 * @param key [N, key heads, keys, features]; several query heads in a row share one where there are fewer
 * @param value [N, key heads, keys, value features]
 * @returns [N, heads, queries, value features]
 */
export function attention(query: Value, key: Value, value: Value, options: AttentionOptions = {}): Value {
  const { mask = null, causal = false, softcap = 0 } = options;
  const [batch, heads, queries, features] = query.shape;
  const [, keyHeads, keys] = key.shape;
  const fits =
    [query, key, value].every(({ shape }) => shape.length === 4) &&
    sameShape(key.shape, [batch, keyHeads, keys, features]) &&
    sameShape(value.shape.slice(0, 3), key.shape.slice(0, 3)) &&
    heads % keyHeads === 0;
  const { scale = 1 / Math.sqrt(features), ...rest } = options;
  const scores = [batch, heads, queries, keys];
  const maskFits = !mask || sameShape(broadcastShape(mask.shape, scores) ?? [], scores);
  const finite = [scale, softcap].every(Number.isFinite) && softcap >= 0;
  if (!fits || !maskFits || !finite || (mask && mask.dtype !== 'bool' && mask.dtype !== query.dtype))
    throw new GraphError(
      `Attention: queries, keys and values${rest.mask ? ', and the mask' : ''} do not fit, by the scale ${scale} and the softcap ${softcap}: ${describe(query, key, value, ...(mask ? [mask] : []))}`,
    );
  const shared = (x: Value): Value => repeatHeads(x, heads / keyHeads);
  // Both factors by the root of the scale, as ONNX has it; negative ones by the whole.
  const [left, right] = scale > 0 ? [Math.sqrt(scale), Math.sqrt(scale)] : [scale, 1];
  const raw = matMul(mul(query, left), mul(matrixTranspose(shared(key)), right));
  const capped = softcap === 0 ? raw : mul(tanh(div(raw, softcap)), softcap);
  const masked = withMask(withMask(capped, causal ? causalMask(raw) : null), mask);
  return matMul(softmax(masked, -1), shared(value));
}

/** Each head `count` times in a row. */
function repeatHeads(x: Value, count: number): Value {
  if (count === 1) return x;
  const [batch, heads, length, features] = x.shape;
  const apart = reshape(x, [batch, heads, 1, length, features]);
  return reshape(expand(apart, [batch, heads, count, length, features]), [
    batch,
    heads * count,
    length,
    features,
  ]);
}

/** A bias that is added, or booleans: where they are false the score is that of nothing. */
function withMask(scores: Value, mask: Value | null): Value {
  if (!mask) return scores;
  return mask.dtype === 'bool' ? where(mask, scores, -Infinity) : add(scores, mask);
}

/** Which keys come no later than a query: [queries, keys]. */
function causalMask({ graph, shape }: Value): Value {
  const [queries, keys] = shape.slice(-2);
  const ones = expand(graph.constant(tensor('int32', [1, 1], [1])), [queries, keys]);
  return cast(trilu(ones, { upper: false }), 'bool');
}
