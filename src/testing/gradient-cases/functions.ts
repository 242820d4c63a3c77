/** Functions of one value, and operators of any number of values. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { tensor } from '../../tensor/tensor.js';
import { type Draw, avoiding, between, distinct, normal } from '../gradients.js';
import type { GradientCase, GradientCases } from './case.js';

/** ONNX Runtime has these in float32 alone. */
const single = ['Tan', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh'];

const unary = (name: string, build: (x: Value) => Value, draw: Draw = normal): GradientCase[] => [
  {
    name,
    shapes: [[4, 5]],
    build,
    draw,
    ...(single.includes(name) && { dtype: 'float32', step: 0.02, tolerance: 5e-3 }),
  },
];

/** Two values on either side of every kink between them. */
const several = (name: string, build: (values: readonly Value[]) => Value, draw: Draw): GradientCase[] => [
  { name: `${name} of two`, shapes: [[3, 4], [4]], build: (...values) => build(values), draw },
  {
    name: `${name} of three`,
    shapes: [[2, 1, 3], [4, 1], []],
    build: (...values) => build(values),
    draw,
  },
  {
    name: `${name} of a value twice`,
    shapes: [
      [2, 3],
      [2, 3],
    ],
    build: (a, b) => build([a, b, a]),
    draw,
  },
];

// So that values of several inputs differ, too: the inputs draw from one stream.
const apart: Draw = (random, count) =>
  Array.from({ length: count }, () => random.integer(400) / 40 + random.uniform(0, 1e-3));

const number = (like: Value, value: number): Value => like.graph.constant(tensor(like.dtype, [], [value]));

export const functions = {
  sin: unary('Sin', op.sin),
  cos: unary('Cos', op.cos),
  tan: unary('Tan', op.tan, between(-1, 1)),
  asin: unary('Asin', op.asin, between(-0.7, 0.7)),
  acos: unary('Acos', op.acos, between(-0.7, 0.7)),
  atan: unary('Atan', op.atan),
  sinh: unary('Sinh', op.sinh),
  cosh: unary('Cosh', op.cosh),
  asinh: unary('Asinh', op.asinh),
  acosh: unary('Acosh', op.acosh, between(1.5, 4)),
  atanh: unary('Atanh', op.atanh, between(-0.7, 0.7)),
  floor: unary('Floor', op.floor, between(0.1, 0.9)),
  ceil: unary('Ceil', op.ceil, between(0.1, 0.9)),
  round: unary('Round', op.round, between(0.1, 0.4)),
  min: several('Min', op.min, apart),
  max: several('Max', op.max, apart),
  sum: several('Sum', op.sum, normal),
  mean: several('Mean', op.mean, normal),
  clip: [
    {
      name: 'Clip between two numbers',
      shapes: [[4, 6]],
      build: (x) => op.clip(x, -0.5, 0.75),
      draw: avoiding([-0.5, 0.75]),
    },
    {
      name: 'Clip by two values',
      shapes: [[4, 6], [], []],
      build: op.clip,
      draw: [avoiding([-0.5, 0.75]), () => [-0.5], () => [0.75]],
    },
    {
      name: 'Clip by a lower limit',
      shapes: [[4, 6], []],
      build: (x, least) => op.clip(x, least, null),
      draw: [avoiding([0.25]), () => [0.25]],
    },
    {
      name: 'Clip by an upper limit',
      shapes: [[4, 6], []],
      build: (x, greatest) => op.clip(x, null, greatest),
      draw: [avoiding([0.25]), () => [0.25]],
    },
    {
      name: 'Clip by limits that are crossed',
      shapes: [[4, 6], [], []],
      build: op.clip,
      draw: [avoiding([-0.5, 0.75]), () => [0.75], () => [-0.5]],
    },
  ],
  mod: [
    {
      name: 'Mod',
      shapes: [
        [3, 4],
        [3, 4],
      ],
      build: (a, b) => op.mod(a, b),
      draw: [between(2.1, 2.9), between(0.95, 1.04)],
    },
    {
      name: 'Mod of negative numbers',
      shapes: [[3, 4], [4]],
      build: (a, b) => op.mod(a, b),
      draw: [between(-2.9, -2.1), between(0.95, 1.04)],
    },
    { name: 'Mod by a number', shapes: [[5]], build: (x) => op.mod(x, number(x, 3)), draw: distinct },
  ],
} satisfies GradientCases;
