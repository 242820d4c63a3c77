import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Shape, tensor, toNumbers } from '../../tensor/tensor.js';
import { runGraph } from '../../testing/run.js';
import { Graph, GraphError } from '../graph.js';
import * as op from '../ops.js';

const pooling = (options: Partial<op.PoolingGeometry> = {}): op.PoolingGeometry => ({
  kernel: [2, 2],
  stride: [2, 2],
  padding: [0, 0, 0, 0],
  ...options,
});

describe('MaxPool', () => {
  test('finds the greatest element of each window, and where it lies', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1, 2, 2, 4]);
    const { values, indices } = op.maxPool(x, pooling());
    graph.output('values', values);
    graph.output('indices', indices);
    const image = tensor('float32', [1, 2, 2, 4], [1, 2, 3, 4, 5, 6, 9, 8, -1, -2, -5, -6, -3, -4, -7, -8]);
    const results = await runGraph(graph, { x: image });
    assert.deepEqual(toNumbers(results.values), [6, 9, -1, -5]);
    assert.deepEqual(toNumbers(results.indices), [5, 6, 8, 10]);
    assert.deepEqual(op.poolingGeometryOf(values.producer!), {
      ...pooling(),
      dilation: [1, 1],
      ceilMode: false,
    });
  });

  test('infers the size that ONNX Runtime computes', async () => {
    const cases: [Shape, Partial<op.PoolingGeometry>, Shape][] = [
      [[1, 1, 7, 8], { kernel: [3, 3], padding: [1, 1, 1, 1] }, [1, 1, 4, 4]],
      [[1, 1, 7, 8], { kernel: [3, 2], stride: [1, 3] }, [1, 1, 5, 3]],
      [[1, 1, 4, 4], { kernel: [3, 3], stride: [1, 1], padding: [2, 0, 1, 2] }, [1, 1, 5, 4]],
      [[1, 1, 4, 4], { kernel: [4, 4] }, [1, 1, 1, 1]],
    ];
    for (const [shape, options, result] of cases) {
      const graph = new Graph();
      graph.output('y', op.maxPool(graph.input('x', 'float32', shape), pooling(options)).values);
      const x = tensor(
        'float32',
        shape,
        Array.from({ length: shape[2] * shape[3] }, () => -1),
      );
      const { y } = await runGraph(graph, { x });
      assert.deepEqual(y.shape, result);
      // What lies outside never wins.
      assert.ok(toNumbers(y).every((value) => value === -1));
    }
  });

  test('refuses windows that do not fit', () => {
    const wrong: [Shape, Partial<op.PoolingGeometry>][] = [
      [[1, 1, 1, 4], {}],
      [[1, 4, 4], {}],
      [[1, 1, 4, 4, 4], {}],
      [[1, 1, 4, 4], { padding: [2, 0, 0, 0] }],
      [[1, 1, 4, 4], { padding: [0, 0, 0, 2] }],
      [[1, 1, 4, 4], { padding: [0, -1, 0, 0] }],
      [[1, 1, 4, 4], { stride: [0, 1] }],
      [[1, 1, 2, 2], { stride: [-1, 1] }],
    ];
    for (const [shape, options] of wrong) {
      const x = new Graph().input('x', 'float32', shape);
      assert.throws(() => op.maxPool(x, pooling(options)), {
        name: 'GraphError',
        message: /^MaxPool: a 2x2 window with stride .* and padding .* does not fit float32 \[1, .*\]$/,
      });
    }
  });
});

test('MaxPoolGrad refuses a gradient of another shape than the values', () => {
  const graph = new Graph();
  const [x, gradient] = [
    [1, 1, 4, 4],
    [1, 1, 1, 1],
  ].map((shape, i) => graph.input(`x${i}`, 'float32', shape));
  const pool = op.maxPool(x, pooling()).values.producer!;
  assert.throws(
    () => op.maxPoolGrad(gradient, pool),
    new GraphError('MaxPoolGrad: the gradient of float32 [1, 1, 2, 2] is not float32 [1, 1, 1, 1]'),
  );
});
