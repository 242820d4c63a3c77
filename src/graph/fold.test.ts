import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Tensor, elementCount, tensor, toNumbers } from '../tensor/tensor.js';
import { assertClose, evaluate, randomTensor } from '../testing/run.js';
import { ints } from './attributes.js';
import { Graph, type Value } from './graph.js';
import * as op from './ops.js';

/** Folds what `build` makes of constants, and lets ONNX Runtime compute the same from inputs. */
async function assertFoldsRight(
  tensors: readonly Tensor[],
  build: (...values: Value[]) => Value,
): Promise<void> {
  const graph = new Graph();
  const folded = build(...tensors.map((value) => graph.constant(value)));
  assert.equal(graph.nodes.length, 0, 'nothing is left to compute');
  assertClose(folded.constant!, await evaluate(tensors, build), 0);
}

describe('constants are folded to what ONNX Runtime computes', () => {
  const binary = { add: op.add, sub: op.sub, mul: op.mul, div: op.div };
  for (const [name, build] of Object.entries(binary)) {
    test(name, async () => {
      for (const dtype of ['float32', 'float64'] as const) {
        await assertFoldsRight([randomTensor(dtype, [2, 1, 4], 1), randomTensor(dtype, [3, 1], 2)], build);
        await assertFoldsRight([randomTensor(dtype, [3], 1), randomTensor(dtype, [], 2)], build);
      }
    });
  }

  const unary = { neg: op.neg, reciprocal: op.reciprocal, sqrt: (x: Value) => op.sqrt(x) };
  for (const [name, build] of Object.entries(unary)) {
    test(name, async () => {
      const positive = tensor('float32', [2, 3], [0.1, 0.5, 1, 2, 3, 1e10]);
      await assertFoldsRight([positive], build);
      await assertFoldsRight(
        [{ ...positive, dtype: 'float64', data: Float64Array.from(positive.data) }],
        build,
      );
    });
  }

  test('transpose', async () => {
    const x = randomTensor('float32', [2, 3, 4]);
    await assertFoldsRight([x], (value) => op.transpose(value, [1, 2, 0]));
    await assertFoldsRight([x], (value) => op.transpose(value, [2, 1, 0]));
    await assertFoldsRight([randomTensor('float64', [3, 2])], op.matrixTranspose);
  });

  test('reshape, of any type', async () => {
    await assertFoldsRight([randomTensor('float32', [2, 6])], (x) => op.reshape(x, [3, -1]));
    await assertFoldsRight([tensor('int64', [4], [1, 2, 3, 4])], (x) => op.reshape(x, [2, 2]));
    await assertFoldsRight([randomTensor('float32', [2])], op.identity);
  });

  test('division by zero and roots of negative numbers', () => {
    const graph = new Graph();
    const folded = (build: (x: Value) => Value, value: number): number[] =>
      toNumbers(build(graph.constant(tensor('float32', [], [value]))).constant!);
    assert.deepEqual(
      folded((x) => op.div(1, x), 0),
      [Infinity],
    );
    assert.deepEqual(
      folded((x) => op.div(1, x), -0),
      [-Infinity],
    );
    assert.deepEqual(folded(op.sqrt, -1), [NaN]);
  });

  test('and a result of float32 is rounded to float32', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), fc.float({ noNaN: true }), (a, b) => {
        // ONNX Runtime has this thread take denormal numbers for zero, once it ran (see the engine's session).
        const normal = (value: number): boolean => value === 0 || Math.abs(value) > 1e-37;
        fc.pre([a, b, a * b].every(normal));
        const graph = new Graph();
        const [x, y] = [a, b].map((value) => graph.constant(tensor('float32', [], [value])));
        assert.deepEqual(toNumbers(op.mul(x, y).constant!), [Math.fround(a * b)]);
      }),
    );
  });
});

describe('folding', () => {
  test('the same twice gives the same value', () => {
    const graph = new Graph();
    const large = graph.constant(randomTensor('float32', [100]));
    assert.equal(op.mul(large, 2), op.mul(large, 2));
    const small = graph.constant(tensor('float32', [], [3]));
    // Another way to the same few numbers.
    assert.equal(op.add(small, 3), op.mul(small, 2));
    assert.equal(graph.nodes.length, 0);
  });

  test('leaves large results to ONNX Runtime', async () => {
    const graph = new Graph();
    const fits = op.add(
      graph.constant(randomTensor('float32', [64, 1])),
      graph.constant(randomTensor('float32', [64])),
    );
    assert.equal(elementCount(fits.shape), 4096);
    assert.ok(fits.constant);
    const large = op.add(
      graph.constant(randomTensor('float32', [241, 1])),
      graph.constant(randomTensor('float32', [17])),
    );
    assert.equal(elementCount(large.shape), 4097);
    assert.equal(large.producer?.opType, 'Add');
    assert.deepEqual((await evaluate([tensor('float32', [], [0])], (x) => op.add(x, 1))).shape, []);
  });

  test('leaves what is not a constant, not floating point, or not known', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', []);
    const two = graph.constant(tensor('float32', [], [2]));
    const integer = graph.constant(tensor('int64', [], [7]));
    for (const value of [op.add(x, two), op.div(integer, integer), op.exp(two), op.neg(integer)]) {
      assert.equal(value.constant, undefined);
      assert.ok(value.producer);
    }
    assert.equal(graph.nodes.length, 4);
  });

  test('leaves operators of other domains', () => {
    const graph = new Graph();
    const two = graph.constant(tensor('float32', [], [2]));
    assert.equal(graph.add('Neg', [two], {}, [two], 'com.example')[0].constant, undefined);
  });

  test('leaves nodes whose types, as a file claims them, do not hold', () => {
    const graph = new Graph();
    const a = graph.constant(tensor('float32', [2, 3], [1, 2, 3, 4, 5, 6]));
    const b = graph.constant(tensor('float32', [2], [1, 2]));
    const double = graph.constant(tensor('float64', [3], [1, 2, 3]));
    const shape = op.int64s(graph, [7]);
    const claims: Value[] = [
      graph.add('Add', [a, b], {}, [a])[0],
      graph.add('Add', [a, a], {}, [{ dtype: 'float32', shape: [3, 2] }])[0],
      graph.add('Add', [a, double], {}, [a])[0],
      graph.add('Add', [a, a], {}, [{ dtype: 'int64', shape: [2, 3] }])[0],
      graph.add('Add', [a], {}, [a])[0],
      graph.add('Neg', [a], {}, [{ dtype: 'float32', shape: [7] }])[0],
      graph.add('Neg', [a], {}, [{ dtype: 'float64', shape: [2, 3] }])[0],
      graph.add('Reshape', [a, shape], {}, [{ dtype: 'float32', shape: [7] }])[0],
      graph.add('Reshape', [a, shape], {}, [{ dtype: 'int64', shape: [6] }])[0],
      graph.add('Transpose', [a], {}, [{ dtype: 'float32', shape: [3, 2] }])[0],
      graph.add('Transpose', [a], { perm: ints([1, 5]) }, [{ dtype: 'float32', shape: [3, 2] }])[0],
      graph.add('Transpose', [a], { perm: ints([1]) }, [{ dtype: 'float32', shape: [3, 2] }])[0],
      // Names that objects inherit.
      graph.add('constructor', [a, a], {}, [a])[0],
      graph.add('__defineGetter__', [a, a], {}, [a])[0],
      graph.add('toString', [a], {}, [a])[0],
    ];
    assert.deepEqual(
      claims.filter(({ constant }) => constant),
      [],
    );
  });
});
