/** Arithmetic with broadcasting, functions of one value, selection. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type Shape, tensor } from '../../tensor/tensor.js';
import { awayFromZero, normal, positive } from '../gradients.js';
import type { GradientCase, GradientCases } from './case.js';

/** Equal shapes, repeats in front, in the middle, on both sides at once, differing ranks, scalars. */
const broadcasts: readonly (readonly [Shape, Shape])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3, 4], [4]],
  [
    [3, 1],
    [2, 3, 4],
  ],
  [
    [2, 1, 4],
    [1, 3, 1],
  ],
  [[2, 3], []],
  [[], [2, 3]],
  [[1], [2, 1, 1]],
  [[], []],
];

function binary(
  name: string,
  build: (a: Value, b: Value) => Value,
  draw: GradientCase['draw'] = normal,
): GradientCase[] {
  return broadcasts.map((shapes) => ({
    name: `${name} of [${shapes[0].join()}] and [${shapes[1].join()}]`,
    shapes,
    build,
    draw,
  }));
}

/** Operators that have kernels for float32 alone. */
const single = ['Erf', 'Gelu'];

function unary(
  name: string,
  build: (x: Value) => Value,
  draw: GradientCase['draw'] = normal,
  shapes: readonly Shape[] = [[2, 3], []],
): GradientCase[] {
  return shapes.map((shape) => ({
    name: `${name} of [${shape.join()}]`,
    shapes: [shape],
    build,
    draw,
    dtype: single.includes(name.split(' ')[0]) ? 'float32' : 'float64',
  }));
}

const condition = (like: Value, shape: Shape, elements: number[]): Value =>
  like.graph.constant(tensor('bool', shape, elements));

/** Of a negative base only whole exponents, which cannot be moved, make sense. */
const powers: readonly GradientCase[] = [
  ...binary('Pow', op.pow, positive),
  ...unary('Pow 3', (x) => op.pow(x, 3)),
  ...unary('Pow 2', (x) => op.pow(x, 2)),
  ...unary('Pow 1', (x) => op.pow(x, 1)),
  ...unary('Pow 0', (x) => op.pow(x, 0)),
  ...unary('Pow -1', (x) => op.pow(x, -1), awayFromZero),
  ...unary('Pow 0.5', (x) => op.pow(x, 0.5), positive),
  ...unary('Pow of a number', (x) => op.pow(3, x)),
  {
    name: 'Pow of either sign with several whole exponents',
    shapes: [[2, 4]],
    build: (x) => op.pow(x, x.graph.constant(tensor(x.dtype, [4], [2, 3, -1, 0]))),
    draw: awayFromZero,
  },
  {
    name: 'Pow with a computed exponent',
    shapes: [[2, 3], [3]],
    build: (a, b) => op.pow(a, op.mul(b, b)),
    draw: [positive, normal],
  },
  { name: 'Pow of a value with itself', shapes: [[4]], build: (x) => op.pow(x, x), draw: positive },
];

export const elementwise = {
  add: [...binary('Add', op.add), ...unary('Add with a number', (x) => op.add(2, x))],
  sub: [...binary('Sub', op.sub), ...unary('Sub from a number', (x) => op.sub(2, x))],
  mul: [...binary('Mul', op.mul), ...unary('Mul with a number', (x) => op.mul(x, -3))],
  div: [
    ...binary('Div', op.div, awayFromZero),
    ...unary('Div of a number', (x) => op.div(2, x), awayFromZero),
  ],
  pow: powers,
  neg: unary('Neg', op.neg),
  abs: unary('Abs', op.abs, awayFromZero),
  sign: unary('Sign', op.sign, awayFromZero),
  exp: unary('Exp', op.exp),
  log: unary('Log', op.log, positive),
  sqrt: unary('Sqrt', op.sqrt, positive),
  reciprocal: unary('Reciprocal', op.reciprocal, awayFromZero),
  erf: unary('Erf', op.erf, normal, [[4, 5]]),
  tanh: unary('Tanh', op.tanh),
  sigmoid: unary('Sigmoid', op.sigmoid),
  relu: unary('Relu', op.relu, awayFromZero, [[5, 4], []]),
  reluGrad: [
    {
      name: 'ReluGrad',
      shapes: [
        [5, 4],
        [5, 4],
      ],
      build: op.reluGrad,
      draw: [normal, awayFromZero],
    },
  ],
  gelu: [
    ...unary('Gelu', (x) => op.gelu(x), normal, [[4, 5]]),
    ...unary('Gelu by tanh', (x) => op.gelu(x, 'tanh'), normal, [[4, 5]]),
  ],
  identity: unary('Identity', op.identity),
  cast: unary('Cast to float32', (x) => op.cast(x, 'float32')).map((check) => ({
    ...check,
    tolerance: 2e-3,
    step: 0.125,
  })),
  where: [
    {
      name: 'Where between two values',
      shapes: [
        [2, 3],
        [2, 3],
      ],
      build: (a, b) => op.where(condition(a, [2, 3], [1, 0, 1, 0, 0, 1]), a, b),
    },
    {
      name: 'Where with everything broadcast',
      shapes: [[3, 1], [4]],
      build: (a, b) => op.where(condition(a, [2, 1, 1], [1, 0]), a, b),
    },
    {
      name: 'Where with numbers',
      shapes: [[2, 3]],
      build: (x) =>
        op.add(op.where(op.greater(x, 0), x, 1), op.where(op.equal(op.relu(x), 0), 2, op.mul(x, x))),
      draw: awayFromZero,
    },
    {
      name: 'Where by a comparison, through which nothing flows',
      shapes: [[2, 3]],
      build: (x) => op.mul(op.cast(op.greater(x, 0), x.dtype), op.where(op.greater(x, 0), x, 2)),
      draw: awayFromZero,
    },
  ],
} satisfies GradientCases;
