/** Einstein's summation. Its gradient is one again: of the result's gradient and all other operands. */
import { GraphError, type Node, type Value, describe } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, everyInput } from '../rule.js';

const byOperand = (g: Value, operands: readonly Value[], node: Node, input: number): Value => {
  const { inputs, output } = op.einsumTerms(node.attributes.equation.value as string);
  const letters = Array.from(inputs[input]);
  const { shape } = operands[input];
  if (new Set(letters).size < letters.length)
    throw new GraphError(
      `grad: the backward rule for Einsum does not cover the diagonal ${inputs[input]} of ${describe(operands[input])}`,
    );
  const others = operands.flatMap((operand, i) => (i === input ? [] : [{ operand, term: inputs[i] }]));
  const elsewhere = output + others.map(({ term }) => term).join('');
  // An axis that is summed by itself: every element of it has the same gradient.
  const found = letters.filter((letter) => elsewhere.includes(letter));
  const equation = `${[output, ...others.map(({ term }) => term)].join()}->${found.join('')}`;
  const product = op.einsum(equation, [g, ...others.map(({ operand }) => operand)]);
  const lengths = new Map(found.map((letter, axis) => [letter, product.shape[axis]]));
  const spread = op.reshape(
    product,
    letters.map((letter) => lengths.get(letter) ?? 1),
  );
  // Longer than the operand where that one was repeated along an axis of 1.
  const whole = letters.map((letter, axis) => lengths.get(letter) ?? shape[axis]);
  return op.sumTo(op.expand(spread, whole), operands[input]);
};

export const einsum: Readonly<Record<string, BackwardRule>> = { Einsum: everyInput(byOperand) };
