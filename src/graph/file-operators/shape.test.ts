import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tensor } from '../../tensor/tensor.js';
import {
  type FileForm,
  agrees,
  constant,
  fed,
  floats,
  list,
  random,
  readForm,
  scalar,
} from '../../testing/file-operator.js';
import { int, string } from '../attributes.js';
import { GraphError } from '../graph.js';

const x = random([4, 5]);
const image = random([1, 8, 2, 3]);
const pads = list(1, -1, 2, 3);

const forms: readonly (readonly [string, FileForm])[] = [
  ['Flatten', { opType: 'Flatten', inputs: [random([2, 3, 4])] }],
  ['Flatten to one row', { opType: 'Flatten', inputs: [x], attributes: { axis: int(0) } }],
  ['Flatten to one column', { opType: 'Flatten', inputs: [x], attributes: { axis: int(2) } }],
  [
    'Flatten by an axis from the back',
    { opType: 'Flatten', inputs: [random([2, 3, 4])], attributes: { axis: int(-1) } },
  ],
  ['Squeeze', { opType: 'Squeeze', inputs: [random([1, 3, 1])] }],
  ['Squeeze of one axis', { opType: 'Squeeze', inputs: [random([1, 3, 1]), list(-1)] }],
  ['Unsqueeze', { opType: 'Unsqueeze', inputs: [x, list(-1, 0)] }],
  ['Reshape that keeps a length', { opType: 'Reshape', inputs: [random([2, 3, 4]), list(0, -1)] }],
  ['Tile', { opType: 'Tile', inputs: [x, list(2, 3)] }],
  ['Tile once', { opType: 'Tile', inputs: [x, list(1, 1)] }],
  ['Trilu', { opType: 'Trilu', inputs: [x] }],
  ['Trilu, lower', { opType: 'Trilu', inputs: [x, scalar(1, 'int64')], attributes: { upper: int(0) } }],
  ['EyeLike', { opType: 'EyeLike', inputs: [x], attributes: { k: int(-1) } }],
  ['EyeLike of integers', { opType: 'EyeLike', inputs: [x], attributes: { dtype: int(7) } }],
  ['Range', { opType: 'Range', inputs: [scalar(5, 'int64'), scalar(-2, 'int64'), scalar(-3, 'int64')] }],
  ['Range of fractions', { opType: 'Range', inputs: [scalar(0.5), scalar(2), scalar(0.25)] }],
  ...(['DCR', 'CRD'] as const).map((mode): readonly [string, FileForm] => [
    `DepthToSpace, ${mode}`,
    { opType: 'DepthToSpace', inputs: [image], attributes: { blocksize: int(2), mode: string(mode) } },
  ]),
  [
    'DepthToSpace by ONNX’s defaults',
    { opType: 'DepthToSpace', inputs: [image], attributes: { blocksize: int(2) } },
  ],
  [
    'SpaceToDepth',
    { opType: 'SpaceToDepth', inputs: [random([2, 3, 4, 6])], attributes: { blocksize: int(2) } },
  ],
  ['Split', { opType: 'Split', inputs: [x], attributes: { num_outputs: int(2) }, results: 2 }],
  [
    'Split with a smaller part at the end',
    { opType: 'Split', inputs: [x], attributes: { axis: int(1), num_outputs: int(3) }, results: 3 },
  ],
  [
    'Split into parts of several lengths',
    { opType: 'Split', inputs: [x, list(3, 1, 1)], attributes: { axis: int(-1) }, results: 3 },
  ],
  ['Split into equal lengths', { opType: 'Split', inputs: [x, list(2, 2)], results: 2 }],
  ['Pad and cut', { opType: 'Pad', inputs: [x, pads] }],
  ['Pad with a value', { opType: 'Pad', inputs: [x, pads, scalar(2.5)] }],
  ['Pad with a list of one value', { opType: 'Pad', inputs: [x, pads, floats(-1)] }],
  ['Pad with zero, said', { opType: 'Pad', inputs: [x, pads, scalar(0)] }],
  ['Pad of one axis', { opType: 'Pad', inputs: [x, list(1, 2), null, list(-1)] }],
  ...['reflect', 'edge', 'wrap'].map((mode): readonly [string, FileForm] => [
    `Pad by ${mode}`,
    { opType: 'Pad', inputs: [x, list(3, 4, 1, 2)], attributes: { mode: string(mode) } },
  ]),
];

describe('shapes are changed as ONNX Runtime changes them:', () => {
  for (const [name, form] of forms) test(name, () => agrees(form));
});

