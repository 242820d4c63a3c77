import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Graph } from '../graph/graph.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { randomTensor, runGraph } from '../testing/run.js';
import { mlp } from '../models/mlp.js';
import { solveSymmetric } from './cholesky.js';
import { type TractOverTime, checkOverTime } from './over-time.js';
import { tract, tractSetting } from './tract.js';
import { tractTransform } from './transform.js';

const [OUT, IN] = [3, 4];

/** xᵀx / b of a batch of its own for each step. */
function gramOf(step: number): Tensor<'float64'> {
  const rows = 6;
  const x = toNumbers(randomTensor('float64', [rows, IN], step));
  const gram = Array.from({ length: IN * IN }, (_, i) => {
    const [row, column] = [Math.floor(i / IN), i % IN];
    return Array.from({ length: rows }, (__, b) => x[b * IN + row] * x[b * IN + column]).reduce(
      (a, b) => a + b,
    );
  });
  return tensor(
    'float64',
    [IN, IN],
    gram.map((sum) => sum / rows),
  );
}

const vanillaOf = (step: number): Tensor<'float32'> => randomTensor('float32', [OUT, IN], 100 + step);

/** The gradients of the steps 1 to n, state carried along. */
async function gradients(steps: number, lambda: number | { relative: number }, overTime: TractOverTime) {
  const transform = tractTransform(['fc.weight'], lambda, overTime, { 'fc.weight': [IN, IN] });
  const graph = new Graph();
  const vanilla = graph.input('vanilla', 'float32', [OUT, IN]);
  const statistics = new Map([['fc.weight/gram', graph.input('gram', 'float64', [IN, IN])]]);
  const shapes = transform.state?.(new Map([['fc.weight', [OUT, IN]]])) ?? {};
  const state = new Map(
    Object.entries(shapes).map(([name, shape]) => [name, graph.input('state', 'float32', shape)]),
  );
  const step = graph.input('step', 'float64', []);
  const result = transform.apply(new Map([['fc.weight', vanilla]]), { statistics, state, step });
  graph.output('gradient', result.gradients.get('fc.weight')!);
  if (result.state) graph.output('next', result.state.get('fc.weight')!);
  const found: number[][] = [];
  let kept: Tensor = tensor('float32', [IN, IN], new Array<number>(IN * IN).fill(0));
  for (let number = 1; number <= steps; number++) {
    const feeds = { vanilla: vanillaOf(number), gram: gramOf(number), step: tensor('float64', [], [number]) };
    const outputs = await runGraph(graph, { ...feeds, ...(state.size > 0 && { state: kept }) });
    if (result.state) kept = outputs.next;
    found.push(toNumbers(outputs.gradient));
  }
  return found;
}

/** vanilla (G + λI)⁻¹ by Cholesky's decomposition. */
function expected(step: number, gram: readonly number[], lambda: number): number[] {
  const matrix = Float64Array.from(gram, (value, i) => value + (i % (IN + 1) === 0 ? lambda : 0));
  return Array.from(solveSymmetric(matrix, IN, Float64Array.from(toNumbers(vanillaOf(step))), OUT));
}

describe('TrAct over time', () => {
  it('takes the running mean of the Gram matrix, as if there had been no zeros before the first step', async () => {
    const found = await gradients(4, 0.1, { gramMomentum: 0.8 });
    let sum = new Array<number>(IN * IN).fill(0);
    found.forEach((gradient, i) => {
      const gram = toNumbers(gramOf(i + 1));
      sum = sum.map((value, j) => 0.8 * value + 0.2 * gram[j]);
      const mean = sum.map((value) => value / (1 - 0.8 ** (i + 1)));
      assertWithin(gradient, expected(i + 1, mean, 0.1), 1e-5, `step ${i + 1}`);
    });
  });

  it('changes λ by equal ratios, and keeps it then', async () => {
    const found = await gradients(5, 1, { lambdaEnd: 0.01, lambdaSteps: 2 });
    [1, 0.1, 0.01, 0.01, 0.01].forEach((lambda, i) => {
      const gram = toNumbers(gramOf(i + 1));
      assertWithin(found[i], expected(i + 1, gram, lambda), 1e-5, `step ${i + 1}`);
    });
  });

  it('changes the factor of a relative λ', async () => {
    const [, second] = await gradients(2, { relative: 0.1 }, { lambdaEnd: 0.4, lambdaSteps: 1 });
    const gram = toNumbers(gramOf(2));
    const trace = gram.filter((_, i) => i % (IN + 1) === 0).reduce((a, b) => a + b);
    assertWithin(second, expected(2, gram, (0.4 * trace) / IN), 1e-5, 'the second step');
  });

  it('ends where it is told to: the gradient is the vanilla one', async () => {
    const found = await gradients(3, 0.1, { until: 2 });
    assertWithin(found[1], expected(2, toNumbers(gramOf(2)), 0.1), 1e-5, 'the second step');
    assert.deepEqual(found[2], toNumbers(vanillaOf(3)));
  });

  it('is a part of the setting, with the shape of the Gram matrix found in the model', () => {
    const given = tract(mlp(), { gramMomentum: 0.9, until: 7 });
    assert.deepEqual(tractSetting(given), {
      weights: ['layers.0.weight'],
      lambda: 0.1,
      gramMomentum: 0.9,
      until: 7,
    });
    assert.deepEqual(given.transforms[0].state?.(new Map([['layers.0.weight', [256, 3072]]])), {
      'layers.0.weight': [3072, 3072],
    });
  });

  it('refuses what is out of range, and half of a change', () => {
    const wrong: [TractOverTime, RegExp][] = [
      [{ gramMomentum: 1 }, /momentum of TrAct's Gram matrix must be at least 0 and below 1, not 1/],
      [{ until: 0 }, /a whole number of steps, at least 1, not 0/],
      [{ lambdaEnd: 0.1 }, /lambdaEnd and lambdaSteps go together/],
      [{ lambdaEnd: 0, lambdaSteps: 4 }, /last lambda must be finite and positive, not 0/],
      [{ lambdaEnd: 1, lambdaSteps: 1.5 }, /changes in a whole number of steps, at least 1, not 1.5/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(() => {
        checkOverTime(options);
      }, message);
    }
  });
});
