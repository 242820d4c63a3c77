/** Rewriting: a new graph in which chosen operators are replaced by others. */
import { Graph, GraphError, type Node, TRACT_DOMAIN, type Value, operatorName } from './graph.js';
import { live } from './live.js';

/**
 * Builds the replacement of one node in the new graph.
 *
 * @param inputs the node's inputs, already in the new graph
 * @returns one value for each of the node's outputs
 */
export type Rewrite = (inputs: readonly (Value | null)[], node: Node) => readonly Value[];

/** Rewrites by operator: `Conv`, or `tract.ConvGradWeight` with the domain in front. */
export type Rewrites = ReadonlyMap<string, Rewrite>;

/** A copy of the live part of a graph with every node that has a rewrite replaced; all outputs keep their names. */
export function rewrite(graph: Graph, rewrites: Rewrites): Graph {
  const result = new Graph(graph.outputs.keys());
  const mapped = new Map<Value, Value>();
  for (const input of graph.inputs) mapped.set(input, result.input(input.name, input.dtype, input.shape));
  const { nodes, constants } = live(graph);
  for (const constant of constants) mapped.set(constant, result.constant(constant.constant!));
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => input && mapped.get(input)!);
    const replace = rewrites.get(operatorName(node));
    const outputs = result.inScope(node.scope, () =>
      replace
        ? replace(inputs, node)
        : result.add(node.opType, inputs, node.attributes, node.outputs, node.domain),
    );
    node.outputs.forEach((output, i) => {
      if (outputs[i].shape.join() !== output.shape.join() || outputs[i].dtype !== output.dtype) {
        throw new GraphError(
          `the rewrite of ${node.opType} changed ${output.dtype} [${output.shape.join()}] to ${outputs[i].dtype} [${outputs[i].shape.join()}]`,
        );
      }
      mapped.set(output, outputs[i]);
    });
  }
  for (const [name, value] of graph.outputs) result.output(name, mapped.get(value)!);
  const left = result.nodes.find(({ domain }) => domain === TRACT_DOMAIN);
  if (left) throw new GraphError(`there is no lowering for ${operatorName(left)}`);
  return result;
}
