import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Shape, type Tensor, elementCount, tensor, toNumbers } from '../../tensor/tensor.js';
import { evaluate } from '../../testing/run.js';
import { Graph, GraphError, type Value } from '../graph.js';
import * as op from '../ops.js';

/** 0, 1, 2, … in the given shape. */
const counted = (shape: Shape): Tensor => tensor('float32', shape, [...Array(elementCount(shape)).keys()]);
const input = (shape: Shape): Value => new Graph().input('x', 'float32', shape);

async function elements(shape: Shape, build: (x: Value) => Value): Promise<number[]> {
  return toNumbers(await evaluate([counted(shape)], build));
}

describe('Reshape', () => {
  test('infers one dimension', () => {
    assert.deepEqual(op.reshape(input([2, 3, 4]), [-1, 6]).shape, [4, 6]);
    assert.deepEqual(op.reshape(input([2, 3, 4]), [-1]).shape, [24]);
    assert.deepEqual(op.reshape(input([1]), []).shape, []);
  });

  test('to the same shape is none, and one of a reshape skips the inner one', () => {
    const x = input([2, 6]);
    assert.equal(op.reshape(x, [2, -1]), x);
    const twice = op.reshape(op.reshape(x, [12]), [3, 4]);
    assert.equal(twice.producer?.inputs[0], x);
    assert.equal(op.reshape(op.reshape(x, [12]), [2, 6]), x);
  });

  test('keeps the elements in order', async () => {
    assert.deepEqual(await elements([2, 3], (x) => op.reshape(x, [3, 2])), [0, 1, 2, 3, 4, 5]);
  });

  test('refuses shapes that do not fit', () => {
    for (const shape of [[5], [-1, -1], [-1, 4], [0, -1], [-2, -3], [1.5, 4], [], [-1, 0.5]]) {
      const message = `Reshape: float32 [2, 3] does not fit [${shape.join(', ')}]`;
      assert.throws(() => op.reshape(input([2, 3]), shape), new GraphError(message));
    }
  });
});

describe('Transpose', () => {
  test('permutes the axes', async () => {
    assert.deepEqual(await elements([2, 3], op.matrixTranspose), [0, 3, 1, 4, 2, 5]);
    assert.deepEqual(op.transpose(input([2, 3, 4]), [1, 2, 0]).shape, [3, 4, 2]);
    assert.deepEqual(op.matrixTranspose(input([2, 3, 4])).shape, [2, 4, 3]);
    const x = input([2, 3]);
    assert.equal(op.transpose(x, [0, 1]), x);
  });

  test('refuses what is no permutation', () => {
    for (const perm of [[0], [0, 0], [0, 2], [1, 0, 2], [0, -1]]) {
      const message = `Transpose: [${perm.join(', ')}] is no permutation of the axes of float32 [2, 3]`;
      assert.throws(() => op.transpose(input([2, 3]), perm), new GraphError(message));
    }
    assert.throws(
      () => op.matrixTranspose(input([3])),
      new GraphError('Transpose: float32 [3] is no matrix'),
    );
  });
});

