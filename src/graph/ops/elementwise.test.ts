import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DType, tensor, toNumbers } from '../../tensor/tensor.js';
import { assertClose, evaluate, randomTensor } from '../../testing/run.js';
import { Graph, GraphError, type Value } from '../graph.js';
import * as op from '../ops.js';

const xs = [0.25, 0.5, 1, 2];

/** Each function with its definition on the host. */
const functions: readonly [string, (x: Value) => Value, (x: number) => number][] = [
  ['Add', (x) => op.add(x, 3), (x) => x + 3],
  ['Sub', (x) => op.sub(3, x), (x) => 3 - x],
  ['Mul', (x) => op.mul(3, x), (x) => 3 * x],
  ['Div', (x) => op.div(3, x), (x) => 3 / x],
  ['Pow', (x) => op.pow(x, 1.5), (x) => x ** 1.5],
  ['Pow of two values', (x) => op.pow(x, op.neg(x)), (x) => x ** -x],
  ['Pow of a number', (x) => op.pow(2, x), (x) => 2 ** x],
  ['Neg', op.neg, (x) => -x],
  ['Abs', (x) => op.abs(op.sub(x, 1)), (x) => Math.abs(x - 1)],
  ['Sign', (x) => op.sign(op.sub(x, 1)), (x) => Math.sign(x - 1)],
  ['Exp', op.exp, Math.exp],
  ['Log', op.log, Math.log],
  ['Sqrt', op.sqrt, Math.sqrt],
  ['Reciprocal', op.reciprocal, (x) => 1 / x],
  ['Tanh', op.tanh, Math.tanh],
  ['Sigmoid', op.sigmoid, (x) => 1 / (1 + Math.exp(-x))],
  ['Relu', (x) => op.relu(op.sub(x, 0.75)), (x) => Math.max(x - 0.75, 0)],
  ['Identity', op.identity, (x) => x],
  ['Where', (x) => op.where(op.greater(x, 0.75), x, -1), (x) => (x > 0.75 ? x : -1)],
];

describe('elementwise operators', () => {
  for (const [name, build, expected] of functions) {
    test(`${name} computes what it says`, async () => {
      const x = tensor('float64', [2, 2], xs);
      assertClose(await evaluate([x], build), tensor('float64', [2, 2], xs.map(expected)), 1e-6);
    });
  }

  test('Erf and Gelu compute what they say', async () => {
    const x = tensor('float32', [3], [0, 0.5, -1]);
    // erf(0.5) and erf(1) to the digits of float32.
    assertClose(await evaluate([x], op.erf), tensor('float32', [3], [0, 0.52049988, -0.84270079]), 1e-6);
    const gelu = tensor('float32', [3], [0, 0.34573123, -0.15865525]);
    assertClose(await evaluate([x], (value) => op.gelu(value)), gelu, 1e-6);
    const byTanh = tensor('float32', [3], [0, 0.34571401, -0.15880801]);
    assertClose(await evaluate([x], (value) => op.gelu(value, 'tanh')), byTanh, 1e-6);
  });

  test('comparisons give bool', async () => {
    const [a, b] = [tensor('float32', [3], [1, 2, 3]), tensor('float32', [3], [3, 2, 1])];
    const greater = await evaluate([a, b], op.greater);
    assert.equal(greater.dtype, 'bool');
    assert.deepEqual(toNumbers(greater), [0, 0, 1]);
    assert.deepEqual(toNumbers(await evaluate([a, b], op.equal)), [0, 1, 0]);
    assert.deepEqual(toNumbers(await evaluate([a], (x) => op.greater(2, x))), [1, 0, 0]);
  });

  test('operands broadcast, in either order', async () => {
    const [a, b] = [randomTensor('float32', [2, 1, 4]), randomTensor('float32', [3, 1])];
    assert.deepEqual((await evaluate([a, b], op.sub)).shape, [2, 3, 4]);
    assert.deepEqual((await evaluate([b, a], op.sub)).shape, [2, 3, 4]);
    const condition = tensor('bool', [5, 1, 1, 1], [1, 0, 1, 0, 1]);
    assert.deepEqual((await evaluate([condition, a, b], op.where)).shape, [5, 2, 3, 4]);
  });

  test('casts reach every type, and a cast to the present one is none', async () => {
    const x = tensor('float32', [3], [0, 1, 2]);
    for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8'] satisfies DType[]) {
      const there = await evaluate([x], (value) => op.cast(op.cast(value, dtype), 'float64'));
      assert.deepEqual(toNumbers(there), [0, 1, 2]);
    }
    assert.deepEqual(toNumbers(await evaluate([x], (value) => op.cast(value, 'bool'))), [0, 1, 1]);
    const value = new Graph().input('x', 'float32', []);
    assert.equal(op.cast(value, 'float32'), value);
  });
});

describe('elementwise operators refuse', () => {
  const graph = new Graph();
  const a = graph.input('a', 'float32', [2, 3]);
  const b = graph.input('b', 'float32', [3, 2]);
  const double = graph.input('double', 'float64', [2, 3]);
  const mask = graph.input('mask', 'bool', [4, 3]);

  test('shapes that do not broadcast', () => {
    for (const [name, build] of Object.entries({
      Add: op.add,
      Sub: op.sub,
      Mul: op.mul,
      Div: op.div,
      Pow: op.pow,
      Equal: op.equal,
      Greater: op.greater,
    })) {
      const message = `${name}: float32 [2, 3] and float32 [3, 2] do not broadcast together`;
      assert.throws(() => build(a, b), new GraphError(message));
    }
  });

  test('types that differ', () => {
    assert.throws(
      () => op.mul(a, double),
      new GraphError('Mul: float32 [2, 3] and float64 [2, 3] do not broadcast together'),
    );
  });

  test('a gradient of ReLU that is not like its result', () => {
    assert.throws(
      () => op.reluGrad(a, b),
      new GraphError('ReluGrad: float32 [2, 3] and float32 [3, 2] are not alike'),
    );
    assert.throws(
      () => op.reluGrad(a, double),
      new GraphError('ReluGrad: float32 [2, 3] and float64 [2, 3] are not alike'),
    );
  });

  test('two numbers', () => {
    assert.throws(() => op.add(1, 2), new GraphError('Add: one operand must be a graph value'));
    assert.throws(() => op.where(mask, 1, 2), new GraphError('Where: one operand must be a graph value'));
  });

  test('a choice that is none', () => {
    const cases = [
      [a, a, a, 'Where: cannot choose with float32 [2, 3] between float32 [2, 3] and float32 [2, 3]'],
      [mask, a, a, 'Where: cannot choose with bool [4, 3] between float32 [2, 3] and float32 [2, 3]'],
      [mask, a, b, 'Where: cannot choose with bool [4, 3] between float32 [2, 3] and float32 [3, 2]'],
      [mask, a, double, 'Where: cannot choose with bool [4, 3] between float32 [2, 3] and float64 [2, 3]'],
    ] as const;
    for (const [condition, left, right, message] of cases)
      assert.throws(() => op.where(condition, left, right), new GraphError(message));
  });
});
