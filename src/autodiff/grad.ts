/** Reverse-mode differentiation as a transformation of the graph. */
import { type Node, type Value, GraphError, describe } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { elementCount, tensor } from '../tensor/tensor.js';
import { backwardRules } from './rules.js';

/**
 * Appends the backward pass of `loss` to its graph.
 *
 * @param loss a single number, of any shape that holds one element
 * @param wrt the values to differentiate by: parameters, inputs or anything in between
 * @returns ∂loss/∂value for each of them, in the shape of the value; zeros where the loss does not depend on it
 * @throws GraphError for a loss of more than one element, or an operator on the way that has no backward rule
 */
export function grad(loss: Value, wrt: readonly Value[]): Value[] {
  const { graph } = loss;
  if (elementCount(loss.shape) !== 1)
    throw new GraphError(`grad: the loss must be one number, not ${describe(loss)}`);

  // Only values between `wrt` and the loss get a gradient: nothing is computed that nobody asked for.
  const forward = graph.nodes.slice();
  const relevant = new Set<Value>(wrt);
  for (const node of forward) {
    if (node.inputs.some((input) => input && relevant.has(input)))
      node.outputs.forEach((output) => relevant.add(output));
  }

  const gradients = new Map<Value, Value>();
  if (relevant.has(loss)) gradients.set(loss, graph.constant(tensor(loss.dtype, loss.shape, [1])));
  const accumulate = (value: Value, gradient: Value): void => {
    const sum = gradients.get(value);
    gradients.set(value, sum ? op.add(sum, gradient) : gradient);
  };

  for (const node of forward.toReversed()) {
    const upstream = node.outputs.map((output) => gradients.get(output) ?? null);
    if (upstream.every((gradient) => gradient === null)) continue;
    graph.inScope(`${node.scope}/grad`, () => {
      const wanted = node.inputs.map((input) => input !== null && relevant.has(input));
      const results = differentiate(node, upstream, wanted);
      node.inputs.forEach((input, i) => {
        const gradient = results[i];
        if (input && wanted[i] && gradient) accumulate(input, gradient);
      });
    });
  }
  return wrt.map((value) => gradients.get(value) ?? op.zerosLike(value));
}

function differentiate(
  node: Node,
  upstream: readonly (Value | null)[],
  wanted: readonly boolean[],
): readonly (Value | null)[] {
  const name = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
  if (!wanted.includes(true)) return [];
  const rule = backwardRules.get(name);
  if (!rule) throw new GraphError(`grad: there is no backward rule for ${name}`);
  const gradient = upstream[0] ?? (node.opType === 'Split' ? op.zerosLike(node.outputs[0]) : null);
  // All other operators have their one differentiable result first; what follows it carries no gradient.
  if (!gradient) return [];
  return rule(gradient, node, wanted, upstream);
}
