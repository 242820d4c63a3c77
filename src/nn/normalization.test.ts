import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Graph } from '../graph/graph.js';
import { stateFeeds } from '../graph/state-names.js';
import { type Shape, type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { randomTensor, runGraph } from '../testing/run.js';
import { batchNorm, layerNorm } from './layers.js';
import { Scope } from './scope.js';

/** Runs batch norm once; `next/…` are the running statistics after the step, in training. */
async function runBatchNorm(
  x: Tensor,
  values: Record<string, Tensor>,
  training: boolean,
): Promise<Record<string, number[]>> {
  const graph = new Graph();
  const scope = Scope.root(graph, { training });
  graph.output('y', batchNorm(scope, graph.input('x', 'float32', x.shape)));
  for (const [name, { next }] of scope.buffers) {
    assert.equal(next !== undefined, training);
    if (next) graph.output(`next/${name}`, next);
  }
  const results = await runGraph(graph, { x, ...stateFeeds(values) });
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, toNumbers(value)]));
}

const float32 = (shape: Shape, values: readonly number[]): Tensor => tensor('float32', shape, values);
const untrained = {
  weight: float32([2], [1, 1]),
  bias: float32([2], [0, 0]),
  running_mean: float32([2], [0, 0]),
  running_var: float32([2], [1, 1]),
};

describe('batch norm', () => {
  it("keeps PyTorch's running statistics and evaluates with them", async () => {
    // PyTorch 1.13, float64: bn = BatchNorm2d(2).double(); x = torch.arange(24.).double().reshape(3,2,2,2).sin()*3+1;
    // for _ in range(3): bn(x); x = x*1.5 - 0.2; then bn.running_mean, bn.running_var, and bn.eval()(x) of the first
    // four numbers.
    let x = Array.from({ length: 24 }, (_, i) => Math.sin(i) * 3 + 1);
    let values: Record<string, Tensor> = untrained;
    for (let step = 0; step < 3; step++) {
      const results = await runBatchNorm(float32([3, 2, 2, 2], x), values, true);
      values = {
        ...values,
        running_mean: float32([2], results['next/running_mean']),
        running_var: float32([2], results['next/running_var']),
      };
      x = x.map((value) => value * 1.5 - 0.2);
    }
    assertWithin(toNumbers(values.running_mean), [0.3618584644782844, 0.4921651260180171], 1e-6, 'mean');
    assertWithin(toNumbers(values.running_var), [4.342443301879339, 4.6207463372810995], 1e-6, 'variance');
    const { y } = await runBatchNorm(float32([3, 2, 2, 2], x), values, false);
    assertWithin(
      y.slice(0, 4),
      [0.9900598389661475, 5.078584285965402, 5.408138211590063, 1.6757312564366127],
      1e-6,
      'evaluation',
    );
  });

  it('in training is the formula, over all axes but the channels', async () => {
    for (const shape of [
      [4, 2, 3, 5],
      [6, 2],
      [3, 2, 4],
    ]) {
      const x = randomTensor('float32', shape, 3);
      const affine = { weight: float32([2], [2, -0.5]), bias: float32([2], [0.25, 3]) };
      const results = await runBatchNorm(x, { ...untrained, ...affine }, true);
      const inner = shape.slice(2).reduce((product, length) => product * length, 1);
      const channelOf = (i: number): number => Math.floor(i / inner) % 2;
      const all = toNumbers(x);
      const expected: number[] = all.slice();
      for (const channel of [0, 1]) {
        const own = all.filter((_, i) => channelOf(i) === channel);
        const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
        const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        all.forEach((value, i) => {
          if (channelOf(i) !== channel) return;
          const normalized = (value - mean) / Math.sqrt(squares / own.length + 1e-5);
          expected[i] = normalized * Number(affine.weight.data[channel]) + Number(affine.bias.data[channel]);
        });
        assert.ok(Math.abs(results['next/running_mean'][channel] - 0.1 * mean) < 1e-7, 'mean');
        const unbiased = 0.9 + (0.1 * squares) / (own.length - 1);
        assertWithin([results['next/running_var'][channel]], [unbiased], 1e-6, 'variance');
      }
      assertWithin(results.y, expected, 2e-6, `batch norm of ${shape.join('x')}`);
    }
  });
});

describe('layer norm', () => {
  it('is the formula, over the last axis', async () => {
    for (const shape of [
      [3, 7],
      [2, 5, 16],
    ]) {
      const features = shape.at(-1)!;
      const input = randomTensor('float32', shape, 1);
      const weight = randomTensor('float32', [features], 2);
      const bias = randomTensor('float32', [features], 3);
      const graph = new Graph();
      const scope = Scope.root(graph, { training: true });
      graph.output('y', layerNorm(scope, graph.input('x', 'float32', shape)));
      const { y } = await runGraph(graph, { x: input, ...stateFeeds({ weight, bias }) });
      const x = toNumbers(input);
      const expected = x.map((value, i) => {
        const row = x.slice(i - (i % features), i - (i % features) + features);
        const mean = row.reduce((sum, each) => sum + each, 0) / features;
        const variance = row.reduce((sum, each) => sum + (each - mean) ** 2, 0) / features;
        const normalized = (value - mean) / Math.sqrt(variance + 1e-5);
        return normalized * weight.data[i % features] + bias.data[i % features];
      });
      assertWithin(toNumbers(y), expected, 1e-6, shape.join('x'));
    }
  });
});
