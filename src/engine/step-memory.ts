/** How much memory a step takes, by the sizes of what it computes. */
import type { Graph, Value } from '../graph/graph.js';
import { live } from '../graph/live.js';
import { bytesPerElement, elementCount } from '../tensor/tensor.js';

const bytesOf = ({ dtype, shape }: Value): number => elementCount(shape) * bytesPerElement(dtype);

/**
 * The most bytes that inputs, constants and results are in memory at once while a graph runs, node after node, each
 * result as long as something needs it. ONNX Runtime needs scratch memory besides, and reuses some.
 */
export function peakBytes(graph: Graph): number {
  const { nodes, constants } = live(graph);
  const lastUse = new Map<Value, number>();
  nodes.forEach(({ inputs }, position) => {
    for (const input of inputs) if (input) lastUse.set(input, position);
  });
  const outputs = new Set(graph.outputs.values());
  let present = [...graph.inputs, ...constants].reduce((sum, value) => sum + bytesOf(value), 0);
  let peak = present;
  nodes.forEach((node, position) => {
    present += node.outputs.reduce((sum, output) => sum + bytesOf(output), 0);
    peak = Math.max(peak, present);
    const ended = new Set([...node.inputs, ...node.outputs]);
    for (const value of ended) {
      if (value?.producer && !outputs.has(value) && (lastUse.get(value) ?? position) === position)
        present -= bytesOf(value);
    }
  });
  return peak;
}
