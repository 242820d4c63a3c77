import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Shape, tensor, toNumbers } from '../../tensor/tensor.js';
import { assertClose, evaluate, randomTensor } from '../../testing/run.js';
import { Graph, GraphError, type Value } from '../graph.js';
import * as op from '../ops.js';

describe('BatchNormalization', () => {
  test('scales and shifts each channel', async () => {
    const perChannel = [
      [2, 3],
      [10, 20],
      [1, 2],
      [3, 8],
    ].map((values) => tensor('float64', [2], values));
    const x = tensor('float64', [1, 2, 2], [1, 3, 2, 5]);
    const y = await evaluate([x, ...perChannel], (...inputs) =>
      op.batchNormalization(inputs[0], inputs[1], inputs[2], inputs[3], inputs[4], 1),
    );
    assertClose(y, tensor('float64', [1, 2, 2], [10, 12, 20, 23]), 1e-6);
  });

  test('refuses anything but one number a channel', () => {
    const build = (x: Shape, scale: Shape, variance: Shape): void => {
      const graph = new Graph();
      const [image, a, b] = [x, scale, variance].map((shape, i) => graph.input(`x${i}`, 'float32', shape));
      op.batchNormalization(image, a, a, a, b);
    };
    const message = /^BatchNormalization: one number a channel is needed: float32 \[/;
    for (const shapes of [
      [[2, 3, 4], [4], [4]],
      [[2, 3, 4], [3], [1]],
      [[2, 3, 4], [1, 3], [3]],
      [[3], [3], [3]],
    ])
      assert.throws(
        () => {
          build(shapes[0], shapes[1], shapes[2]);
        },
        { name: 'GraphError', message },
      );
  });
});

describe('BatchNormTraining', () => {
  test('gives the mean and the biased variance of each channel', async () => {
    const tensors = [
      tensor('float64', [2, 2, 2], [1, 2, 10, 10, 3, 6, 10, 10]),
      tensor('float64', [2], [1, 1]),
      tensor('float64', [2], [0, 5]),
    ];
    const pick = (which: 'y' | 'mean' | 'variance') => (x: Value, scale: Value, bias: Value) =>
      op.batchNormTraining(x, scale, bias, 1e-12)[which];
    assertClose(await evaluate(tensors, pick('mean')), tensor('float64', [2], [3, 10]), 1e-12);
    assertClose(await evaluate(tensors, pick('variance')), tensor('float64', [2], [3.5, 0]), 1e-12);
    const y = toNumbers(await evaluate(tensors, pick('y')));
    assert.ok(Math.abs(y[0] + 2 / Math.sqrt(3.5)) < 1e-6);
    // A channel without variance is its bias, and not a division by zero.
    assert.deepEqual([y[2], y[7]], [5, 5]);
  });

  test('refuses anything but one number a channel', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3, 4]);
    const [three, four] = [3, 4].map((length) => graph.input(`n${length}`, 'float32', [length]));
    const double = graph.input('double', 'float64', [3]);
    for (const [scale, bias] of [
      [three, four],
      [four, three],
      [three, double],
    ]) {
      assert.throws(() => op.batchNormTraining(x, scale, bias), {
        name: 'GraphError',
        message: /^BatchNormTraining: one number a channel is needed: float32 \[2, 3, 4\] and /,
      });
    }
  });
});

describe('LayerNormalization', () => {
  test('normalises the last axis', async () => {
    const tensors = [
      tensor('float64', [2, 2], [1, 3, -10, 10]),
      tensor('float64', [2], [2, 1]),
      tensor('float64', [2], [0, 5]),
    ];
    const build = (x: Value, scale: Value, bias: Value): Value =>
      op.layerNormalization(x, scale, bias, 1e-12).y;
    assertClose(await evaluate(tensors, build), tensor('float64', [2, 2], [-2, 6, -2, 6]), 1e-6);
    const shapes = [[2, 3, 5], [5], [5]].map((shape) => randomTensor('float32', shape));
    assert.deepEqual((await evaluate(shapes, build)).shape, [2, 3, 5]);
  });

  test('refuses anything but one number a feature', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [4, 3]);
    const [three, four] = [3, 4].map((length) => graph.input(`n${length}`, 'float32', [length]));
    const double = graph.input('double', 'float64', [3]);
    const scalar = graph.input('scalar', 'float32', []);
    for (const [value, scale, bias] of [
      [x, four, three],
      [x, three, four],
      [x, three, double],
      [x, op.reshape(three, [1, 3]), three],
      [scalar, three, three],
    ]) {
      assert.throws(() => op.layerNormalization(value, scale, bias), {
        name: 'GraphError',
        message: /^LayerNormalization: one number a feature is needed: float32 \[/,
      });
    }
  });
});

test('BatchNormTrainingGrad refuses what is not alike', () => {
  const graph = new Graph();
  const [x, g, three, four] = [[2, 3, 4], [2, 3, 1], [3], [4]].map((shape, i) =>
    graph.input(`x${i}`, 'float32', shape),
  );
  assert.throws(
    () => op.batchNormTrainingGrad(g, x, three, three, three, 0),
    new GraphError('BatchNormTrainingGrad: float32 [2, 3, 1] and float32 [2, 3, 4] are not alike'),
  );
  assert.throws(() => op.batchNormTrainingGrad(x, x, three, three, four, 0), {
    name: 'GraphError',
    message: /^BatchNormTrainingGrad: one number a channel is needed/,
  });
});
