import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Shape, tensor, toNumbers } from '../../tensor/tensor.js';
import { assertClose, evaluate } from '../../testing/run.js';
import { Graph, GraphError } from '../graph.js';
import * as op from '../ops.js';

const x = tensor('float64', [2, 3], [1, 2, 3, 4, 5, 9]);

describe('reductions', () => {
  test('sum and average over the axes they are given', async () => {
    const cases: [number[], boolean, Shape, number[]][] = [
      [[0], false, [3], [5, 7, 12]],
      [[1], false, [2], [6, 18]],
      [[-1], true, [2, 1], [6, 18]],
      [[0, 1], false, [], [24]],
      [[1, 0, -1], true, [1, 1], [24]],
    ];
    for (const [axes, keep, shape, sums] of cases) {
      const sum = await evaluate([x], (value) => op.reduceSum(value, axes, keep));
      assertClose(sum, tensor('float64', shape, sums), 1e-12);
      const mean = await evaluate([x], (value) => op.reduceMean(value, axes, keep));
      const count = 6 / sums.length;
      assertClose(
        mean,
        tensor(
          'float64',
          shape,
          sums.map((value) => value / count),
        ),
        1e-12,
      );
    }
  });

  test('over no axes change nothing', () => {
    const value = new Graph().input('x', 'float32', [2]);
    assert.equal(op.reduceSum(value, []), value);
  });

  test('find the first greatest element', async () => {
    const ties = tensor('float32', [2, 3], [1, 5, 5, 7, 7, 0]);
    const along1 = await evaluate([ties], (value) => op.argMax(value, -1));
    assert.equal(along1.dtype, 'int64');
    assert.deepEqual(toNumbers(along1), [1, 0]);
    assert.deepEqual(toNumbers(await evaluate([ties], (value) => op.argMax(value, 0))), [1, 1, 0]);
  });

  test('make distributions', async () => {
    const logits = tensor('float64', [2, 2], [0, Math.log(3), 1000, 1000]);
    const softmax = tensor('float64', [2, 2], [0.25, 0.75, 0.5, 0.5]);
    assertClose(await evaluate([logits], (value) => op.softmax(value)), softmax, 1e-12);
    const logSoftmax = tensor('float64', [2, 2], toNumbers(softmax).map(Math.log));
    assertClose(await evaluate([logits], (value) => op.logSoftmax(value)), logSoftmax, 1e-12);
    const columns = await evaluate([logits], (value) => op.softmax(value, 0));
    assert.ok(Math.abs(toNumbers(columns)[0] + toNumbers(columns)[2] - 1) < 1e-12);
  });

  test('refuse axes that are not there', () => {
    const value = new Graph().input('x', 'float32', [2, 3]);
    const wrong: [string, (axis: number) => unknown][] = [
      ['ReduceSum', (axis) => op.reduceSum(value, [0, axis])],
      ['ReduceMean', (axis) => op.reduceMean(value, [axis])],
      ['ArgMax', (axis) => op.argMax(value, axis)],
      ['Softmax', (axis) => op.softmax(value, axis)],
      ['LogSoftmax', (axis) => op.logSoftmax(value, axis)],
    ];
    for (const [name, build] of wrong)
      for (const axis of [2, -3, 0.5, NaN])
        assert.throws(() => build(axis), new GraphError(`${name}: there is no axis ${axis} in [2, 3]`));
  });
});

test('reduceMax finds the greatest element along axes', async () => {
  const greatest = await evaluate([x], (value) => op.reduceMax(op.neg(value), [1], true));
  assertClose(greatest, tensor('float64', [2, 1], [-1, -4]), 0);
});

describe('sumTo', () => {
  test('sums over what was repeated', async () => {
    const cases: [Shape, Shape][] = [
      [[2, 3], [3]],
      [
        [2, 3],
        [2, 1],
      ],
      [[2, 3], []],
      [[2, 3], [1]],
      [
        [2, 3, 4],
        [3, 1],
      ],
      [
        [2, 3],
        [2, 3],
      ],
    ];
    for (const [from, to] of cases) {
      const ones = tensor(
        'float64',
        from,
        Array.from({ length: from.reduce((a, b) => a * b) }, () => 1),
      );
      const target = tensor(
        'float64',
        to,
        Array.from({ length: to.reduce((a, b) => a * b, 1) }, () => 0),
      );
      const sum = await evaluate([ones, target], op.sumTo);
      assert.deepEqual(sum.shape, to);
      for (const value of toNumbers(sum)) assert.equal(value, ones.data.length / target.data.length);
    }
  });

  test('refuses what was never broadcast', () => {
    const graph = new Graph();
    const [a, b, c] = [[3], [2, 3], [4]].map((shape, i) => graph.input(`x${i}`, 'float32', shape));
    assert.throws(
      () => op.sumTo(a, b),
      new GraphError('ReduceSum: float32 [3] was never broadcast from float32 [2, 3]'),
    );
    assert.throws(
      () => op.sumTo(a, c),
      new GraphError('ReduceSum: float32 [3] was never broadcast from float32 [4]'),
    );
  });
});
