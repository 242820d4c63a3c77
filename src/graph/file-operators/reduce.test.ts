import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tensor, toNumbers } from '../../tensor/tensor.js';
import { type FileForm, agrees, fed, list, random, readForm, scalar } from '../../testing/file-operator.js';
import { type Attributes, float, int } from '../attributes.js';
import { runGraph } from '../../testing/run.js';
import { GraphError } from '../graph.js';

const x = random([2, 3, 4]);
/** Some of them twice. */
const ties = fed(tensor('float32', [2, 4], [1, 3, 3, 2, -1, -1, 5, -1]));
const tolerance = 1e-6;

const sums = ['ReduceL1', 'ReduceL2', 'ReduceLogSumExp', 'ReduceSumSquare'];
const all = [...sums, 'ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd'];

const forms: readonly (readonly [string, FileForm])[] = [
  ...all.flatMap((opType): (readonly [string, FileForm])[] => [
    [`${opType} over everything`, { opType, inputs: [x], tolerance }],
    [
      `${opType} over two axes`,
      { opType, inputs: [x, list(-1, 0)], attributes: { keepdims: int(0) }, tolerance },
    ],
  ]),
  [
    'ReduceMin without axes',
    { opType: 'ReduceMin', inputs: [x], attributes: { noop_with_empty_axes: int(1) } },
  ],
  ['ReduceLogSum', { opType: 'ReduceLogSum', inputs: [fed(tensor('float32', [3], [1, 2, 0.5])), list(0)] }],
  [
    'ReduceMax of integers',
    { opType: 'ReduceMax', inputs: [fed(tensor('int32', [2, 2], [4, -1, 0, 7])), list(1)] },
  ],
  ...['ArgMax', 'ArgMin'].flatMap((opType): (readonly [string, FileForm])[] => [
    [opType, { opType, inputs: [ties] }],
    [
      `${opType}, the last one`,
      { opType, inputs: [ties], attributes: { axis: int(-1), keepdims: int(0), select_last_index: int(1) } },
    ],
  ]),
  ['TopK', { opType: 'TopK', inputs: [x, list(2)], results: 2 }],
  [
    'TopK of the least, in any order',
    {
      opType: 'TopK',
      inputs: [x, list(3)],
      attributes: { axis: int(1), largest: int(0) },
      results: 2,
    },
  ],
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse): readonly [string, FileForm] => [
      `CumSum, exclusive ${exclusive}, reverse ${reverse}`,
      {
        opType: 'CumSum',
        inputs: [x, scalar(-2, 'int64')],
        attributes: { exclusive: int(exclusive), reverse: int(reverse) },
      },
    ]),
  ),
  ['CumSum along an axis that is a list', { opType: 'CumSum', inputs: [x, list(1)] }],
  [
    'LogSoftmax along the middle',
    { opType: 'LogSoftmax', inputs: [x], attributes: { axis: int(1) }, tolerance },
  ],
  [
    'Softmax along the first axis',
    { opType: 'Softmax', inputs: [x], attributes: { axis: int(-3) }, tolerance },
  ],
];

describe('reductions are read as ONNX Runtime computes them:', () => {
  for (const [name, form] of forms) test(name, () => agrees(form));
});

const gemm = (attributes: Attributes, ...shapes: (readonly number[])[]): FileForm => ({
  opType: 'Gemm',
  inputs: shapes.map((shape, i) => random(shape, i)),
  attributes,
  tolerance,
});

const products: readonly (readonly [string, FileForm])[] = [
  ['Gemm by ONNX’s defaults', gemm({}, [2, 3], [3, 4])],
  ['Gemm with one bias a row', gemm({ transA: int(1) }, [3, 2], [3, 4], [2, 1])],
  ['Gemm with a number as bias', gemm({ transB: int(1) }, [2, 3], [4, 3], [])],
  [
    'Gemm with factors',
    gemm({ transA: int(1), transB: int(1), alpha: float(0.5), beta: float(-2) }, [3, 2], [4, 3], [4]),
  ],
  ...[
    [[3], [3]],
    [[3], [3, 2]],
    [[2, 3], [3]],
    [[4, 2, 3], [3]],
    [[3], [4, 3, 2]],
    [
      [2, 1, 2, 3],
      [4, 3, 2],
    ],
  ].map(([a, b]): readonly [string, FileForm] => [
    `MatMul of [${a.join()}] and [${b.join()}]`,
    { opType: 'MatMul', inputs: [random(a), random(b, 1)], tolerance },
  ]),
];

describe('matrix products are read as ONNX Runtime computes them:', () => {
  for (const [name, form] of products) test(name, () => agrees(form));
});

describe('what cannot be is refused:', () => {
  const refused: readonly (readonly [string, FileForm, RegExp])[] = [
    [
      'more than there are',
      { opType: 'TopK', inputs: [x, list(5)], results: 2 },
      /^TopK: there are no 5 elements along axis 2 of float32 \[2, 3, 4\]$/,
    ],
    [
      'a number that is not constant',
      { opType: 'TopK', inputs: [x, fed(tensor('int64', [1], [1]))], results: 2 },
      /^input 1 is no constant list of at most 64 numbers$/,
    ],
    [
      'an axis that is not there',
      { opType: 'CumSum', inputs: [x, scalar(3, 'int64')] },
      /^CumSum: there is no axis 3 in \[2, 3, 4\]$/,
    ],
    [
      'no axes, where that is another operation',
      { opType: 'ReduceL2', inputs: [x], attributes: { noop_with_empty_axes: int(1) } },
      /^there are no axes to reduce float32 \[2, 3, 4\] along$/,
    ],
    [
      'a bias that does not broadcast',
      gemm({}, [2, 3], [3, 4], [3]),
      /^Gemm: float32 \[2, 3\] and float32 \[3, 4\] and float32 \[3\] cannot be multiplied with transA false and transB false$/,
    ],
    [
      'a factor that is no number',
      gemm({ alpha: float(Infinity) }, [2, 3], [3, 4]),
      /^attribute "alpha" must be finite/,
    ],
    [
      'numbers as matrices',
      { opType: 'MatMul', inputs: [random([]), random([3])] },
      /^MatMul: float32 \[\] and float32 \[3\] cannot be multiplied$/,
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

test('CumProd is that of ONNX’s documentation, which ONNX Runtime has not', async () => {
  const value = tensor('float32', [2, 3], [1, 2, 3, 4, 5, 6]);
  const expected = [
    [
      [1, 2, 6, 4, 20, 120],
      [6, 6, 3, 120, 30, 6],
    ],
    [
      [1, 1, 2, 1, 4, 20],
      [6, 3, 1, 30, 6, 1],
    ],
  ];
  for (const exclusive of [0, 1])
    for (const reverse of [0, 1]) {
      const attributes = { exclusive: int(exclusive), reverse: int(reverse) };
      const inputs = [fed(value), scalar(1, 'int64')];
      const graph = readForm({ opType: 'CumProd', inputs, attributes });
      const { y0 } = await runGraph(graph, { x0: value });
      assert.deepEqual(toNumbers(y0), expected[exclusive][reverse]);
    }
});
