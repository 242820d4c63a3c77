/** What is done for WebGPU on top of the plain lowering, as a second pass over standard ONNX. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Rewrite, Rewrites } from '../../graph/rewrite.js';

/**
 * How many tensors one Concat joins. WebGPU guarantees a shader eight storage buffers, one of which is the result;
 * ONNX Runtime does not split a longer Concat, which then writes nothing.
 */
const JOINED_AT_ONCE = 7;

const concat: Rewrite = (inputs, node) => [
  joined(inputs as readonly Value[], node.attributes.axis.value as number),
];

function joined(values: readonly Value[], axis: number): Value {
  if (values.length <= JOINED_AT_ONCE) return op.concat(values, axis);
  const parts: Value[] = [];
  for (let i = 0; i < values.length; i += JOINED_AT_ONCE) {
    parts.push(op.concat(values.slice(i, i + JOINED_AT_ONCE), axis));
  }
  return joined(parts, axis);
}

/**
 * ONNX Runtime's max-pooling on WebGPU gives no indices: whoever reads them finds no tensor. In float64 it is left to the
 * CPU, which gives them; where nobody reads them that node is dead.
 */
const maxPool: Rewrite = ([x], node) => {
  const geometry = op.poolingGeometryOf(node);
  const { values } = op.maxPool(x!, geometry);
  const { indices } = op.maxPool(op.cast(x!, 'float64'), geometry);
  return [values, indices];
};

export const webgpuLimits: Rewrites = new Map([
  ['Concat', concat],
  ['MaxPool', maxPool],
]);
