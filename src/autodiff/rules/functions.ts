/** Trigonometric and hyperbolic functions, rounding; limits, extremes and sums of several values. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, binary, everyInput, perInput, unary } from '../rule.js';

const square = (x: Value): Value => op.mul(x, x);

/** Constant almost everywhere. */
const steps: BackwardRule = perInput([null]);

/** Shared equally among those inputs that are the result: between two that are alike PyTorch does the same. */
const extreme = everyInput((g, inputs, { outputs: [y] }, input) => {
  const isExtreme = (x: Value): Value => op.cast(op.equal(x, y), y.dtype);
  const count = op.sum(inputs.map(isExtreme));
  return op.sumTo(op.mul(g, op.div(isExtreme(inputs[input]), count)), inputs[input]);
});

/** Of Clip's gradient the part at which a condition holds, as the gradient of a limit. */
const atLimit = (g: Value, ...conditions: readonly (Value | null)[]): Value => {
  const holds = conditions.filter((condition) => condition !== null).reduce(op.or);
  return op.reduceSum(
    op.where(holds, g, 0),
    g.shape.map((_, axis) => axis),
  );
};

/** Where the lower limit is above the upper one, the result is the upper one. */
const clip: BackwardRule = {
  inputs: [
    ([g], { inputs: [x, least, greatest] }) => {
      const outside = [least && op.less(x!, least), greatest && op.greater(x!, greatest)];
      return op.where(outside.filter((condition) => condition !== null).reduce(op.or), 0, g!);
    },
    ([g], { inputs: [x, least, greatest] }) => {
      const below = op.less(x!, least!);
      return atLimit(g!, greatest ? op.and(below, op.lessOrEqual(least!, greatest)) : below);
    },
    ([g], { inputs: [x, least, greatest] }) =>
      atLimit(g!, op.greater(x!, greatest!), least && op.greater(least, greatest!)),
  ],
};

/** The quotient of a division without its fraction: what C's fmod subtracts. */
const quotient = (a: Value, b: Value): Value => {
  const ratio = op.div(a, b);
  return op.mul(op.sign(ratio), op.floor(op.abs(ratio)));
};

const overRoot = (g: Value, radicand: Value): Value => op.div(g, op.sqrt(radicand));

export const functions: Readonly<Record<string, BackwardRule>> = {
  Sin: unary((g, x) => op.mul(g, op.cos(x))),
  Cos: unary((g, x) => op.neg(op.mul(g, op.sin(x)))),
  Tan: unary((g, _x, y) => op.mul(g, op.add(square(y), 1))),
  Asin: unary((g, x) => overRoot(g, op.mul(op.sub(1, x), op.add(x, 1)))),
  Acos: unary((g, x) => op.neg(overRoot(g, op.mul(op.sub(1, x), op.add(x, 1))))),
  Atan: unary((g, x) => op.div(g, op.add(square(x), 1))),
  Sinh: unary((g, x) => op.mul(g, op.cosh(x))),
  Cosh: unary((g, x) => op.mul(g, op.sinh(x))),
  Asinh: unary((g, x) => overRoot(g, op.add(square(x), 1))),
  Acosh: unary((g, x) => overRoot(g, op.mul(op.sub(x, 1), op.add(x, 1)))),
  Atanh: unary((g, x) => op.div(g, op.mul(op.sub(1, x), op.add(x, 1)))),
  Floor: steps,
  Ceil: steps,
  Round: steps,
  Min: extreme,
  Max: extreme,
  Sum: everyInput((g, inputs, _node: Node, input) => op.sumTo(g, inputs[input])),
  Clip: clip,
  Mod: binary([(g) => g, (g, a, b) => op.neg(op.mul(g, quotient(a, b)))]),
};
