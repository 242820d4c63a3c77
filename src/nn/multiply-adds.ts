/** The arithmetic of a model, counted in its graph. */
import type { Node } from '../graph/graph.js';
import { elementCount } from '../tensor/tensor.js';

/** A multiplication and an addition. */
const OPERATIONS_PER_MULTIPLY_ADD = 2;
/** A layer is computed once forwards, and backwards towards its input and towards its weights. */
const PASSES_OF_TRAINING = 3;

/** Multiply-adds that each element of a node's result takes. */
function perElement({ opType, inputs }: Node): number {
  switch (opType) {
    case 'Conv':
      // A weight is [Cout, Cin / groups, KH, KW].
      return elementCount(inputs[1]!.shape.slice(1));
    case 'Linear':
      return inputs[0]!.shape.at(-1)!;
    case 'MatMul':
      return inputs[0]!.shape.at(-1)!;
    default:
      return 0;
  }
}

/** Multiply-adds of the convolutions, linear layers and matrix products in a forward graph. */
export function multiplyAdds(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + perElement(node) * elementCount(node.outputs[0].shape), 0);
}

/** Floating-point operations of a training step, by convention: those of the forward pass, three times. */
export function trainingOperations(nodes: readonly Node[]): number {
  return OPERATIONS_PER_MULTIPLY_ADD * PASSES_OF_TRAINING * multiplyAdds(nodes);
}
