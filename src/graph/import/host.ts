/**
 * The shape arithmetic of exporters (Shape, Gather, Concat, Cast, Range, …), and whatever else depends on constants
 * alone, computed while a file is read: what comes out are lengths, axes, masks and positions.
 *
 * Every result is counted against a budget before it is allocated, so that a small file cannot grow large.
 */
import type { Tensor } from '../../tensor/tensor.js';
import type { HostCall, HostOperator } from './host/call.js';
import { creationOperators } from './host/creation.js';
import { elementwiseOperators } from './host/elementwise.js';
import { indexingOperators } from './host/indexing.js';
import { reduceOperators } from './host/reduce.js';
import { shapeOperators } from './host/shape.js';

/** By the operator's name, in its present form. */
const operators: ReadonlyMap<string, HostOperator> = new Map([
  ...creationOperators,
  ...elementwiseOperators,
  ...indexingOperators,
  ...reduceOperators,
  ...shapeOperators,
]);

/** Whether an operator is computed here where its inputs are constant. */
export function isHostOperator(opType: string): boolean {
  return operators.has(opType);
}

/**
 * The results of a node whose inputs are all constant; undefined for an operator that is not computed here.
 *
 * @param inputs null for those that are left out
 * @throws GraphError for inputs that the operator cannot have, or a result that is too large
 */
export function evaluateOnHost(opType: string, call: HostCall): readonly Tensor[] | undefined {
  return operators.get(opType)?.(call);
}
