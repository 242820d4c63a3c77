import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tensor, toNumbers } from '../../tensor/tensor.js';
import { evaluate } from '../../testing/run.js';
import { Graph, GraphError } from '../graph.js';
import * as op from '../ops.js';
import type { AxisMap } from './axis-map.js';

/** Three elements to two: the first and half of the second, twice the last and the last once more. */
const map: AxisMap = {
  from: 3,
  to: 2,
  row: (i) =>
    i === 0
      ? [
          [0, 1],
          [1, 0.5],
        ]
      : [
          [2, 2],
          [2, 1],
        ],
};

describe('a linear map along an axis', () => {
  test('sums what it says, along any axis', async () => {
    const x = tensor('float64', [3, 2], [1, 2, 10, 20, 100, 200]);
    const first = await evaluate([x], (value) => op.mapAxis(value, 0, map));
    assert.deepEqual(toNumbers(first), [6, 12, 300, 600]);
    const last = await evaluate([{ ...x, shape: [2, 3] }], (value) => op.mapAxis(value, -1, map));
    assert.deepEqual(last.shape, [2, 2]);
    assert.deepEqual(toNumbers(last), [2, 30, 70, 600]);
    const middle = await evaluate([{ ...x, shape: [1, 3, 2] }], (value) => op.mapAxis(value, 1, map));
    assert.deepEqual(toNumbers(middle), [6, 12, 300, 600]);
  });

  test('transposed gives each element what it gave', async () => {
    const g = tensor('float32', [2, 2], [1, 2, 10, 20]);
    const first = await evaluate([g], (value) => op.mapAxis(value, 0, map, true));
    assert.deepEqual(toNumbers(first), [1, 2, 0.5, 1, 30, 60]);
    const last = await evaluate([g], (value) => op.mapAxis(value, 1, map, true));
    assert.deepEqual(toNumbers(last), [1, 0.5, 6, 10, 5, 60]);
  });

  test('refuses other lengths, integers, and matrices that are too large', () => {
    const graph = new Graph();
    const refuses = (shape: readonly number[], axis: AxisMap, message: string): void => {
      const x = graph.input(`x${graph.inputs.length}`, 'float32', shape);
      assert.throws(() => op.mapAxis(x, 0, axis), new GraphError(`MatMul: ${message}`));
    };
    refuses([2, 3], map, 'a map of 3 elements does not fit axis 0 of float32 [2, 3]');
    const row = (): never => assert.fail('a row of a map that is too large was asked for');
    refuses(
      [2 ** 12],
      { from: 2 ** 12, to: 2 ** 40, row },
      'a map of 4096 elements to 1099511627776 is too large: float32 [4096]',
    );
    const whole = graph.input('whole', 'int64', [3]);
    assert.throws(() => op.mapAxis(whole, 0, map), new GraphError('MatMul: int64 [3] is not floating-point'));
  });
});