describe('Slice', () => {
  test('takes what a loop from start to end in steps takes', async () => {
    const range = fc
      .record({
        start: fc.nat(6),
        end: fc.integer({ min: -1, max: 7 }),
        step: fc.integer({ min: -4, max: 4 }),
      })
      .filter(({ start, end, step }) => (step > 0 ? start < end : step < 0 && start > end));
    await fc.assert(
      fc.asyncProperty(range, fc.constantFrom(1, -1), async ({ start, end, step }, axis) => {
        const expected: number[] = [];
        for (let i = start; step > 0 ? i < end : i > end; i += step) expected.push(i);
        const shape = [2, 7];
        const result = await evaluate([counted(shape)], (x) => op.slice(x, [{ axis, start, end, step }]));
        assert.deepEqual(toNumbers(result), [...expected, ...expected.map((i) => i + 7)]);
      }),
      { numRuns: 60 },
    );
  });

  test('of everything is none', () => {
    const x = input([2, 3]);
    assert.equal(op.slice(x, [{ axis: 1, start: 0, end: 3 }]), x);
    assert.notEqual(op.slice(x, [{ axis: 1, start: 2, end: -1, step: -1 }]), x);
  });

  test('takes from several axes', async () => {
    const result = await elements([3, 4], (x) =>
      op.slice(x, [
        { axis: 1, start: 3, end: -1, step: -3 },
        { axis: 0, start: 1, end: 3 },
      ]),
    );
    assert.deepEqual(result, [7, 4, 11, 8]);
  });

  test('refuses ranges outside the tensor', () => {
    const wrong: [number, number, number][] = [
      [0, 4, 1],
      [-1, 2, 1],
      [2, 2, 1],
      [2, 1, 1],
      [0, 2, 0],
      [3, 0, -1],
      [0, 2, -1],
      [2, -2, -1],
      [0.5, 2, 1],
      [0, 2.5, 1],
      [0, 2, 0.5],
      [NaN, 2, 1],
    ];
    for (const [start, end, step] of wrong) {
      const message = `Slice: ${start}:${end}:${step} is outside axis 1 of float32 [2, 3]`;
      const slice = (): Value => op.slice(input([2, 3]), [{ axis: 1, start, end, step }]);
      assert.throws(slice, new GraphError(message));
    }
  });

  test('refuses axes that are not there or come twice', () => {
    assert.throws(
      () => op.slice(input([2, 3]), [{ axis: 2, start: 0, end: 1 }]),
      new GraphError('Slice: there is no axis 2 in [2, 3]'),
    );
    const twice = [1, -1].map((axis) => ({ axis, start: 0, end: 1 }));
    assert.throws(
      () => op.slice(input([2, 3]), twice),
      new GraphError('Slice: the axes [1, 1] of float32 [2, 3] repeat'),
    );
  });
});

describe('Concat', () => {
  test('joins along an axis', async () => {
    assert.deepEqual(await elements([2, 2], (x) => op.concat([x, x], -1)), [0, 1, 0, 1, 2, 3, 2, 3]);
    const graph = new Graph();
    const [a, b] = [2, 5].map((length) => graph.input(`x${length}`, 'float32', [length, 3]));
    assert.deepEqual(op.concat([a, b, a], 0).shape, [9, 3]);
    assert.equal(op.concat([a], 0), a);
  });

  test('refuses what does not join', () => {
    const graph = new Graph();
    const a = graph.input('a', 'float32', [2, 3]);
    const others: [Value, string][] = [
      [graph.input('b', 'float32', [2, 4]), 'float32 [2, 4]'],
      [graph.input('c', 'float32', [2]), 'float32 [2]'],
      [graph.input('d', 'float64', [2, 3]), 'float64 [2, 3]'],
    ];
    for (const [other, described] of others) {
      const message = `Concat: float32 [2, 3] and ${described} do not join along axis 0`;
      assert.throws(() => op.concat([a, other], 0), new GraphError(message));
    }
    assert.throws(() => op.concat([a], 2), new GraphError('Concat: there is no axis 2 in [2, 3]'));
    assert.throws(() => op.concat([], 0), new GraphError('Concat: there is nothing to join'));
  });
});

describe('Split', () => {
  test('cuts an axis into equal parts', async () => {
    const parts = await elements([2, 4], (x) => op.concat([...op.split(x, 1, 2)].reverse(), 0));
    assert.deepEqual(parts, [2, 3, 6, 7, 0, 1, 4, 5]);
  });

  test('refuses parts that are not equal', () => {
    for (const count of [2, 0, -3, 1.5, NaN]) {
      const message = `Split: axis 1 of float32 [2, 3] does not split into ${count} equal parts`;
      assert.throws(() => op.split(input([2, 3]), -1, count), new GraphError(message));
    }
    assert.throws(() => op.split(input([2, 3]), 2, 1), new GraphError('Split: there is no axis 2 in [2, 3]'));
  });
});

describe('Gather', () => {
  test('takes the rows it is told, as often as it is told', async () => {
    assert.deepEqual(await elements([3, 2], (x) => op.gather(x, [2, 0, 2])), [4, 5, 0, 1, 4, 5]);
  });

  test('refuses rows that are not there', () => {
    for (const indices of [[3], [-4]])
      assert.throws(
        () => op.gather(input([3, 2]), indices),
        new GraphError('Gather: there are indices outside of the 3 along axis 0 of float32 [3, 2]'),
      );
    for (const indices of [[], [0, 0.5]])
      assert.throws(
        () => op.gather(input([3, 2]), indices),
        new GraphError(`Gather: [${indices.join(', ')}] are no indices along axis 0 of float32 [3, 2]`),
      );
  });
});

