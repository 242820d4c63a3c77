/** Which parts of a graph its outputs depend on. */
import type { Graph, Node, Value } from './graph.js';

/** The nodes and constants that the graph's outputs need, in topological order; everything else is dead. */
export function live(graph: Graph): { nodes: Node[]; constants: Value[] } {
  const needed = new Set<Value>(graph.outputs.values());
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input) needed.add(input);
  }
  return { nodes: nodes.reverse(), constants: [...needed].filter(({ constant }) => constant) };
}
