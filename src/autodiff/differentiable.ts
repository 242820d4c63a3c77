/** What stands in the way of a gradient, before it is asked for. */
import { GraphError, type Node, type Value } from '../graph/graph.js';
import { checkForm } from './forms.js';
import { operatorName } from '../graph/graph.js';
import { backwardRules } from './rules.js';

/** An operator between parameters and result that has no gradient. */
export interface WithoutGradient {
  readonly node: Node;
  readonly reason: string;
}

/** The nodes on the way from `from` to `to` that `grad` would refuse, as far as their operators and forms tell. */
export function withoutGradient(to: Value, from: readonly Value[]): WithoutGradient[] {
  const { nodes } = to.graph;
  const reached = new Set<Value>(from);
  for (const { inputs, outputs } of nodes) {
    if (!inputs.some((input) => input && reached.has(input))) continue;
    for (const output of outputs) if (output.dtype !== 'bool') reached.add(output);
  }
  const needed = new Set<Value>([to]);
  const found: WithoutGradient[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output) && reached.has(output))) continue;
    if (!node.inputs.some((input) => input && reached.has(input))) continue;
    for (const input of node.inputs) if (input) needed.add(input);
    const reason = reasonOf(node);
    if (reason !== undefined) found.push({ node, reason });
  }
  return found.reverse();
}

function reasonOf(node: Node): string | undefined {
  if (!backwardRules.has(operatorName(node))) return 'it has no gradient';
  try {
    checkForm(node);
    return undefined;
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    return error.message.replace(/^grad: /, '');
  }
}
