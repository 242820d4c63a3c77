import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Shape, tensor, toNumbers } from '../../tensor/tensor.js';
import { assertClose, evaluate, randomTensor } from '../../testing/run.js';
import { Graph, GraphError, type Value } from '../graph.js';
import * as op from '../ops.js';

/** Inputs of a graph of their own, of these shapes. */
function inputs(...shapes: readonly Shape[]): Value[] {
  const graph = new Graph();
  return shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape));
}

describe('MatMul', () => {
  test('multiplies matrices', async () => {
    const [a, b] = [tensor('float64', [2, 2], [1, 2, 3, 4]), tensor('float64', [2, 1], [5, 6])];
    assert.deepEqual(toNumbers(await evaluate([a, b], op.matMul)), [17, 39]);
  });

  test('broadcasts leading dimensions', async () => {
    const shapes: [Shape, Shape, Shape][] = [
      [
        [2, 3, 4],
        [4, 5],
        [2, 3, 5],
      ],
      [
        [3, 4],
        [2, 4, 5],
        [2, 3, 5],
      ],
      [
        [2, 1, 3, 4],
        [7, 4, 5],
        [2, 7, 3, 5],
      ],
    ];
    for (const [a, b, result] of shapes) {
      const product = await evaluate([randomTensor('float32', a), randomTensor('float32', b)], op.matMul);
      assert.deepEqual(product.shape, result);
    }
  });

  test('refuses what cannot be multiplied', () => {
    for (const [a, b] of [
      [
        [2, 3],
        [2, 3],
      ],
      [[], [3]],
      [[3], []],
      [
        [2, 2, 3],
        [3, 3, 2],
      ],
    ]) {
      const [x, y] = inputs(a, b);
      const message = `MatMul: float32 [${a.join(', ')}] and float32 [${b.join(', ')}] cannot be multiplied`;
      assert.throws(() => op.matMul(x, y), new GraphError(message));
    }
    const graph = new Graph();
    const single = graph.input('single', 'float32', [2, 2]);
    const double = graph.input('double', 'float64', [2, 2]);
    assert.throws(
      () => op.matMul(single, double),
      new GraphError('MatMul: float32 [2, 2] and float64 [2, 2] cannot be multiplied'),
    );
  });
});

describe('Linear', () => {
  test('refuses shapes that do not fit', () => {
    const cases: [Shape, Shape, Shape | null][] = [
      [[2, 3], [4, 2], null],
      [[3], [4, 3], null],
      [[2, 3], [3], null],
      [[2, 3], [4, 3], [3]],
      [
        [2, 3],
        [4, 3],
        [1, 4],
      ],
    ];
    for (const shapes of cases) {
      const given = shapes.filter((shape) => shape !== null);
      const [x, weight, bias] = inputs(...given);
      const described = given.map((shape) => `float32 [${shape.join(', ')}]`).join(' and ');
      assert.throws(
        () => op.linear(x, weight, shapes[2] && bias),
        new GraphError(`Linear: input, weight and bias do not fit: ${described}`),
      );
    }
  });

  test('refuses types that differ', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    const weight = graph.input('weight', 'float32', [4, 3]);
    const bias = graph.input('bias', 'float64', [4]);
    assert.throws(() => op.linear(x, weight, bias), {
      name: 'GraphError',
      message: 'Linear: input, weight and bias do not fit: float32 [2, 3] and float32 [4, 3] and float64 [4]',
    });
    assert.throws(() => op.linear(op.cast(x, 'float64'), weight), GraphError);
  });
});

describe('Gemm', () => {
  test('multiplies by the transpose and adds the bias to every row', async () => {
    const tensors = [
      tensor('float64', [2, 2], [1, 2, 3, 4]),
      tensor('float64', [3, 2], [1, 0, 0, 1, 1, 1]),
      tensor('float64', [3], [10, 20, 30]),
    ];
    const expected = tensor('float64', [2, 3], [11, 22, 33, 13, 24, 37]);
    assertClose(await evaluate(tensors, (a, b, bias) => op.gemm(a, b, bias)), expected, 0);
    const without = tensor('float64', [2, 3], [1, 2, 3, 3, 4, 7]);
    assertClose(await evaluate(tensors.slice(0, 2), (a, b) => op.gemm(a, b, null)), without, 0);
  });

  test('refuses what cannot be multiplied', () => {
    const [a, b, cube, bias] = inputs([2, 3], [4, 2], [2, 3, 1], [2]);
    assert.throws(
      () => op.gemm(a, b, null),
      new GraphError('Gemm: float32 [2, 3] and float32 [4, 2] cannot be multiplied'),
    );
    assert.throws(
      () => op.gemm(cube, a, null),
      new GraphError('Gemm: float32 [2, 3, 1] and float32 [2, 3] cannot be multiplied'),
    );
    assert.throws(
      () => op.gemm(b, b, bias),
      new GraphError('Gemm: float32 [4, 2] and float32 [4, 2] and float32 [2] cannot be multiplied'),
    );
  });
});
