import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tensor } from '../../tensor/tensor.js';
import { type FileForm, agrees, fed, floats, list, random, readForm } from '../../testing/file-operator.js';
import { type Attributes, float, int, ints, string } from '../attributes.js';
import { GraphError } from '../graph.js';

const x = random([1, 2, 5, 4]);
const tolerance = 1e-5;

const resize = (attributes: Attributes, ...inputs: FileForm['inputs']): FileForm => ({
  opType: 'Resize',
  inputs: [x, ...inputs],
  attributes,
  tolerance,
});

const forms: readonly (readonly [string, FileForm])[] = [
  ['Resize by ONNX’s defaults', resize({}, null, floats(1, 1, 2, 1.7))],
  ['Resize with an empty region', resize({ mode: string('linear') }, floats(), floats(1, 1, 0.5, 3))],
  ['Resize to sizes', resize({ mode: string('cubic'), antialias: int(1) }, null, null, list(1, 2, 3, 9))],
  ['Resize with empty scales', resize({}, floats(), floats(), list(1, 2, 3, 9))],
  ['Resize of two axes', resize({ axes: ints([-1, 2]), mode: string('linear') }, null, floats(2, 0.6))],
  ...['not_larger', 'not_smaller'].flatMap((policy) =>
    [
      [7, 6],
      [2, 3],
      [9, 11],
    ].map((sizes): readonly [string, FileForm] => [
      `Resize to [${sizes.join()}], ${policy}`,
      resize(
        { axes: ints([2, 3]), mode: string('linear'), keep_aspect_ratio_policy: string(policy) },
        null,
        null,
        list(...sizes),
      ),
    ]),
  ),
  [
    'Resize of every axis, not_larger',
    resize({ keep_aspect_ratio_policy: string('not_larger') }, null, null, list(1, 2, 9, 9)),
  ],
  ['Resize of one axis to a size', resize({ axes: ints([3]) }, null, null, list(7))],
  [
    'Resize of a part',
    resize(
      {
        mode: string('linear'),
        coordinate_transformation_mode: string('tf_crop_and_resize'),
        axes: ints([2, 3]),
        extrapolation_value: float(7),
      },
      floats(0.1, -0.2, 0.8, 1.1),
      null,
      list(4, 6),
    ),
  ],
  ['GridSample by ONNX’s defaults', { opType: 'GridSample', inputs: [x, random([1, 3, 2, 2], 1)] }],
  [
    'GridSample of three axes',
    { opType: 'GridSample', inputs: [random([1, 1, 3, 3, 3]), random([1, 2, 1, 2, 3], 1)] },
  ],
  ...[
    ['ij,jk', [2, 3], [3, 4]],
    ['...ij, ...jk -> ...ik', [1, 2, 3], [4, 3, 2]],
    ['b...->...b', [2, 3, 4]],
    ['ba,a', [2, 3], [3]],
    ['ii->i', [3, 3]],
    ['bhid,bhjd->bhij', [2, 2, 3, 4], [2, 2, 5, 4]],
  ].map(([equation, ...shapes]): readonly [string, FileForm] => [
    `Einsum ${equation as string}`,
    {
      opType: 'Einsum',
      inputs: (shapes as number[][]).map((shape, i) => random(shape, i)),
      attributes: { equation: string(equation as string) },
      tolerance,
    },
  ]),
  ...(
    [
      [
        'Attention',
        [
          [2, 2, 3, 4],
          [2, 2, 5, 4],
          [2, 2, 5, 3],
        ],
        {},
      ],
      [
        'Attention, causal',
        [
          [1, 2, 3, 4],
          [1, 2, 3, 4],
          [1, 2, 3, 4],
        ],
        { is_causal: int(1) },
      ],
      [
        'Attention with a scale and shared heads',
        [
          [1, 4, 3, 4],
          [1, 2, 5, 4],
          [1, 2, 5, 3],
        ],
        { scale: float(0.75) },
      ],
      [
        'Attention with a bias',
        [
          [1, 2, 3, 4],
          [1, 2, 5, 4],
          [1, 2, 5, 4],
          [3, 5],
        ],
        {},
      ],
      [
        'Attention with a softcap',
        [
          [1, 2, 3, 4],
          [1, 2, 5, 4],
          [1, 2, 5, 4],
        ],
        { softcap: float(0.5) },
      ],
      [
        'Attention with the heads among the features',
        [
          [2, 3, 8],
          [2, 5, 4],
          [2, 5, 6],
        ],
        { q_num_heads: int(4), kv_num_heads: int(2) },
      ],
    ] satisfies [string, number[][], Attributes][]
  ).map(([name, shapes, attributes]): readonly [string, FileForm] => [
    name,
    {
      opType: 'Attention',
      inputs: shapes.map((shape, i) => random(shape, i)),
      attributes: attributes,
      opset: 23,
      tolerance,
    },
  ]),
  [
    'Attention with booleans',
    {
      opType: 'Attention',
      inputs: [
        ...[0, 1, 2].map((seed) => random([1, 1, 2, 3], seed)),
        fed(tensor('bool', [2, 2], [1, 0, 1, 1])),
      ],
      opset: 23,
      tolerance,
    },
  ],
];

