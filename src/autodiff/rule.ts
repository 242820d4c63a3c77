/**
 * What a backward rule is: one formula for each input of an operator, and short ways to write them.
 *
 * Notation in all rules: g is the gradient of the loss towards the result; x, a, b, w are inputs, y is the result.
 */
import type { Node, Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';

/** The gradients towards a node's results, one for each: null where none arrived. At least one did. */
export type Gradients = readonly (Value | null)[];

/** The gradient towards an input; null where it is zero. */
export type Formula = (gradients: Gradients, node: Node, input: number) => Value | null;

export interface BackwardRule {
  /**
   * For each input its formula; `null` for one in which the results are constant almost everywhere, so that the
   * gradient is zero; undefined, or nothing at the end of the list, for one that cannot be differentiated by.
   */
  readonly inputs: readonly (Formula | null | undefined)[];
  /** There is one formula, for any number of inputs. */
  readonly variadic?: boolean;
  /** The formulas use the gradients of all results; without it a gradient of any but the first is an error. */
  readonly allResults?: boolean;
}

/** An operator of one input: (gradient, input, result) → gradient of the input. */
export const unary = (formula: (g: Value, x: Value, y: Value, node: Node) => Value): BackwardRule => ({
  inputs: [([g], node) => formula(g!, node.inputs[0]!, node.outputs[0], node)],
});

type BinaryFormula = (g: Value, a: Value, b: Value, y: Value) => Value;

/** An operator of two inputs that broadcast. */
export const binary = (formulas: readonly [BinaryFormula, BinaryFormula]): BackwardRule => ({
  inputs: formulas.map((formula) => ([g], { inputs, outputs }, input) => {
    const [a, b] = inputs as [Value, Value];
    return op.sumTo(formula(g!, a, b, outputs[0]), inputs[input]!);
  }),
});

type InputFormula = (g: Value, inputs: readonly Value[], node: Node, input: number) => Value;

const ofResult =
  (formula: InputFormula): Formula =>
  ([g], node, input) =>
    formula(g!, node.inputs as readonly Value[], node, input);

/** An operator with one formula an input. */
export const perInput = (formulas: readonly (InputFormula | null | undefined)[]): BackwardRule => ({
  inputs: formulas.map((formula) => formula && ofResult(formula)),
});

/** An operator of any number of inputs that are all alike. */
export const everyInput = (formula: InputFormula): BackwardRule => ({
  inputs: [ofResult(formula)],
  variadic: true,
});

/** An operator with several differentiable results: its formulas get the gradients of them all. */
export const allResults = (
  formulas: readonly ((gradients: Gradients, inputs: readonly Value[], node: Node) => Value | null)[],
): BackwardRule => ({
  inputs: formulas.map(
    (formula) => (gradients, node) => formula(gradients, node.inputs as readonly Value[], node),
  ),
  allResults: true,
});

/** The sum of the gradients that are there, or null. */
export const total = (...terms: Gradients): Value | null =>
  terms.reduce((sum, term) => (sum && term ? op.add(sum, term) : (sum ?? term)), null);

/** The numbers in a constant int64 input, such as axes. */
export const integers = (node: Node, input: number): number[] =>
  Array.from(node.inputs[input]!.constant!.data as BigInt64Array, Number);

/** An attribute that is a number. */
export const numberOf = (node: Node, name: string): number => node.attributes[name].value as number;
