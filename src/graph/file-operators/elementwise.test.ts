import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type FileForm,
  agrees,
  constant,
  fed,
  random,
  readForm,
  scalar,
} from '../../testing/file-operator.js';
import { type Tensor, tensor } from '../../tensor/tensor.js';
import { float, int } from '../attributes.js';
import { GraphError } from '../graph.js';

const values = [-Infinity, -7.5, -3, -2.5, -1, -0.5, -0.2, 0, 0.2, 0.5, 1, 1.5, 2.5, 3, 7.5, Infinity];
/** Numbers on either side of every kink, and the kinks themselves. */
const line = fed(tensor('float32', [values.length], values));
const booleans = (...elements: number[]): Tensor => tensor('bool', [elements.length], elements);
const integers = fed(tensor('int32', [4], [-7, -3, 3, 7]));

const forms: readonly (readonly [string, FileForm])[] = [
  ...['Elu', 'LeakyRelu', 'Celu', 'ThresholdedRelu', 'HardSigmoid', 'HardSwish', 'Selu', 'Softsign'].map(
    (opType): readonly [string, FileForm] => [`${opType} by ONNX’s defaults`, { opType, inputs: [line] }],
  ),
  ...['Mish', 'Softplus', 'Shrink', 'Floor', 'Ceil', 'Round', 'Sign', 'Abs', 'IsNaN', 'IsInf'].map(
    (opType): readonly [string, FileForm] => [opType, { opType, inputs: [line] }],
  ),
  ...['Asinh', 'Atan', 'Cos', 'Cosh', 'Sin', 'Sinh', 'Tan'].map((opType): readonly [string, FileForm] => [
    opType,
    { opType, inputs: [random([3, 2])] },
  ]),
  ...['Acos', 'Asin', 'Atanh'].map((opType): readonly [string, FileForm] => [
    opType,
    { opType, inputs: [fed(tensor('float32', [4], [-0.75, 0, 0.25, 1]))] },
  ]),
  ...[1, 0.5].map((alpha): readonly [string, FileForm] => [
    `Swish with an α of ${alpha}`,
    {
      opType: 'Swish',
      inputs: [random([3, 2])],
      attributes: { alpha: float(alpha) },
      opset: 24,
      tolerance: 1e-6,
    },
  ]),
  ['Acosh', { opType: 'Acosh', inputs: [fed(tensor('float32', [2], [1, 3]))] }],
  ['IsInf of one sign', { opType: 'IsInf', inputs: [line], attributes: { detect_negative: int(0) } }],
  [
    'Selu with constants of its own',
    { opType: 'Selu', inputs: [line], attributes: { alpha: float(0.5), gamma: float(2) } },
  ],
  ['PRelu', { opType: 'PRelu', inputs: [random([2, 3, 2]), random([3, 1], 1)] }],
  ['Clip between two numbers', { opType: 'Clip', inputs: [line, scalar(-0.5), scalar(2)] }],
  ['Clip by an upper limit', { opType: 'Clip', inputs: [line, null, scalar(2)] }],
  ['Clip without limits', { opType: 'Clip', inputs: [random([3])] }],
  ['Clip by limits that are lists', { opType: 'Clip', inputs: [line, fed(tensor('float32', [1], [-1]))] }],
  ['Pow with an exponent of integers', { opType: 'Pow', inputs: [random([3]), scalar(2, 'int64')] }],
  ...['Max', 'Min', 'Sum', 'Mean'].map((opType): readonly [string, FileForm] => [
    `${opType} of three`,
    { opType, inputs: [random([2, 1, 3]), random([4, 1]), random([])], tolerance: 1e-6 },
  ]),
  ['Max of one', { opType: 'Max', inputs: [random([3])] }],
  ['Mean of one', { opType: 'Mean', inputs: [random([3])] }],
  [
    'Mod of floating-point numbers',
    { opType: 'Mod', inputs: [line, scalar(2)], attributes: { fmod: int(1) } },
  ],
  ['Mod of integers', { opType: 'Mod', inputs: [integers, fed(tensor('int32', [1], [4]))] }],
  [
    'Mod of integers as in C',
    {
      opType: 'Mod',
      inputs: [integers, fed(tensor('int32', [1], [4]))],
      attributes: { fmod: int(1) },
    },
  ],
  ...['And', 'Or', 'Xor'].map((opType): readonly [string, FileForm] => [
    opType,
    { opType, inputs: [fed(booleans(0, 0, 1, 1)), fed(booleans(0, 1, 0, 1))] },
  ]),
  ['Not', { opType: 'Not', inputs: [fed(booleans(0, 1))] }],
  ...['Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'Equal'].map(
    (opType): readonly [string, FileForm] => [opType, { opType, inputs: [line, scalar(0.5)] }],
  ),
  ['CastLike', { opType: 'CastLike', inputs: [random([3]), constant(tensor('int32', [1], [0]))] }],
];

describe('elementwise operators are read as ONNX Runtime computes them:', () => {
  for (const [name, form] of forms) test(name, () => agrees(form));
});

describe('what cannot be is refused:', () => {
  const refused: readonly (readonly [string, FileForm, RegExp])[] = [
    [
      'an α that is no number',
      { opType: 'Elu', inputs: [line], attributes: { alpha: float(NaN) } },
      /^attribute "alpha" must be finite, but is NaN$/,
    ],
    [
      'an α by which Celu divides',
      { opType: 'Celu', inputs: [line], attributes: { alpha: float(0) } },
      /^Celu: alpha must not be 0$/,
    ],
    [
      'limits that are lists',
      { opType: 'Clip', inputs: [line, random([2])] },
      /^Reshape: float32 \[2\] does not fit \[\]$/,
    ],
    [
      'a slope that is larger than what it is for',
      { opType: 'PRelu', inputs: [random([3]), random([2, 3])] },
      /^PRelu: a slope of float32 \[2, 3\] does not broadcast to float32 \[3\]$/,
    ],
    [
      'the remainder of floating-point numbers in Python’s sense',
      { opType: 'Mod', inputs: [random([3]), random([3])] },
      /^attribute "fmod" must be 1 for floating-point numbers: float32 \[3\] and float32 \[3\]$/,
    ],
    [
      'logic of numbers',
      { opType: 'And', inputs: [random([3]), random([3])] },
      /^And: float32 \[3\] and float32 \[3\] are not of bool$/,
    ],
    ['not of numbers', { opType: 'Not', inputs: [random([3])] }, /^Not: float32 \[3\] is not of bool$/],
    [
      'shapes that do not broadcast',
      { opType: 'Max', inputs: [random([3]), random([2])] },
      /^Max: float32 \[3\] and float32 \[2\] do not broadcast together$/,
    ],
    [
      'functions of integers',
      { opType: 'Sin', inputs: [integers] },
      /^Sin: int32 \[4\] is not floating-point$/,
    ],
    ['no values at all', { opType: 'Sum', inputs: [] }, /^Sum: there are no values$/],
  ];
  for (const [name, form, message] of refused)
    test(name, () => {
      assert.throws(
        () => readForm(form),
        (error) => error instanceof GraphError && message.test(error.message),
      );
    });
});
