/** Matrix products, with the leading dimensions broadcast in either operand, and linear layers. */
import * as op from '../../graph/ops.js';
import type { Shape } from '../../tensor/tensor.js';
import type { GradientCase, GradientCases } from './case.js';

const products: readonly (readonly [Shape, Shape])[] = [
  [
    [2, 2, 3],
    [2, 3, 4],
  ],
  [
    [2, 3],
    [3, 4],
  ],
  [
    [1, 3],
    [3, 1],
  ],
  [
    [2, 2, 3],
    [3, 2],
  ],
  [
    [2, 3],
    [4, 3, 2],
  ],
  [
    [2, 1, 2, 3],
    [1, 3, 3, 2],
  ],
  [
    [1, 2, 3],
    [2, 2, 3, 2],
  ],
];

const linears: readonly Shape[] = [
  [4, 3],
  [2, 3, 3],
  [2, 1, 2, 3],
  [1, 3],
];

export const linearAlgebra = {
  matMul: [
    ...products.map((shapes) => ({
      name: `MatMul of [${shapes[0].join()}] and [${shapes[1].join()}]`,
      shapes,
      build: op.matMul,
    })),
    { name: 'MatMul of a value with itself', shapes: [[3, 3]], build: (x) => op.matMul(x, x) },
  ],
  gemm: [
    {
      name: 'Gemm with bias',
      shapes: [[4, 3], [5, 3], [5]],
      build: (...inputs) => op.gemm(inputs[0], inputs[1], inputs[2]),
    },
    {
      name: 'Gemm without bias',
      shapes: [
        [1, 3],
        [2, 3],
      ],
      build: (a, b) => op.gemm(a, b, null),
    },
  ],
  linear: linears.flatMap((x): GradientCase[] => [
    {
      name: `Linear over [${x.join()}]`,
      shapes: [x, [5, 3], [5]],
      build: (...inputs) => op.linear(inputs[0], inputs[1], inputs[2]),
    },
    {
      name: `Linear over [${x.join()}] without bias`,
      shapes: [x, [5, 3]],
      build: (...inputs) => op.linear(inputs[0], inputs[1]),
    },
  ]),
} satisfies GradientCases;
