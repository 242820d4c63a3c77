import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Attributes, float, int, ints, string } from '../graph/attributes.js';
import { Graph, GraphError, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { type Shape, tensor, toNumbers } from '../tensor/tensor.js';
import { runGraph } from '../testing/run.js';
import { grad } from './grad.js';

/** The gradient towards x of the sum of a node as a file may hold it, with any further inputs. */
function gradientOf(
  opType: string,
  attributes: Attributes,
  [from, to]: readonly [Shape, Shape],
  others: (graph: Graph) => readonly (Value | null)[] = () => [],
): Value {
  const graph = new Graph();
  const x = graph.input('x', 'float32', from);
  const [y] = graph.add(opType, [x, ...others(graph)], attributes, [{ dtype: 'float32', shape: to }]);
  const loss = op.reduceSum(
    y,
    y.shape.map((_, axis) => axis),
  );
  return grad(loss, [x])[0];
}

describe('a form that the builders do not make is refused', () => {
  const kernel = { kernel_shape: ints([2, 2]), strides: ints([1, 1]), pads: ints([0, 0, 0, 0]) };
  const axes = (...values: number[]) => [(graph: Graph): Value => op.int64s(graph, values)];
  const cases: [string, Attributes, readonly [Shape, Shape], ((graph: Graph) => Value)[], string][] = [
    [
      'MaxPool',
      { ...kernel, storage_order: int(1) },
      [
        [1, 1, 4, 4],
        [1, 1, 3, 3],
      ],
      [],
      'MaxPool does not cover the attribute storage_order = 1',
    ],
    [
      'MaxPool',
      { kernel_shape: ints([2]), strides: ints([1]), pads: ints([0, 0]), storage_order: int(0) },
      [
        [1, 4],
        [1, 3],
      ],
      [],
      'MaxPool is for 3 to 5 dimensions, not float32 [1, 4]',
    ],
    [
      'Conv',
      { ...kernel, dilations: ints([1, 1]), group: int(1), auto_pad: string('SAME_UPPER') },
      [
        [1, 1, 4, 4],
        [1, 1, 4, 4],
      ],
      [(graph) => graph.input('w', 'float32', [1, 1, 2, 2])],
      'Conv does not cover the attribute auto_pad = SAME_UPPER',
    ],
    ['Softmax', {}, [[4], [4]], [], 'Softmax needs the attribute axis'],
    ['Softmax', { axis: float(0) }, [[4], [4]], [], 'Softmax does not cover the attribute axis = 0'],
    // A name that objects inherit.
    ['Exp', { constructor: int(0) }, [[4], [4]], [], 'Exp does not cover the attribute constructor = 0'],
    [
      'LayerNormalization',
      { axis: int(0), epsilon: float(0.01) },
      [[4], [4]],
      [(graph) => graph.input('scale', 'float32', [4])],
      'LayerNormalization does not cover the attribute axis = 0',
    ],
    [
      'Pad',
      { mode: string('symmetric') },
      [[4], [6]],
      axes(1, 1),
      'Pad does not cover the attribute mode = symmetric',
    ],
    [
      'Pad',
      { mode: string('constant') },
      [
        [4, 4],
        [4, 6],
      ],
      [...axes(1, 1), (graph) => op.scalarLike(graph.inputs[0], 0), ...axes(1)],
      'Pad is for 3 inputs, not 4',
    ],
    [
      'ReduceSum',
      { keepdims: int(1) },
      [[4], [1]],
      [(graph) => graph.input('axes', 'int64', [1])],
      'ReduceSum needs its input 1 to be constant',
    ],
    ['ReduceSum', { keepdims: int(1) }, [[4], [1]], [], 'ReduceSum needs its input 1 to be constant'],
    [
      'ReduceSum',
      { keepdims: int(1), noop_with_empty_axes: int(1) },
      [[4], [1]],
      axes(0),
      'ReduceSum does not cover the attribute noop_with_empty_axes = 1',
    ],
    ['Transpose', {}, [[4], [4]], [], 'Transpose needs the attribute perm'],
    [
      'ScatterElements',
      { axis: int(0), reduction: string('median') },
      [[4], [4]],
      [(graph) => op.int64s(graph, [1]), (graph) => graph.input('updates', 'float32', [1])],
      'ScatterElements does not cover the attribute reduction = median',
    ],
    [
      'ScatterND',
      { reduction: string('mean') },
      [[4], [4]],
      [(graph) => op.int64s(graph, [1]), (graph) => graph.input('updates', 'float32', [])],
      'ScatterND does not cover the attribute reduction = mean',
    ],
  ];
  for (const [opType, attributes, shapes, others, message] of cases) {
    test(message, () => {
      assert.throws(
        () => gradientOf(opType, attributes, shapes, (graph) => others.map((make) => make(graph))),
        new GraphError(`grad: the backward rule for ${message}`),
      );
    });
  }
});

describe('what ONNX writes in another way has the same gradient:', () => {
  const check = async (gradient: Value, expected: readonly number[]): Promise<void> => {
    const { graph } = gradient;
    graph.output('gradient', gradient);
    const [{ shape }] = graph.inputs;
    const x = tensor(
      'float32',
      shape,
      Array.from({ length: expected.length }, (_, i) => i),
    );
    assert.deepEqual(toNumbers((await runGraph(graph, { x })).gradient), expected);
  };
  const slice = (from: Shape, to: Shape, ...ranges: number[][]): Value =>
    gradientOf('Slice', {}, [from, to], (graph) => ranges.map((values) => op.int64s(graph, values)));

  test('a slice with bounds counted from the back', () =>
    check(slice([2, 4], [2, 2], [-3], [-1], [-1], [1]), [0, 1, 1, 0, 0, 1, 1, 0]));

  test('a slice with bounds beyond the ends', async () => {
    await check(slice([4], [4], [-9], [2 ** 40], [0], [1]), [1, 1, 1, 1]);
    await check(slice([4], [2], [9], [-9], [0], [-2]), [0, 1, 0, 1]);
    await check(slice([4], [2], [-9], [9], [0], [2]), [1, 0, 1, 0]);
  });

  test('axes counted from the back', async () => {
    const mean = gradientOf('ReduceMean', { keepdims: int(0) }, [[2, 2], [2]], (graph) => [
      op.int64s(graph, [-1]),
    ]);
    await check(mean, [0.5, 0.5, 0.5, 0.5]);
    const pair: readonly [Shape, Shape] = [
      [2, 2],
      [2, 4],
    ];
    await check(
      gradientOf('Concat', { axis: int(-1) }, pair, ({ inputs }) => [inputs[0]]),
      [2, 2, 2, 2],
    );
  });

  test('rows gathered by indices of more dimensions, in int32', async () => {
    const indices = tensor('int32', [2, 2], [0, 2, 2, -1]);
    const shapes: readonly [Shape, Shape] = [
      [3, 1],
      [2, 2, 1],
    ];
    await check(
      gradientOf('Gather', { axis: int(0) }, shapes, (graph) => [graph.constant(indices)]),
      [1, 0, 3],
    );
  });
});
