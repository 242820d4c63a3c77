/** What stands in the way of a gradient, before it is asked for. */
import { type Node, type Value, operatorName } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { backward } from './grad.js';
import { backwardRules } from './rules.js';

/** An operator between parameters and result that passes no gradient on. */
export interface WithoutGradient {
  readonly node: Node;
  readonly reason: string;
}

/**
 * The nodes on the way from `from` to `to` that `grad` refuses, in the order of the graph. They are found as `grad` finds
 * them, by the backward pass, which is appended to the graph.
 */
export function withoutGradient(to: readonly Value[], from: readonly Value[]): WithoutGradient[] {
  const found: WithoutGradient[] = [];
  const sums = to
    .filter(({ dtype }) => dtype === 'float32')
    .map((value) =>
      op.reduceSum(
        value,
        value.shape.map((_, axis) => axis),
      ),
    );
  if (sums.length === 0) return [];
  backward(op.sum(sums), from, ({ message }, node) => {
    const known = backwardRules.has(operatorName(node));
    found.push({ node, reason: known ? message.replace(/^grad: /, '') : 'it has no gradient' });
  });
  return found.reverse();
}
