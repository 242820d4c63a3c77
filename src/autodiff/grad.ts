/** Reverse-mode differentiation as a transformation of the graph. */
import { type Node, type Value, GraphError, describe, operatorName } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { elementCount, sameShape, tensor } from '../tensor/tensor.js';
import { checkForm } from './forms.js';
import type { BackwardRule, Gradients } from './rule.js';
import { backwardRules } from './rules.js';

/**
 * Appends the backward pass of `loss` to its graph.
 *
 * A gradient is right or it is an error. Only floating-point values have one. Booleans choose and are constant almost
 * everywhere, so nothing flows through them: that of `where(greater(x, 0), a, b)` reaches x through a and b alone.
 * Positions by which elements are chosen are alike. Other integers (counts, rounded numbers) are an error where the loss
 * depends on a wanted value through one, as in a cast to int32 and back.
 *
 * @param loss a single floating-point number, of any shape that holds one element
 * @param wrt the values to differentiate by: floating-point parameters, inputs or anything in between
 * @returns ∂loss/∂value for each of them, in the shape of the value; zeros where the loss does not depend on it
 * @throws GraphError for a loss of more than one element, an integer, a value of another graph, and an operator on the
 * way that has no gradient; the message names the operator
 */
export function grad(loss: Value, wrt: readonly Value[]): Value[] {
  return backward(loss, wrt, (error) => {
    throw error;
  });
}

/**
 * The same, with a word in what becomes of a node that passes no gradient on.
 *
 * @param refused gets the error; where it returns, zeros are passed on in place of the node's gradients
 */
export function backward(
  loss: Value,
  wrt: readonly Value[],
  refused: (error: GraphError, node: Node) => void,
): Value[] {
  const { graph } = loss;
  if (elementCount(loss.shape) !== 1)
    throw new GraphError(`grad: the loss must be one number, not ${describe(loss)}`);
  if (!isFloat(loss)) throw new GraphError(`grad: the loss must be floating-point, not ${describe(loss)}`);
  for (const value of wrt) {
    if (value.graph !== graph)
      throw new GraphError(`grad: "${value.name}" belongs to another graph than the loss`);
    if (!isFloat(value))
      throw new GraphError(
        `grad: there is no gradient towards "${value.name}", ${describe(value)}: it is not floating-point`,
      );
  }

  // Only values between `wrt` and the loss get a gradient: nothing is computed that nobody asked for.
  const forward = graph.nodes.slice();
  const relevant = new Set<Value>(wrt);
  for (const node of forward) {
    if (!node.inputs.some((input) => input && relevant.has(input))) continue;
    for (const output of node.outputs) if (output.dtype !== 'bool') relevant.add(output);
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
    const wanted = node.inputs.map((input) => input !== null && relevant.has(input));
    if (!wanted.includes(true)) continue;
    graph.inScope(`${node.scope}/grad`, () => {
      let found: Gradients;
      try {
        found = differentiate(node, upstream, wanted);
      } catch (error) {
        if (!(error instanceof GraphError)) throw error;
        refused(error, node);
        found = node.inputs.map((input, i) =>
          input && wanted[i] && isFloat(input) ? op.zerosLike(input) : null,
        );
      }
      found.forEach((gradient, i) => {
        if (gradient) accumulate(node.inputs[i]!, gradient);
      });
    });
  }
  return wrt.map((value) => gradients.get(value) ?? op.zerosLike(value));
}

/** The gradient towards each input that is wanted; null for all others, and where it is zero. */
function differentiate(node: Node, upstream: Gradients, wanted: readonly boolean[]): Gradients {
  const name = operatorName(node);
  const rule = backwardRules.get(name);
  if (!rule) throw new GraphError(`grad: there is no backward rule for ${name}`);
  checkForm(node);
  const unused = rule.allResults ? -1 : upstream.findIndex((gradient, i) => i > 0 && gradient !== null);
  if (unused !== -1)
    throw new GraphError(
      `grad: ${name} passes on no gradient of its output ${unused}, ${describe(node.outputs[unused])}`,
    );
  return node.inputs.map((input, i) =>
    input && wanted[i] ? gradientOfInput(rule, upstream, node, input, i) : null,
  );
}

function gradientOfInput(
  rule: BackwardRule,
  upstream: Gradients,
  node: Node,
  input: Value,
  index: number,
): Value | null {
  const formula = rule.inputs[rule.variadic ? 0 : index];
  if (formula === null) return null;
  const name = operatorName(node);
  if (!formula || !isFloat(input)) {
    const from = input.producer
      ? ` (output ${input.producer.outputs.indexOf(input)} of ${operatorName(input.producer)})`
      : '';
    throw new GraphError(
      `grad: ${name} has no gradient towards its input ${index}${from}, ${describe(input)}`,
    );
  }
  const gradient = formula(upstream, node, index);
  if (gradient && (gradient.dtype !== input.dtype || !sameShape(gradient.shape, input.shape))) {
    throw new GraphError(
      `grad: the backward rule for ${name} gives ${describe(gradient)} for its input ${index}, ${describe(input)}`,
    );
  }
  return gradient;
}

function isFloat({ dtype }: Value): boolean {
  return dtype === 'float32' || dtype === 'float64';
}
