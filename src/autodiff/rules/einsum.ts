/** Einstein's summation. Its gradient is one again: of the result's gradient and all other operands. */
import type { Node, Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type BackwardRule, everyInput } from '../rule.js';

const byOperand = (g: Value, operands: readonly Value[], node: Node, input: number): Value => {
  const { inputs, output } = op.einsumTerms(node.attributes.equation.value as string);
  const letters = Array.from(inputs[input]);
  const { shape } = operands[input];
  const others = operands.flatMap((operand, i) => (i === input ? [] : [{ operand, term: inputs[i] }]));
  const elsewhere = output + others.map(({ term }) => term).join('');
  // An axis that is summed by itself: every element of it has the same gradient.
  const found = [...new Set(letters)].filter((letter) => elsewhere.includes(letter));
  const equation = `${[output, ...others.map(({ term }) => term)].join()}->${found.join('')}`;
  const product = op.einsum(equation, [g, ...others.map(({ operand }) => operand)]);
  const lengths = new Map(found.map((letter, axis) => [letter, product.shape[axis]]));
  // A letter that comes again takes a diagonal; the gradient lies along its first axis until it is put there.
  const isFirst = (letter: string, axis: number): boolean => letters.indexOf(letter) === axis;
  const spread = op.reshape(
    product,
    letters.map((letter, axis) => (isFirst(letter, axis) ? (lengths.get(letter) ?? 1) : 1)),
  );
  // Longer than the operand where that one was repeated along an axis of 1.
  const whole = letters.map((letter, axis) =>
    isFirst(letter, axis) ? (lengths.get(letter) ?? shape[axis]) : 1,
  );
  const along = op.sumTo(op.expand(spread, whole), {
    ...operands[input],
    shape: shape.map((length, axis) => (isFirst(letters[axis], axis) ? length : 1)),
  });
  return letters.reduce(
    (gradient, letter, axis) =>
      isFirst(letter, axis) ? gradient : onDiagonal(gradient, letters.indexOf(letter), axis, shape[axis]),
    along,
  );
};

/** A value along one axis, on the diagonal of that and another axis, and zeros beside it. */
function onDiagonal(value: Value, axis: number, other: number, length: number): Value {
  const positions = (at: number): Value =>
    op.reshape(
      op.range(value.graph, 0, length),
      value.shape.map((_, i) => (i === at ? length : 1)),
    );
  return op.where(op.equal(positions(axis), positions(other)), value, 0);
}

export const einsum: Readonly<Record<string, BackwardRule>> = { Einsum: everyInput(byOperand) };