test('zerosLike has the shape and type of a value', async () => {
  for (const shape of [[], [2, 3]]) {
    const zeros = await evaluate(
      [tensor('float64', shape, [...(counted(shape).data as Float32Array)])],
      op.zerosLike,
    );
    assert.equal(zeros.dtype, 'float64');
    assert.deepEqual(zeros.shape, shape);
    assert.ok(toNumbers(zeros).every((value) => value === 0));
  }
});

describe('Pad', () => {
  test('puts zeros around', async () => {
    assert.deepEqual(
      await elements([1, 2], (x) => op.pad(op.add(x, 1), [1, 0], [0, 2])),
      [0, 0, 0, 0, 1, 2, 0, 0],
    );
    const x = input([2]);
    assert.equal(op.pad(x, [0], [0]), x);
  });

  test('refuses amounts that do not fit', () => {
    for (const [before, after] of [
      [[1], [0, 0]],
      [[0, 0], [1]],
      [
        [0, 0],
        [0, 0.5],
      ],
      [
        [NaN, 0],
        [0, 0],
      ],
    ]) {
      const message = `Pad: [${before.join(', ')}] and [${after.join(', ')}] do not fit float32 [2, 3]`;
      assert.throws(() => op.pad(input([2, 3]), before, after), new GraphError(message));
    }
  });
});

describe('Expand', () => {
  test('repeats along ones', async () => {
    assert.deepEqual(await elements([2, 1], (x) => op.expand(x, [2, 2, 2])), [0, 0, 1, 1, 0, 0, 1, 1]);
    const x = input([2, 3]);
    assert.equal(op.expand(x, [2, 3]), x);
  });

  test('refuses other shapes', () => {
    for (const shape of [[3], [2, 2], [1, 3], [2, 3, 1]]) {
      const message = `Expand: float32 [2, 3] does not expand to [${shape.join(', ')}]`;
      assert.throws(() => op.expand(input([2, 3]), shape), new GraphError(message));
    }
  });
});

describe('scatterAdd', () => {
  test('adds where indices repeat', async () => {
    const tensors = [tensor('int64', [4], [1, 3, 1, 0]), tensor('float32', [4], [1, 2, 4, 8])];
    const result = await evaluate(tensors, (indices, updates) => op.scatterAdd(5, indices, updates));
    assert.deepEqual(toNumbers(result), [8, 5, 0, 2, 0]);
  });

  test('adds whole rows, each element where its index says', async () => {
    const tensors = [
      tensor('int64', [3, 2], [1, 0, 1, 1, 0, 0]),
      tensor('float32', [3, 2], [1, 2, 4, 8, 16, 32]),
    ];
    const result = await evaluate(tensors, (indices, updates) => op.scatterAdd(2, indices, updates));
    assert.deepEqual(result.shape, [2, 2]);
    assert.deepEqual(toNumbers(result), [16, 34, 5, 8]);
  });

  test('refuses what are no indices', () => {
    const graph = new Graph();
    const updates = graph.input('updates', 'float32', [2]);
    for (const indices of [
      updates,
      op.int64s(graph, [1, 2, 3]),
      op.reshape(op.int64s(graph, [0, 1]), [2, 1]),
    ])
      assert.throws(() => op.scatterAdd(5, indices, updates), {
        name: 'GraphError',
        message: /^ScatterElements: .* and float32 \[2\] are no indices and updates$/,
      });
  });
});

describe('gatherElements', () => {
  test('takes from each column the rows that it is told', async () => {
    const tensors = [tensor('float32', [2, 2], [1, 2, 4, 8]), tensor('int64', [3, 2], [1, 0, 1, 1, 0, 0])];
    const result = await evaluate(tensors, (rows, indices) => op.gatherElements(rows, indices));
    assert.deepEqual(result.shape, [3, 2]);
    assert.deepEqual(toNumbers(result), [4, 2, 4, 8, 1, 2]);
  });

  test('refuses what are no indices', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [3, 2]);
    for (const [from, indices] of [
      [x, x],
      [x, op.int64s(graph, [0, 1])],
      [x, op.reshape(op.int64s(graph, [0, 1, 2]), [1, 3])],
    ])
      assert.throws(() => op.gatherElements(from, indices), {
        name: 'GraphError',
        message: /^GatherElements: .* are no indices into float32 \[.*\]$/,
      });
  });
});

test('a lattice lists where the elements of a strided slice lie', () => {
  const offsets = op.lattice(new Graph(), [2, 2], [1, 3], [2, -2], [4, 1]);
  assert.deepEqual(toNumbers(offsets.constant!), [7, 5, 15, 13]);
});
