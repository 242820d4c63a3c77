/** Arithmetic with broadcasting, functions of one value, selection. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, binary, perInput, unary } from '../rule.js';

/** φ(x) + … of the tanh form: with u = √(2/π)(x + 0.044715 x³), y = x (1 + tanh u) / 2. */
const geluByTanh = (x: Value): Value => {
  const inner = op.mul(op.add(op.mul(op.mul(x, x), 0.044715), 1), op.mul(x, Math.sqrt(2 / Math.PI)));
  const t = op.tanh(inner);
  const slope = op.mul(op.add(op.mul(op.mul(x, x), 3 * 0.044715), 1), Math.sqrt(2 / Math.PI));
  return op.add(op.mul(op.add(t, 1), 0.5), op.mul(op.mul(op.mul(op.sub(1, op.mul(t, t)), x), slope), 0.5));
};

/** Φ(x) + x φ(x), with the normal distribution's Φ and density φ. */
const geluExactly = (x: Value): Value => {
  const distribution = op.add(op.mul(op.erf(op.mul(x, Math.SQRT1_2)), 0.5), 0.5);
  const density = op.mul(op.exp(op.mul(op.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return op.add(distribution, op.mul(x, density));
};

/** b aᵇ⁻¹, which is 0 for an exponent of 0 at any base, 0 too. */
const powByBase = (g: Value, a: Value, b: Value): Value =>
  op.where(op.equal(b, 0), 0, op.mul(g, op.mul(op.pow(a, op.sub(b, 1)), b)));

/** aᵇ ln a; at a = 0 its limit from above: 0, or -∞ for a negative exponent. NaN for a negative base. */
const powByExponent = (g: Value, a: Value, b: Value, y: Value): Value => {
  const atZero = op.where(op.greater(0, b), op.scalarLike(b, -Infinity), 0);
  return op.mul(g, op.where(op.equal(a, 0), atZero, op.mul(y, op.log(a))));
};

export const elementwise: Readonly<Record<string, BackwardRule>> = {
  Add: binary([(g) => g, (g) => g]),
  Sub: binary([(g) => g, (g) => op.neg(g)]),
  Mul: binary([(g, _a, b) => op.mul(g, b), (g, a) => op.mul(g, a)]),
  Div: binary([(g, _a, b) => op.div(g, b), (g, _a, b, y) => op.neg(op.div(op.mul(g, y), b))]),
  Pow: binary([powByBase, powByExponent]),
  Neg: unary((g) => op.neg(g)),
  Abs: unary((g, x) => op.mul(g, op.sign(x))),
  Sign: perInput([null]),
  Exp: unary((g, _x, y) => op.mul(g, y)),
  Log: unary((g, x) => op.div(g, x)),
  Sqrt: unary((g, _x, y) => op.div(op.mul(g, 0.5), y)),
  Reciprocal: unary((g, _x, y) => op.neg(op.mul(g, op.mul(y, y)))),
  Erf: unary((g, x) => op.mul(g, op.mul(op.exp(op.neg(op.mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  Tanh: unary((g, _x, y) => op.mul(g, op.sub(1, op.mul(y, y)))),
  Sigmoid: unary((g, _x, y) => op.mul(g, op.mul(y, op.sub(1, y)))),
  Relu: unary((g, _x, y) => op.reluGrad(g, y)),
  'tract.ReluGrad': perInput([(g, [, y]) => op.reluGrad(g, y), null]),
  Gelu: unary((g, x, _y, { attributes: { approximate } }) =>
    op.mul(g, approximate.value === 'tanh' ? geluByTanh(x) : geluExactly(x)),
  ),
  Identity: unary((g) => g),
  Cast: unary((g, x) => op.cast(g, x.dtype)),
  Where: perInput([
    null,
    (g, [condition, a]) => op.sumTo(op.where(condition, g, 0), a),
    (g, [condition, , b]) => op.sumTo(op.where(condition, 0, g), b),
  ]),
};
