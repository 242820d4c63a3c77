import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '../engine/compile.js';
import { Graph } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { Random } from '../random/random.js';
import { tensor } from '../tensor/tensor.js';
import { relativeError } from '../testing/distance.js';
import { type Lambda, formatLambda, parseLambda } from './lambda.js';
import { tractGradient } from './reference.js';
import { tractWeightGradient } from './transform.js';

const random = Random.fromSeed(1);
const numbers = (count: number): number[] => Array.from({ length: count }, () => random.normal(0.3));
const relative = { relative: 0.1 };

describe('a relative λ', () => {
  for (const [rows, features] of [
    [12, 5],
    [4, 9],
  ]) {
    it(`is relative to the mean of the diagonal: ${rows} rows of ${features} features`, () => {
      const x = { shape: [rows, features], data: numbers(rows * features) };
      const gradZ = { shape: [rows, 3], data: numbers(rows * 3) };
      const diagonal = x.data.reduce((sum, value) => sum + value ** 2, 0) / rows / features;
      const found = tractGradient({ kind: 'linear', x, gradZ, lambda: relative });
      const expected = tractGradient({ kind: 'linear', x, gradZ, lambda: 0.1 * diagonal });
      assert.ok(relativeError(found.data, expected.data) < 1e-12);
    });

    it(`makes the step independent of the scale of the input: ${rows} rows`, () => {
      const x = { shape: [rows, features], data: numbers(rows * features) };
      const gradZ = { shape: [rows, 3], data: numbers(rows * 3) };
      const large = { ...x, data: x.data.map((value) => 255 * value) };
      const small = tractGradient({ kind: 'linear', x, gradZ, lambda: relative });
      const scaled = tractGradient({ kind: 'linear', x: large, gradZ, lambda: relative });
      // ΔW shrinks as x grows, so that Δz = x ΔWᵀ stays.
      assert.ok(
        relativeError(
          scaled.data.map((value) => 255 * value),
          small.data,
        ) < 1e-10,
      );
    });
  }

  const cases = [
    { name: 'a convolution in two groups', x: [2, 4, 6, 5], weight: [6, 2, 3, 3], groups: 2 },
    { name: 'a convolution with fewer rows than features', x: [1, 3, 4, 4], weight: [2, 3, 4, 4], groups: 1 },
  ];
  for (const { name, x: xShape, weight: weightShape, groups } of cases) {
    it(`is the same in the graph and in float64: ${name}`, async () => {
      const graph = new Graph();
      const input = graph.input('x', 'float32', xShape);
      const weight = graph.input('weight', 'float32', weightShape);
      const z = op.conv(input, weight, null, { groups });
      const gradZ = graph.input('gradZ', 'float32', z.shape);
      graph.output('gradient', tractWeightGradient(z.producer!, gradZ, relative));
      const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
      const data = { x: numbers(count(xShape)), gradZ: numbers(count(z.shape)) };
      const program = await compile(graph);
      const { gradient } = await program.run({
        x: tensor('float32', xShape, data.x),
        weight: tensor('float32', weightShape, numbers(count(weightShape))),
        gradZ: tensor('float32', z.shape, data.gradZ),
      });
      await program.release();
      const expected = tractGradient({
        kind: 'conv2d',
        x: { shape: xShape, data: data.x },
        gradZ: { shape: z.shape, data: data.gradZ },
        lambda: relative,
        weightShape,
        groups,
      });
      assert.ok(relativeError(gradient.data as Float32Array, expected.data) < 1e-4);
    });
  }

  it('leaves a batch of zeros finite', () => {
    const x = { shape: [3, 2], data: [0, 0, 0, 0, 0, 0] };
    const { data } = tractGradient({
      kind: 'linear',
      x,
      gradZ: { shape: [3, 1], data: [1, 2, 3] },
      lambda: relative,
    });
    assert.deepEqual([...data], [0, 0]);
  });
});

describe('λ on the command line', () => {
  it('is written and read alike', () => {
    for (const lambda of [0.1, 1e-3, { relative: 0.25 }] satisfies Lambda[]) {
      assert.deepEqual(parseLambda(formatLambda(lambda)), lambda);
    }
  });
  it('is refused unless finite and positive', () => {
    for (const text of [
      '',
      '0',
      '-1',
      'x',
      'Infinity',
      '0x1',
      'relative:',
      'relative:0',
      'relative:-1',
      'relativ:1',
    ]) {
      assert.throws(() => parseLambda(text), RangeError, text);
    }
    for (const text of ['1', 'relative:1'])
      assert.throws(() => parseLambda(`${text}${'1'.repeat(1_000_000)}x`), RangeError);
  });
});
