import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../engine/compile.js';
import { Graph, GraphError } from '../graph/graph.js';
import { tensor } from '../tensor/tensor.js';
import { uniformBits } from './random-bits.js';
import { Scope } from './scope.js';

/** Draws `count` numbers a stream, at several steps. */
async function draw(
  names: readonly string[],
  steps: readonly number[],
  count: number,
  seed = 7,
): Promise<Float32Array[]> {
  const graph = new Graph();
  const step = graph.input('step', 'float64', []);
  for (const name of names) graph.output(name, uniformBits(graph, [count], name, { seed, step }));
  const program = await compile(graph, { threads: 1 });
  const drawn: Float32Array[] = [];
  for (const one of steps) {
    const results = await program.run({ step: tensor('float64', [], [one]) });
    for (const name of names) drawn.push(results[name].data as Float32Array);
  }
  await program.release();
  return drawn;
}

const correlation = (a: Float32Array, b: Float32Array): number => {
  let [sum, squares] = [0, 0];
  a.forEach((x, i) => {
    sum += (x - 0.5) * (b[i] - 0.5);
    squares += (x - 0.5) ** 2;
  });
  return sum / squares;
};

test('draws are uniform, and streams, steps and neighbours have nothing to do with each other', async () => {
  const count = 100_000;
  const [a1, b1, a2, b2] = await draw(['a', 'b'], [1, 2], count);
  for (const numbers of [a1, b1, a2, b2]) {
    assert.ok(numbers.every((x) => x >= 0 && x < 1));
    const bins = new Float64Array(100);
    for (const x of numbers) bins[Math.floor(x * 100)]++;
    const expected = count / 100;
    const chiSquare = bins.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // Of 99 degrees of freedom: above 161 or below 56 once in 20,000 times each.
    assert.ok(chiSquare < 161 && chiSquare > 56, `χ² is ${chiSquare}`);
    for (const lag of [1, 2, 32, 1024])
      assert.ok(
        Math.abs(correlation(numbers.subarray(lag), numbers.subarray(0, -lag))) < 0.016,
        `lag ${lag}`,
      );
  }
  for (const [x, y] of [
    [a1, b1],
    [a1, a2],
    [b1, a2],
    [b1, b2],
  ])
    assert.ok(Math.abs(correlation(x, y)) < 0.016);
});

test('a draw is a function of seed, name and step: the same again, another for another seed', async () => {
  const [first, second] = await draw(['a'], [3, 4], 50);
  assert.deepEqual(await draw(['a'], [4, 3], 50), [second, first]);
  const [other] = await draw(['a'], [3], 50, 8);
  assert.notDeepEqual(other, first);
});

test('a place draws once under a name', () => {
  const scope = Scope.root(new Graph(), { training: true });
  scope.child('drop').uniform('mask', [2]);
  assert.throws(() => scope.child('drop').uniform('mask', [2]), GraphError);
});
