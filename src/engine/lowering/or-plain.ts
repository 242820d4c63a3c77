/** Rewrites that apply to some nodes of an operator, and leave the others to the plain lowering. */
import type { Node, Value } from '../../graph/graph.js';
import type { Rewrite } from '../../graph/rewrite.js';
import { portable } from './portable.js';

/** Gives a node's results, or undefined where it does not apply. */
export type Attempt = (inputs: readonly (Value | null)[], node: Node) => readonly Value[] | Value | undefined;

/** The attempt where it applies, else the plain form, else the node as it is. */
export function orPlain(operator: string, attempt: Attempt): [string, Rewrite] {
  const otherwise: Rewrite =
    portable.get(operator) ??
    ((inputs, { opType, attributes, outputs, domain }) =>
      outputs[0] && inputs.find((input) => input)!.graph.add(opType, inputs, attributes, outputs, domain));
  return [
    operator,
    (inputs, node) => {
      const results = attempt(inputs, node);
      if (!results) return otherwise(inputs, node);
      return 'graph' in results ? [results] : results;
    },
  ];
}
