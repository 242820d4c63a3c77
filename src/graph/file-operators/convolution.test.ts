import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FileForm, agrees, random, readForm } from '../../testing/file-operator.js';
import { type Attributes, int, ints, string } from '../attributes.js';
import { GraphError } from '../graph.js';

const image = random([1, 2, 5, 6]);
const weight = random([4, 2, 3, 2], 1);
/** As ConvTranspose takes it: [channels, channels of the result, …]. */
const turned = random([2, 3, 3, 2], 1);
const tolerance = 1e-5;

const convolutions: readonly (readonly [string, FileForm])[] = [
  ['of one dimension', { opType: 'Conv', inputs: [random([2, 2, 7]), random([3, 2, 3], 1), random([3])] }],
  [
    'of three dimensions',
    {
      opType: 'Conv',
      inputs: [random([1, 2, 4, 3, 5]), random([4, 1, 2, 3, 2], 1)],
      attributes: { group: int(2), strides: ints([2, 1, 2]), pads: ints([1, 1, 0, 0, 1, 1]) },
    },
  ],
  ...['VALID', 'SAME_UPPER', 'SAME_LOWER', 'NOTSET'].flatMap((auto): (readonly [string, FileForm])[] => {
    const attributes = { auto_pad: string(auto), strides: ints([2, 3]) };
    return [
      [
        `with the padding ${auto}`,
        {
          opType: 'Conv',
          inputs: [image, weight],
          // ONNX Runtime takes no dilation with the padding SAME.
          attributes: auto.startsWith('SAME') ? attributes : { ...attributes, dilations: ints([2, 1]) },
        },
      ],
      [
        `transposed, with the padding ${auto}`,
        { opType: 'ConvTranspose', inputs: [image, turned], attributes },
      ],
    ];
  }),
  [
    'transposed, with bias, groups and output padding',
    {
      opType: 'ConvTranspose',
      inputs: [random([1, 4, 3, 3]), random([4, 2, 2, 3], 1), random([4], 2)],
      attributes: {
        group: int(2),
        strides: ints([2, 3]),
        output_padding: ints([1, 2]),
        pads: ints([1, 0, 0, 2]),
      },
    },
  ],
  [
    'transposed, of one dimension',
    {
      opType: 'ConvTranspose',
      inputs: [random([2, 2, 4]), random([2, 1, 3], 1)],
      attributes: { strides: ints([2]) },
    },
  ],
  [
    'transposed, of three dimensions',
    {
      opType: 'ConvTranspose',
      inputs: [random([1, 2, 2, 3, 2]), random([2, 2, 2, 2, 3], 1)],
      attributes: { strides: ints([1, 2, 1]), dilations: ints([2, 1, 1]) },
    },
  ],
  ...['NOTSET', 'SAME_UPPER', 'SAME_LOWER'].map((auto): readonly [string, FileForm] => [
    `transposed, of a given size, with the padding ${auto}`,
    {
      opType: 'ConvTranspose',
      inputs: [image, turned],
      attributes: { auto_pad: string(auto), strides: ints([2, 2]), output_shape: ints([10, 11]) },
    },
  ]),
];

describe('convolutions are read as ONNX Runtime computes them:', () => {
  for (const [name, form] of convolutions) test(name, () => agrees({ ...form, tolerance }));
});

const kernel = { kernel_shape: ints([3, 2]) };
const pools: readonly (readonly [string, Attributes])[] = [
  ['by ONNX’s defaults', kernel],
  ['with strides and pads', { ...kernel, strides: ints([2, 3]), pads: ints([1, 0, 2, 1]) }],
  ['with the padding SAME_UPPER', { ...kernel, strides: ints([2, 2]), auto_pad: string('SAME_UPPER') }],
  ['with the padding SAME_LOWER', { ...kernel, strides: ints([2, 2]), auto_pad: string('SAME_LOWER') }],
  ['dilated', { ...kernel, dilations: ints([2, 3]) }],
  ['with incomplete windows', { ...kernel, strides: ints([2, 4]), ceil_mode: int(1) }],
  [
    'with windows that would begin behind the image',
    { ...kernel, strides: ints([3, 3]), pads: ints([2, 1, 2, 1]), ceil_mode: int(1) },
  ],
];