const rows = constant(tensor('int64', [2, 2], [3, 1, -4, 0]));
const elements = constant(tensor('int64', [2, 3], [3, -1, 0, 1, 4, 2]));
const gathered: readonly (readonly [string, FileForm])[] = [
  ['Gather along an axis', { opType: 'Gather', inputs: [x, rows], attributes: { axis: int(1) } }],
  ['Gather of a row', { opType: 'Gather', inputs: [x, scalar(-1, 'int64')] }],
  ['Gather by int32 that is fed', { opType: 'Gather', inputs: [x, fed(tensor('int32', [1], [2]))] }],
  [
    'GatherElements of some rows',
    { opType: 'GatherElements', inputs: [x, elements], attributes: { axis: int(1) } },
  ],
  ['GatherND', { opType: 'GatherND', inputs: [x, rows] }],
  [
    'GatherND in a batch',
    {
      opType: 'GatherND',
      inputs: [random([2, 3, 2]), constant(tensor('int64', [2, 1], [2, -1]))],
      attributes: { batch_dims: int(1) },
    },
  ],
  [
    'ScatterElements',
    {
      opType: 'ScatterElements',
      inputs: [x, elements, random([2, 3], 1)],
      attributes: { axis: int(-1) },
    },
  ],
  ...['add', 'mul', 'min', 'max'].flatMap((reduction): (readonly [string, FileForm])[] => [
    [
      `ScatterElements, ${reduction}`,
      {
        opType: 'ScatterElements',
        inputs: [x, elements, random([2, 3], 1)],
        attributes: { axis: int(1), reduction: string(reduction) },
      },
    ],
    [
      `ScatterND, ${reduction}`,
      {
        opType: 'ScatterND',
        inputs: [x, rows, random([2], 1)],
        attributes: { reduction: string(reduction) },
      },
    ],
  ]),
  ['ScatterND', { opType: 'ScatterND', inputs: [x, list(2), random([5], 1)] }],
  ['OneHot', { opType: 'OneHot', inputs: [rows, scalar(4, 'int64'), floats(-1, 2)] }],
  [
    'OneHot along the first axis, out of range',
    {
      opType: 'OneHot',
      inputs: [fed(tensor('int64', [4], [0, -1, 3, -4])), list(3), floats(0, 1)],
      attributes: { axis: int(0) },
    },
  ],
];

describe('elements are chosen as ONNX Runtime chooses them:', () => {
  for (const [name, form] of gathered) test(name, () => agrees(form));
});

describe('what cannot be is refused:', () => {
  const refused: readonly (readonly [string, FileForm, RegExp])[] = [
    [
      'an axis to flatten by',
      { opType: 'Flatten', inputs: [x], attributes: { axis: int(3) } },
      /^Flatten: there is no axis 3 in \[4, 5\]$/,
    ],
    [
      'an axis that is not 1',
      { opType: 'Squeeze', inputs: [x, list(0)] },
      /^Squeeze: axis 0 of float32 \[4, 5\] is not 1$/,
    ],
    [
      'axes that repeat',
      { opType: 'Unsqueeze', inputs: [x, list(0, -4)] },
      /^Unsqueeze: the axes \[0, -4\] repeat$/,
    ],
    [
      'repeats that are none',
      { opType: 'Tile', inputs: [x, list(1, 0)] },
      /^Tile: the repeats \[1, 0\] do not fit float32 \[4, 5\]$/,
    ],
    [
      'a vector’s triangle',
      { opType: 'Trilu', inputs: [random([3])] },
      /^Trilu: float32 \[3\] has no diagonal 0$/,
    ],
    [
      'numbers that do not come',
      { opType: 'Range', inputs: [scalar(0), scalar(1), scalar(-1)] },
      /^Range: there are no float32 numbers/,
    ],
    [
      'a step of 0',
      { opType: 'Range', inputs: [scalar(0), scalar(1), scalar(0)] },
      /^Range: there are no float32 numbers/,
    ],
    [
      'channels that are no blocks',
      { opType: 'DepthToSpace', inputs: [image], attributes: { blocksize: int(3) } },
      /^DepthToSpace: float32 \[1, 8, 2, 3\] does not divide into blocks of 3$/,
    ],
    [
      'pixels that are no blocks',
      { opType: 'SpaceToDepth', inputs: [image], attributes: { blocksize: int(0) } },
      /^SpaceToDepth: float32 \[1, 8, 2, 3\] does not divide into blocks of 0$/,
    ],
    [
      'more parts than elements',
      { opType: 'Split', inputs: [random([2])], attributes: { num_outputs: int(3) }, results: 3 },
      /^Split: axis 0 of float32 \[2\] does not split into parts of \[1, 1, 0\]$/,
    ],
    [
      'reflections of more than there is',
      { opType: 'Pad', inputs: [x, list(4, 0, 0, 0)], attributes: { mode: string('reflect') } },
      /^Pad: 4 and 0 in mode reflect do not fit axis 0 of float32 \[4, 5\]$/,
    ],
    [
      'an axis padded twice',
      { opType: 'Pad', inputs: [x, list(1, 1, 1, 1), null, list(1, -1)] },
      /do not fit/,
    ],
    [
      'coordinates of too many axes',
      { opType: 'GatherND', inputs: [x, list(0, 0, 0)] },
      /^GatherND: int64 \[3\] are no coordinates/,
    ],
    [
      'updates of another shape',
      { opType: 'ScatterND', inputs: [x, list(0), random([4])] },
      /^ScatterND: the updates of float32 \[4, 5\] at int64 \[1\] are not float32 \[4\]$/,
    ],
    [
      'a reduction that is none',
      { opType: 'ScatterND', inputs: [x, list(0), random([5])], attributes: { reduction: string('sub') } },
      /^attribute "reduction" must be none or add or mul or min or max, but is "sub"$/,
    ],
    [
      'a depth without end',
      { opType: 'OneHot', inputs: [rows, scalar(2 ** 40, 'int64'), floats(0, 1)] },
      /^OneHot: the depth must be from 1 to 1048576, not 1099511627776$/,
    ],
  ];
  for (const [name, form, message] of refused)
    test(name, () => {
      assert.throws(
        () => readForm(form),
        (error) => error instanceof GraphError && message.test(error.message),
      );
    });
});
