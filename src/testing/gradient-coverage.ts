/** Which inputs and results of which operators the gradient cases differentiate, and which they miss. */
import type { BackwardRule } from '../autodiff/rule.js';
import { Graph, type Value, operatorName } from '../graph/graph.js';
import { sameShape } from '../tensor/tensor.js';
import type { GradientCase } from './gradient-cases/case.js';

const isFloat = ({ dtype }: Value): boolean => dtype === 'float32' || dtype === 'float64';

/** Inputs or results of an operator, by position. */
interface Positions {
  /** Those of floating-point type that any node of a case has. */
  readonly seen: Set<number>;
  /** Those of them that are not constant in some case. */
  readonly varied: Set<number>;
  /** Those that a gradient passes in some case. */
  readonly passed: Set<number>;
}

interface Operator {
  readonly inputs: Positions;
  readonly results: Positions;
}

/** What the gradients of all cases run through, by operator. */
export function operatorsOf(cases: readonly GradientCase[]): Map<string, Operator> {
  const operators = new Map<string, Operator>();
  for (const { build, shapes, dtype = 'float64' } of cases) {
    const graph = new Graph();
    const inputs = shapes.map((shape, i) => graph.input(`x${i}`, dtype, shape));
    const results = [build(...inputs)].flat();
    // As `grad` sees it: what depends on an input, and what a result depends on.
    const forth = new Set<Value>(inputs);
    for (const { inputs, outputs } of graph.nodes)
      if (inputs.some((input) => input && forth.has(input)))
        for (const output of outputs) if (output.dtype !== 'bool') forth.add(output);
    const back = new Set<Value>(results);
    for (const { inputs, outputs } of graph.nodes.toReversed())
      if (outputs.some((output) => back.has(output))) for (const input of inputs) if (input) back.add(input);

    for (const node of graph.nodes) {
      const on = node.outputs.filter((output) => isFloat(output) && forth.has(output) && back.has(output));
      if (on.length === 0) continue;
      const name = operatorName(node);
      const empty = (): Positions => ({ seen: new Set(), varied: new Set(), passed: new Set() });
      const operator = operators.get(name) ?? { inputs: empty(), results: empty() };
      operators.set(name, operator);
      for (const [i, input] of node.inputs.entries()) {
        if (!input || !isFloat(input)) continue;
        operator.inputs.seen.add(i);
        if (!input.constant) operator.inputs.varied.add(i);
        if (forth.has(input)) operator.inputs.passed.add(i);
      }
      for (const [i, output] of node.outputs.entries()) {
        if (!isFloat(output)) continue;
        operator.results.seen.add(i);
        if (on.includes(output)) operator.results.passed.add(i);
      }
    }
  }
  return operators;
}

/** The inputs and results of rules that no case differentiates, in words; none, if all is well. */
export function missed(
  rules: ReadonlyMap<string, BackwardRule>,
  cases: readonly GradientCase[],
): readonly string[] {
  const operators = operatorsOf(cases);
  return [...rules].flatMap(([name, rule]) => {
    const operator = operators.get(name);
    if (!operator) return [`${name} has no case`];
    const { inputs, results } = operator;
    const formulas = [...rule.inputs.keys()].filter((i) => typeof rule.inputs[i] === 'function');
    // Factors of a resize, say: always constant, and differentiating by them is an error.
    const seen = [...inputs.seen].filter((i) => inputs.varied.has(i) || rule.inputs[i] !== undefined);
    const wanted = new Set([...formulas, ...seen]);
    return [
      ...[...wanted].filter((i) => !inputs.passed.has(i)).map((i) => `${name}: input ${i}`),
      ...[...results.seen].filter((i) => !results.passed.has(i)).map((i) => `${name}: result ${i}`),
    ];
  });
}

/**
 * The case with each input in turn of other shapes that the operator may take it in, because it broadcasts: all its
 * dimensions 1, or the first left out. Only those that the builder accepts and that give results of the same shapes.
 */
export function broadcasts(check: GradientCase): readonly GradientCase[] {
  const resultShapes = (shapes: GradientCase['shapes']): (readonly number[])[] | undefined => {
    const graph = new Graph();
    try {
      const inputs = shapes.map((shape, i) => graph.input(`x${i}`, check.dtype ?? 'float64', shape));
      return [check.build(...inputs)].flat().map(({ shape }) => shape);
    } catch {
      return undefined;
    }
  };
  const expected = resultShapes(check.shapes)!;
  return check.shapes.flatMap((shape, i) =>
    [shape.map(() => 1), shape.slice(1)]
      .filter((smaller) => !sameShape(smaller, shape))
      .map((smaller) => ({
        ...check,
        name: `${check.name}, input ${i} broadcast from [${smaller.join()}]`,
        shapes: check.shapes.with(i, smaller),
      }))
      .filter(({ shapes }) => {
        const given = resultShapes(shapes);
        return given?.every((result, k) => sameShape(result, expected[k]));
      }),
  );
}