describe('pools are read as ONNX Runtime computes them:', () => {
  for (const [name, attributes] of pools) {
    test(`MaxPool ${name}`, () => agrees({ opType: 'MaxPool', inputs: [image], attributes }));
    for (const counted of [0, 1])
      test(`AveragePool ${name}, padding ${counted ? '' : 'not '}counted`, () =>
        agrees({
          opType: 'AveragePool',
          inputs: [image],
          attributes: { ...attributes, count_include_pad: int(counted) },
          tolerance,
        }));
    test(`LpPool ${name}`, () =>
      agrees({ opType: 'LpPool', inputs: [image], attributes: { ...attributes, p: int(3) }, tolerance }));
  }
  test('AveragePool over windows of one pixel', async () => {
    for (const ceil_mode of [int(0), int(1)])
      await agrees({
        opType: 'AveragePool',
        inputs: [image],
        attributes: { kernel_shape: ints([1, 1]), strides: ints([2, 3]), ceil_mode },
      });
  });
  test('MaxPool with the positions of the greatest', () =>
    agrees({
      opType: 'MaxPool',
      inputs: [random([2, 2, 7])],
      attributes: { kernel_shape: ints([3]), ceil_mode: int(1), strides: ints([3]) },
      results: 2,
    }));
  test('pools of three dimensions', async () => {
    const inputs = [random([1, 2, 3, 4, 4])];
    const attributes = { kernel_shape: ints([2, 2, 3]), pads: ints([1, 0, 1, 0, 1, 0]) };
    for (const opType of ['MaxPool', 'AveragePool', 'LpPool'])
      await agrees({ opType, inputs, attributes, tolerance });
  });
  test('global pools of one to three dimensions', async () => {
    for (const opType of ['GlobalMaxPool', 'GlobalAveragePool', 'GlobalLpPool'])
      for (const shape of [
        [2, 3, 5],
        [2, 3, 4, 5],
        [2, 1, 2, 2, 3],
      ])
        await agrees({ opType, inputs: [random(shape)], tolerance });
    await agrees({ opType: 'GlobalLpPool', inputs: [image], attributes: { p: int(1) }, tolerance });
  });
});

describe('what cannot be is refused:', () => {
  const refused: readonly (readonly [string, FileForm, RegExp])[] = [
    [
      'a result that is larger than what there is',
      { opType: 'ConvTranspose', inputs: [image, turned], attributes: { output_shape: ints([8, 7]) } },
      /^it gives \[7,7\], of which no \[8,7\] can be made$/,
    ],
    [
      'sizes of another number of axes',
      { opType: 'ConvTranspose', inputs: [image, turned], attributes: { output_shape: ints([7]) } },
      /^attribute "output_shape" has 1 elements where 2 are needed$/,
    ],
    [
      'a bias of another length',
      { opType: 'ConvTranspose', inputs: [image, turned, random([2])] },
      /^ConvTranspose: float32 \[2\] is no bias of an image of \[1, 3, 7, 7\]$/,
    ],
    [
      'pads beside the padding VALID',
      {
        opType: 'Conv',
        inputs: [image, weight],
        attributes: { auto_pad: string('VALID'), pads: ints([1, 0, 0, 0]) },
      },
      /^attribute "pads" is \[1,0,0,0\], while "auto_pad" is VALID$/,
    ],
    [
      'images of four axes',
      { opType: 'Conv', inputs: [random([1, 1, 2, 2, 2, 2]), random([1, 1, 1, 1, 1, 1])] },
      /^Conv: image, weight and bias do not fit/,
    ],
    [
      'pads as wide as the window',
      { opType: 'AveragePool', inputs: [image], attributes: { ...kernel, pads: ints([0, 2, 0, 0]) } },
      /^AveragePool: a 3x2 window with stride \[1,1\] and padding \[0,2,0,0\] does not fit float32 \[1, 2, 5, 6\]$/,
    ],
    [
      'a norm that is none',
      { opType: 'LpPool', inputs: [image], attributes: { ...kernel, p: int(0) } },
      /^attribute "p" is 0, out of range$/,
    ],
    ['no image', { opType: 'GlobalAveragePool', inputs: [random([2, 3])] }, /is no batch of images$/],
  ];
  for (const [name, form, message] of refused)
    test(name, () => {
      assert.throws(
        () => readForm(form),
        (error) => error instanceof GraphError && message.test(error.message),
      );
    });
});
