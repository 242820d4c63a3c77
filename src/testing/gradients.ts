/**
 * Checks backward rules against central differences.
 *
 * The results of the operator are reduced to one number with random weights, so that errors of opposite sign do not
 * cancel. The differences take the operator's results from ONNX Runtime and do the weighted sum here in float64.
 */
import assert from 'node:assert/strict';
import { grad } from '../autodiff/grad.js';
import { compile } from '../engine/compile.js';
import type { Program } from '../engine/session.js';
import { Graph, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { Rewrites } from '../graph/rewrite.js';
import { Random } from '../random/random.js';
import { type Shape, type Tensor, elementCount, tensor, toNumbers } from '../tensor/tensor.js';

/** Draws the elements of an input; kinks and poles of the operator have to be out of the step's reach. */
export type Draw = (random: Random, count: number) => number[];

export interface GradientCheck {
  /** Default float64. For the few operators that ONNX Runtime's CPU provider has in float32 alone: float32. */
  readonly dtype?: 'float32' | 'float64';
  readonly seed?: number;
  /** Greatest error, relative to the greatest difference quotient. Default 1e-6, or 2e-3 for float32. */
  readonly tolerance?: number;
  /** Default 1e-4, or 1e-2 for float32; where the result is linear in every input a large one is the more exact. */
  readonly step?: number;
  /** How each input is drawn, or all of them. Default normal. */
  readonly draw?: Draw | readonly Draw[];
  /** The form of the operators that is checked; default: the one for this device. */
  readonly rewrites?: Rewrites;
}

/** Up to this many elements each one is checked; of greater inputs random directions. */
const MAXIMUM_ELEMENTS = 200;
const DIRECTIONS = 25;

export const normal: Draw = (random, count) => Array.from({ length: count }, () => random.normal());

/** Between 0.5 and 2, for logarithms, roots and divisors. */
export const positive: Draw = (random, count) => Array.from({ length: count }, () => random.uniform(0.5, 2));

/** Of either sign and at least 0.5 from zero, for what has a kink or a pole there. */
export const awayFromZero: Draw = (random, count) =>
  positive(random, count).map((value) => (random.uniform() < 0.5 ? -value : value));

/** Normal, times a factor, but for what lies within 0.1 of one of the given kinks. */
export const avoiding =
  (kinks: readonly number[], factor = 1): Draw =>
  (random, count) =>
    Array.from({ length: count }, () => {
      let value: number;
      do value = factor * random.normal();
      while (kinks.some((kink) => Math.abs(value - kink) < 0.1));
      return value;
    });

/** Evenly distributed between two numbers. */
export const between =
  (low: number, high: number): Draw =>
  (random, count) =>
    Array.from({ length: count }, () => random.uniform(low, high));

/** All different and far apart, so that a step does not change which one is the greatest. */
export const distinct: Draw = (random, count) =>
  Array.from(random.permutation(count), (rank) => (rank - count / 2) / 4);

/** A graph with the results of an operator, and the gradients of their weighted sum; and what to feed it. */
export interface GradientProblem {
  readonly graph: Graph;
  readonly inputs: readonly Value[];
  readonly results: readonly Value[];
  /** Of the elements of each result. */
  readonly weights: readonly (readonly number[])[];
  readonly feeds: Readonly<Record<string, Tensor<'float32' | 'float64'>>>;
  /** From which the directions of the differences are drawn. */
  readonly random: Random;
}

/** How the weighted sum changes with an input that moves in a direction. */
export interface Slope {
  readonly direction: readonly number[];
  readonly numeric: number;
}

const defaultStep = (dtype: GradientCheck['dtype']): number => (dtype === 'float32' ? 1e-2 : 1e-4);

/** Inputs `x0`, `x1`, … of what `build` makes of inputs of these shapes; outputs `result0`, … and `gradient0`, … */
export function gradientProblem(
  build: (...inputs: Value[]) => Value | readonly Value[],
  shapes: readonly Shape[],
  { dtype = 'float64', seed = 0, draw = normal }: GradientCheck = {},
): GradientProblem {
  const random = Random.fromSeed(seed, 'gradients');
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => graph.input(`x${i}`, dtype, shape));
  const results = [build(...inputs)].flat();
  const weights = results.map(({ shape }) =>
    Array.from({ length: elementCount(shape) }, () => random.uniform(0.5, 1.5)).map((weight) =>
      random.uniform() < 0.5 ? weight : -weight,
    ),
  );
  const loss = results
    .map((result, i) => weightedSum(result, weights[i]))
    .map((sum) => op.cast(sum, dtype))
    .reduce((sum, term) => op.add(sum, term));
  results.forEach((result, i) => {
    graph.output(`result${i}`, result);
  });
  const gradients = grad(loss, inputs);
  gradients.forEach((gradient, i) => {
    assert.deepEqual(gradient.shape, inputs[i].shape, `the shape of the gradient of input ${i}`);
    assert.equal(gradient.dtype, dtype, `the type of the gradient of input ${i}`);
    graph.output(`gradient${i}`, gradient);
    // Asked for alone it is the same, node for node: no rule depends on what else is wanted.
    assert.equal(grad(loss, [inputs[i]])[0], gradient, `the gradient of input ${i} alone`);
  });

  const feeds: Record<string, Tensor<typeof dtype>> = {};
  shapes.forEach((shape, i) => {
    const drawn = (typeof draw === 'function' ? draw : draw[i])(random, elementCount(shape));
    feeds[`x${i}`] = tensor(dtype, shape, drawn);
  });
  return { graph, inputs, results, weights, feeds, random };
}

