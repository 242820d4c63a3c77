/** Activation functions beyond those among the elementwise rules. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, numberOf, perInput, unary } from '../rule.js';

/** g where x is positive, else g times the slope. */
const bySign = (g: Value, x: Value, slope: Value | number): Value =>
  op.where(op.greater(x, 0), g, op.mul(g, slope));

/** With t = tanh(ln(1 + eˣ)): t + x (1 - t²) σ(x). */
const mish = (x: Value): Value => {
  const t = op.tanh(op.softplus(x));
  return op.add(t, op.mul(op.mul(x, op.sub(1, op.mul(t, t))), op.sigmoid(x)));
};

/** x/3 + 1/2 between -3 and 3, 0 below and 1 above. */
const hardSwish = (g: Value, x: Value): Value => {
  const between = op.mul(g, op.add(op.div(x, 3), 0.5));
  return op.where(op.less(x, -3), 0, op.where(op.greater(x, 3), g, between));
};

export const activation: Readonly<Record<string, BackwardRule>> = {
  LeakyRelu: unary((g, x, _y, node) => bySign(g, x, numberOf(node, 'alpha'))),
  PRelu: perInput([
    (g, [x, slope]) => bySign(g, x, slope),
    (g, [x, slope]) => op.sumTo(op.where(op.greater(x, 0), 0, op.mul(g, x)), slope),
  ]),
  // Below zero y = α(eˣ - 1), so that y + α is the derivative.
  Elu: unary((g, x, y, node) => bySign(g, x, op.add(y, numberOf(node, 'alpha')))),
  Selu: unary((g, x, y, node) => {
    const [alpha, gamma] = [numberOf(node, 'alpha'), numberOf(node, 'gamma')];
    return op.where(op.greater(x, 0), op.mul(g, gamma), op.mul(g, op.add(y, alpha * gamma)));
  }),
  Celu: unary((g, x, y, node) => bySign(g, x, op.add(op.div(y, numberOf(node, 'alpha')), 1))),
  ThresholdedRelu: unary((g, x, _y, node) => op.where(op.greater(x, numberOf(node, 'alpha')), g, 0)),
  // Only between 0 and 1 is it a line.
  HardSigmoid: unary((g, _x, y, node) =>
    op.where(op.and(op.greater(y, 0), op.less(y, 1)), op.mul(g, numberOf(node, 'alpha')), 0),
  ),
  HardSwish: unary(hardSwish),
  Mish: unary((g, x) => op.mul(g, mish(x))),
  Softplus: unary((g, x) => op.mul(g, op.sigmoid(x))),
  Softsign: unary((g, x) => {
    const root = op.add(op.abs(x), 1);
    return op.div(g, op.mul(root, root));
  }),
  Shrink: unary((g, x, _y, node) => op.where(op.greater(op.abs(x), numberOf(node, 'lambd')), g, 0)),
};