describe('images and sums of products are read as ONNX Runtime computes them:', () => {
  for (const [name, form] of forms) test(name, () => agrees(form));
});

describe('what cannot be is refused:', () => {
  const einsum = (equation: string, ...shapes: number[][]): FileForm => ({
    opType: 'Einsum',
    inputs: shapes.map((shape) => random(shape)),
    attributes: { equation: string(equation) },
  });
  const refused: readonly (readonly [string, FileForm, RegExp])[] = [
    ['neither scales nor sizes', resize({}, null), /^it needs either scales or sizes/],
    [
      'both of them',
      resize({}, null, floats(1, 1, 2, 2), list(1, 2, 3, 3)),
      /^it needs either scales or sizes/,
    ],
    ['scales of too few axes', resize({}, null, floats(1, 2)), /^input 2 has 2 elements where 4 are needed$/],
    ['an axis twice', resize({ axes: ints([2, -2]) }, null, floats(1, 2)), /each of them once: \[2,2\]$/],
    [
      'scales that leave nothing',
      resize({}, null, floats(1, 1, 0.1, 1)),
      /^Resize: float32 \[1, 2, 5, 4\] cannot be resized by mode nearest to the scales \[1, 1, 0\.1/,
    ],
    ['scales that are no numbers', resize({}, null, floats(1, 1, NaN, 1)), /cannot be resized/],
    [
      'sizes without end',
      resize({}, null, null, list(2 ** 40, 2 ** 40, 1, 1)),
      /^Resize: \[.*\] is too large$/,
    ],
    [
      'no region to crop',
      resize({ coordinate_transformation_mode: string('tf_crop_and_resize') }, null, floats(1, 1, 2, 2)),
      /^it lacks the region that it crops$/,
    ],
    [
      'averages of what is nearest',
      resize({ antialias: int(1) }, null, floats(1, 1, 2, 2)),
      /cannot be resized by mode nearest/,
    ],
    [
      'positions of other axes',
      { opType: 'GridSample', inputs: [x, random([1, 3, 2, 3])] },
      /^GridSample: float32 \[1, 3, 2, 3\] are no positions in float32 \[1, 2, 5, 4\] for mode linear$/,
    ],
    ['no equation', einsum('a-b', [2]), /^Einsum: the equation "a-b" is none$/],
    ['a row of dots', einsum('..i->i', [2]), /^Einsum: the equation "\.\.i->i" is none$/],
    [
      'too many operands',
      einsum('ij->i', [2, 2], [2, 2]),
      /^Einsum: the equation "ij->i" is not for 2 operands$/,
    ],
    ['too few axes', einsum('i->i', [2, 2]), /has 1 axes for an operand with 2$/],
    [
      'lengths that differ',
      einsum('ij,jk->ik', [2, 3], [2, 3]),
      /does not fit float32 \[2, 3\] and float32 \[2, 3\]$/,
    ],
    [
      'an axis from nowhere',
      einsum('ij->ik', [2, 3]),
      /has axes in its result that no operand has, or one twice$/,
    ],
    [
      'an axis of the result twice',
      einsum('ij->ii', [2, 3]),
      /has axes in its result that no operand has, or one twice$/,
    ],
    [
      'heads that do not divide the features',
      {
        opType: 'Attention',
        inputs: [0, 1, 2].map(() => random([1, 2, 4])),
        attributes: { q_num_heads: int(3), kv_num_heads: int(1) },
      },
      /^the features of float32 \[1, 2, 4\] do not divide into 3 heads$/,
    ],
    [
      'past keys',
      { opType: 'Attention', inputs: [0, 1, 2, 3, 4, 5].map(() => random([1, 1, 2, 2])) },
      /^it goes on from past keys and values/,
    ],
  ];
  for (const [name, form, message] of refused)
    test(name, () => {
      assert.throws(
        () => readForm(form),
        (error) => error instanceof GraphError && message.test(error.message),
        message.source,
      );
    });
});
