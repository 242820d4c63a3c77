import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tensor } from '../../tensor/tensor.js';
import {
  type FileForm,
  agrees,
  constant,
  fed,
  random,
  readForm,
  scalar,
} from '../../testing/file-operator.js';
import { float, int } from '../attributes.js';
import { GraphError } from '../graph.js';

const x = random([2, 4, 3, 2]);
const [scale, bias] = [random([4], 1), random([4], 2)];
const variance = fed(tensor('float32', [4], [0.5, 1, 2, 4]));
const tolerance = 1e-5;

const forms: readonly (readonly [string, FileForm])[] = [
  [
    'BatchNormalization',
    {
      opType: 'BatchNormalization',
      inputs: [x, scale, bias, bias, variance],
      attributes: { epsilon: float(0.25) },
    },
  ],
  [
    'BatchNormalization in training',
    {
      opType: 'BatchNormalization',
      inputs: [x, scale, bias, bias, variance],
      attributes: { training_mode: int(1), momentum: float(0.75) },
      results: 3,
    },
  ],
  [
    'LayerNormalization of several axes',
    {
      opType: 'LayerNormalization',
      inputs: [x, random([4, 3, 2]), random([4, 3, 2], 1)],
      attributes: { axis: int(1) },
      results: 3,
    },
  ],
  ['LayerNormalization without bias', { opType: 'LayerNormalization', inputs: [x, random([2])] }],
  ['InstanceNormalization', { opType: 'InstanceNormalization', inputs: [x, scale, bias] }],
  [
    'InstanceNormalization of one axis',
    {
      opType: 'InstanceNormalization',
      inputs: [random([2, 4, 5]), scale, bias],
      attributes: { epsilon: float(0.5) },
    },
  ],
  [
    'GroupNormalization',
    { opType: 'GroupNormalization', inputs: [x, scale, bias], attributes: { num_groups: int(2) }, opset: 21 },
  ],
  [
    'GroupNormalization with a scale a group',
    {
      opType: 'GroupNormalization',
      inputs: [x, random([2], 1), random([2], 2)],
      attributes: { num_groups: int(2) },
      opset: 18,
    },
  ],
  [
    'RMSNormalization',
    { opType: 'RMSNormalization', inputs: [x, random([3, 2])], attributes: { axis: int(-2) }, opset: 23 },
  ],
  ['LpNormalization', { opType: 'LpNormalization', inputs: [x] }],
  [
    'LpNormalization by sums',
    { opType: 'LpNormalization', inputs: [x], attributes: { axis: int(1), p: int(1) } },
  ],
  [
    'LpNormalization of zeros',
    { opType: 'LpNormalization', inputs: [fed(tensor('float32', [2, 2], [0, 0, 3, 4]))] },
  ],
  ['LRN', { opType: 'LRN', inputs: [x], attributes: { size: int(3), alpha: float(0.5), bias: float(2) } }],
  [
    'LRN of more channels than there are',
    { opType: 'LRN', inputs: [x], attributes: { size: int(7), alpha: float(1) } },
  ],
  ['Dropout', { opType: 'Dropout', inputs: [x, scalar(0.5)], results: 2 }],
  [
    'Dropout that says it is inference',
    { opType: 'Dropout', inputs: [x, null, constant(tensor('bool', [], [0]))] },
  ],
];

describe('normalisation is read as ONNX Runtime computes it:', () => {
  for (const [name, form] of forms) test(name, () => agrees({ ...form, tolerance }));
});

describe('what cannot be is refused:', () => {
  const refused: readonly (readonly [string, FileForm, RegExp])[] = [
    [
      'groups that do not divide the channels',
      { opType: 'GroupNormalization', inputs: [x, scale, bias], attributes: { num_groups: int(3) } },
      /^GroupNormalization: the channels of float32 \[2, 4, 3, 2\] do not divide into 3 groups$/,
    ],
    [
      'a scale of another length',
      { opType: 'LayerNormalization', inputs: [x, scale] },
      /^float32 \[4\] does not broadcast to the axes \[2\] of float32 \[2, 4, 3, 2\]$/,
    ],
    [
      'running statistics of another length',
      {
        opType: 'BatchNormalization',
        inputs: [x, scale, bias, random([3]), variance],
        attributes: { training_mode: int(1) },
      },
      /^the running statistics float32 \[3\] are not one number a channel$/,
    ],
    [
      'no channels at all',
      { opType: 'LRN', inputs: [x], attributes: { size: int(0) } },
      /^LRN: a window of 0 channels does not fit float32 \[2, 4, 3, 2\]$/,
    ],
    [
      'another norm',
      { opType: 'LpNormalization', inputs: [x], attributes: { p: int(3) } },
      /^attribute "p" must be 1 or 2/,
    ],
    [
      'dropout in training',
      { opType: 'Dropout', inputs: [x, scalar(0.5), constant(tensor('bool', [], [1]))] },
      /^it drops at random, which inference does not$/,
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
