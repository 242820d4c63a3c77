/** Matrix products, with the leading dimensions broadcast in either operand, and linear layers. */
import type { Value } from '../../graph/graph.js';
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

/** Where a vector is a row or a column. */
const vectors: readonly (readonly [Shape, Shape])[] = [
  [[3], [3]],
  [[3], [3, 2]],
  [[2, 3], [3]],
  [[3], [2, 3, 4]],
  [[2, 4, 3], [3]],
];

const gemms: readonly (readonly [string, readonly Shape[], op.GemmOptions])[] = [
  ['plainly', [[4, 3], [3, 5], [5]], { transB: false }],
  [
    'with the first transposed',
    [
      [3, 4],
      [3, 5],
      [4, 1],
    ],
    { transA: true, transB: false },
  ],
  ['with both transposed', [[3, 4], [5, 3], []], { transA: true }],
  [
    'with factors',
    [
      [4, 3],
      [5, 3],
      [1, 5],
    ],
    { alpha: 0.5, beta: -2 },
  ],
  [
    'with factors and the first transposed',
    [
      [3, 4],
      [3, 5],
      [4, 5],
    ],
    { transA: true, transB: false, alpha: 3, beta: 0 },
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
    ...vectors.map((shapes) => ({
      name: `MatMul of [${shapes[0].join()}] and [${shapes[1].join()}]`,
      shapes,
      build: op.matMul,
    })),
    { name: 'MatMul of a value with itself', shapes: [[3, 3]], build: (x) => op.matMul(x, x) },
  ],
  gemm: [
    ...gemms.map(([name, shapes, options]): GradientCase => ({
      name: `Gemm ${name}`,
      shapes,
      build: (a, b, bias) => op.gemm(a, b, bias, options),
    })),
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
  einsum: (
    [
      ['bhid,bhjd->bhij', [2, 1, 2, 3], [2, 1, 2, 3]],
      ['ij,jk', [2, 3], [3, 4]],
      ['i,j->ij', [2], [3]],
      ['ij->i', [2, 3]],
      ['ijk->', [2, 3, 2]],
      ['...ij,...jk->...ik', [2, 3], [4, 3, 2]],
      ['ij...,i...->j...', [2, 3, 2], [2, 1]],
      ['bij,bjk,bkl->bil', [2, 2, 1], [2, 1, 3], [2, 3, 2]],
      ['ij,ij,ij->ij', [2, 3], [2, 3], [2, 3]],
      ['ab,cd->ac', [2, 3], [2, 2]],
      ['ncii->nci', [2, 2, 3, 3]],
      ['ii->', [3, 3]],
      ['iij,jk->ik', [3, 3, 2], [2, 2]],
      ['iji,ij->i', [3, 2, 3], [3, 2]],
      ['iii,i->', [2, 2, 2], [2]],
      ['ii,i->i', [1, 1], [3]],
    ] satisfies [string, ...Shape[]][]
  ).map(([equation, ...shapes]) => ({
    name: `Einsum ${equation}`,
    shapes,
    build: (...operands: Value[]) => op.einsum(equation, operands),
  })),
  attention: [
    {
      name: 'Softmax of attention',
      shapes: [
        [2, 2, 3, 4],
        [2, 2, 5, 4],
        [2, 2, 5, 3],
      ],
      build: (q, k, v) => op.attention(q, k, v),
    },
    {
      name: 'Softmax of attention, causal, with a bias, a scale and shared heads',
      shapes: [
        [1, 4, 3, 2],
        [1, 2, 3, 2],
        [1, 2, 3, 2],
        [4, 3, 3],
      ],
      build: (q, k, v, mask) => op.attention(q, k, v, { mask, causal: true, scale: 0.5, softcap: 2 }),
    },
  ],
} satisfies GradientCases;