/**
 * The slopes of each input, by central differences of what a program computes of the problem's results.
 *
 * @param step half the distance of the two points
 */
export async function centralDifferences(
  program: Program,
  { inputs, results, weights, feeds, random }: GradientProblem,
  step: number,
): Promise<Slope[][]> {
  const lossAt = async (): Promise<number> => {
    const values = await program.run(feeds);
    return results.reduce((total, { shape }, i) => {
      const value = values[`result${i}`];
      assert.deepEqual(value.shape, shape, 'the inferred shape');
      return toNumbers(value).reduce((sum, element, k) => sum + element * weights[i][k], total);
    }, 0);
  };
  const slopes: Slope[][] = [];
  for (const i of inputs.keys()) {
    const { data } = feeds[`x${i}`];
    const origin = data.slice();
    const own: Slope[] = [];
    for (const direction of directions(data.length, random)) {
      const move = (sign: number): void => {
        direction.forEach((weight, k) => (data[k] = origin[k] + sign * step * weight));
      };
      move(1);
      const above = await lossAt();
      move(-1);
      const below = await lossAt();
      data.set(origin);
      own.push({ direction, numeric: (above - below) / (2 * step) });
    }
    slopes.push(own);
  }
  return slopes;
}

/** What a gradient says the slope in a direction is. */
export function slopeOf(gradient: readonly number[], direction: readonly number[]): number {
  return direction.reduce((sum, weight, k) => sum + weight * gradient[k], 0);
}

/** The largest difference quotient of an input, to which errors are relative. */
export function scaleOf(slopes: readonly Slope[]): number {
  return Math.max(...slopes.map(({ numeric }) => Math.abs(numeric))) || 1;
}

/** The slopes of a case, natively. */
export async function slopesOf(
  build: (...inputs: Value[]) => Value | readonly Value[],
  shapes: readonly Shape[],
  options: GradientCheck = {},
): Promise<Slope[][]> {
  const problem = gradientProblem(build, shapes, options);
  const program = await compile(problem.graph, { threads: 1 });
  try {
    return await centralDifferences(program, problem, options.step ?? defaultStep(options.dtype));
  } finally {
    await program.release();
  }
}

/**
 * Compares `grad` with central differences, for every input of what `build` makes of inputs of these shapes: one
 * result, or several that all reach the loss.
 */
export async function checkGradients(
  build: (...inputs: Value[]) => Value | readonly Value[],
  shapes: readonly Shape[],
  options: GradientCheck = {},
): Promise<void> {
  const { dtype, rewrites } = options;
  const { tolerance = dtype === 'float32' ? 2e-3 : 1e-6, step = defaultStep(dtype) } = options;
  const problem = gradientProblem(build, shapes, options);
  const program = await compile(problem.graph, { threads: 1, rewrites });
  try {
    const analytic = await program.run(problem.feeds);
    const slopes = await centralDifferences(program, problem, step);
    for (const [i, own] of slopes.entries()) {
      const gradient = toNumbers(analytic[`gradient${i}`]);
      const scale = scaleOf(own);
      own.forEach(({ direction, numeric }, k) => {
        const said = slopeOf(gradient, direction);
        // Written so that NaN fails.
        const near = Math.abs(said - numeric) <= tolerance * scale;
        assert.ok(near, `input ${i}, direction ${k}: the rule says ${said}, central differences ${numeric}`);
      });
    }
  } finally {
    await program.release();
  }
}

function weightedSum(result: Value, weights: readonly number[]): Value {
  const weighted = op.mul(result, result.graph.constant(tensor(result.dtype, result.shape, weights)));
  return op.reduceSum(
    weighted,
    result.shape.map((_, axis) => axis),
  );
}

/** The unit directions of a small input; random signs for a large one, where a unit step would drown in rounding. */
function directions(count: number, random: Random): number[][] {
  if (count <= MAXIMUM_ELEMENTS) {
    return Array.from({ length: count }, (_, k) => Array.from({ length: count }, (_, i) => Number(i === k)));
  }
  return Array.from({ length: DIRECTIONS }, () =>
    Array.from({ length: count }, () => (random.uniform() < 0.5 ? -1 : 1)),
  );
}
