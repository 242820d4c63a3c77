import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Graph } from '../graph/graph.js';
import { Random } from '../random/random.js';
import type { Shape } from '../tensor/tensor.js';
import {
  type DrawnInitializer,
  constant,
  fanIn,
  kaimingNormalFanOut,
  normal,
  pytorchDefault,
  uniform,
} from './init.js';
import { batchNorm, conv2d, layerNorm, linear } from './layers.js';
import { Scope } from './scope.js';

const draw = (initializer: DrawnInitializer, shape: Shape, seed = 0): Float32Array =>
  initializer(shape, Random.fromSeed(seed));

function statistics(values: Float32Array): {
  mean: number;
  deviation: number;
  kurtosis: number;
  greatest: number;
} {
  const moment = (power: number, centre: number): number =>
    values.reduce((sum, value) => sum + (value - centre) ** power, 0) / values.length;
  const mean = moment(1, 0);
  const variance = moment(2, mean);
  return {
    mean,
    deviation: Math.sqrt(variance),
    kurtosis: moment(4, mean) / variance ** 2,
    greatest: values.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0),
  };
}

/** Within 3 % of what is expected; of the tens of thousands of numbers drawn, 3 % are many standard errors. */
const near = (actual: number, expected: number): void => {
  assert.ok(Math.abs(actual - expected) < 0.03 * expected, `${actual} is not about ${expected}`);
};

describe('initialisers', () => {
  it('constant', () => {
    assert.deepEqual(draw(constant(0.25), [2, 2]), Float32Array.of(0.25, 0.25, 0.25, 0.25));
  });

  it('normal', () => {
    const { mean, deviation, kurtosis } = statistics(draw(normal(0.02), [200, 200]));
    assert.ok(Math.abs(mean) < 0.001);
    near(deviation, 0.02);
    near(kurtosis, 3);
  });

  it('uniform', () => {
    const { mean, deviation, kurtosis, greatest } = statistics(draw(uniform(0.5), [200, 200]));
    assert.ok(Math.abs(mean) < 0.01);
    near(deviation, 0.5 / Math.sqrt(3));
    near(kurtosis, 9 / 5);
    assert.ok(greatest <= 0.5 && greatest > 0.499);
  });

  it("Kaiming's normal by fan-out counts output channels and the kernel", () => {
    const { mean, deviation, kurtosis } = statistics(draw(kaimingNormalFanOut, [128, 32, 3, 3]));
    assert.ok(Math.abs(mean) < 0.001);
    near(deviation, Math.sqrt(2 / (128 * 9)));
    near(kurtosis, 3);
    near(statistics(draw(kaimingNormalFanOut, [100, 400])).deviation, Math.sqrt(2 / 100));
  });

  it("PyTorch's default is uniform by fan-in", () => {
    assert.equal(fanIn([64, 3, 7, 7]), 147);
    assert.equal(fanIn([10, 512]), 512);
    for (const shape of [
      [128, 32, 3, 3],
      [200, 300],
    ]) {
      const bound = 1 / Math.sqrt(fanIn(shape));
      const { deviation, greatest } = statistics(draw(pytorchDefault, shape));
      near(deviation, bound / Math.sqrt(3));
      assert.ok(greatest <= Math.fround(bound) && greatest > 0.999 * bound);
    }
  });

  it('draw the same from the same seed', () => {
    assert.deepEqual(draw(pytorchDefault, [3, 4], 5), draw(pytorchDefault, [3, 4], 5));
    assert.notDeepEqual(draw(pytorchDefault, [3, 4], 5), draw(pytorchDefault, [3, 4], 6));
  });
});

describe('layers', () => {
  const graph = new Graph();
  const scope = Scope.root(graph, { training: true });
  const image = graph.input('image', 'float32', [1, 25, 4, 4]);
  conv2d(scope.child('conv'), image, 400, { kernelSize: 2 });
  conv2d(scope.child('plain'), image, 4, { kernelSize: 2, bias: false });
  batchNorm(scope.child('bn'), image);
  const rows = graph.input('rows', 'float32', [1, 100]);
  linear(scope.child('linear'), rows, 400);
  linear(scope.child('even'), rows, 4, { bias: false });
  layerNorm(scope.child('ln'), rows);

  it('declare the parameters that PyTorch has, in its order', () => {
    const shapes = [...scope.parameters].map(([name, { value }]) => `${name} ${value.shape.join('x')}`);
    assert.deepEqual(shapes, [
      'conv.weight 400x25x2x2',
      'conv.bias 400',
      'plain.weight 4x25x2x2',
      'bn.weight 25',
      'bn.bias 25',
      'linear.weight 400x100',
      'linear.bias 400',
      'even.weight 4x100',
      'ln.weight 100',
      'ln.bias 100',
    ]);
    const buffers = [...scope.buffers].map(([name, { value, initializer }]) => [
      name,
      value.shape,
      draw(initializer as DrawnInitializer, value.shape)[24],
    ]);
    assert.deepEqual(buffers, [
      ['bn.running_mean', [25], 0],
      ['bn.running_var', [25], 1],
    ]);
  });

  it('start as in PyTorch', () => {
    const initial = (name: string): Float32Array => {
      const { value, initializer } = scope.parameters.get(name)!;
      return (initializer as DrawnInitializer)(value.shape, Random.fromSeed(1, name));
    };
    // All four have a fan-in of 100, the biases that of their weights.
    for (const name of ['conv.weight', 'conv.bias', 'linear.weight', 'linear.bias']) {
      const { greatest } = statistics(initial(name));
      assert.ok(greatest <= Math.fround(0.1) && greatest > 0.098, `${name} goes up to ${greatest}`);
    }
    for (const layer of ['bn', 'ln']) {
      assert.ok(initial(`${layer}.weight`).every((value) => value === 1));
      assert.ok(initial(`${layer}.bias`).every((value) => value === 0));
    }
  });
});
