/** Optimizers that look at a whole tensor, against their published rules in float64. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Graph } from '../graph/graph.js';
import { type Shape, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { runGraph } from '../testing/run.js';
import { type Run, tenSteps } from '../testing/ten-steps.js';
import { adamw } from './adam.js';
import { lamb } from './lamb.js';
import { lion } from './lion.js';
import { lookahead } from './lookahead.js';
import { muon, orthogonalized } from './muon.js';
import type { Optimizer } from './optimizer.js';
import { createOptimizer } from './registry.js';
import { sgd } from './sgd.js';

/** Numbers that repeat in any language, without a pattern that a sum would cancel. */
const numbers = (count: number, phase: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(Math.sin(1.7 * i + phase) + 0.3 * Math.cos(i * phase)));
const run = (shape: Shape): Run => {
  const count = shape.reduce((product, length) => product * length, 1);
  return {
    shape,
    start: numbers(count, 0.4),
    rate: (step) => Math.fround(0.05 / step),
    gradient: (step) => numbers(count, 1 + step),
  };
};

type Vector = readonly number[];
/** From the parameter and gradient of a step to the next parameter; it keeps its own state. */
type Rule = (p: Vector, g: Vector, rate: number, step: number) => number[];

function tenStepsByRule(rule: Rule, { start, rate, gradient }: Run): number[] {
  let p = [...start];
  for (let step = 1; step <= 10; step++) p = rule(p, gradient(step), rate(step), step);
  return p;
}

const zip = (a: Vector, b: Vector, f: (a: number, b: number) => number): number[] =>
  a.map((value, i) => f(value, b[i]));
const norm = (v: Vector): number => Math.hypot(...v);

/** Chen et al., 2023, program 1. */
function lionRule(weightDecay: number): Rule {
  let m: number[] | undefined;
  return (p, g, rate) => {
    m ??= p.map(() => 0);
    const update = zip(m, g, (a, b) => Math.sign(0.9 * a + 0.1 * b));
    m = zip(m, g, (a, b) => 0.99 * a + 0.01 * b);
    return zip(p, update, (a, u) => a - rate * (u + weightDecay * a));
  };
}

/** You et al., 2020, algorithm 2. */
function lambRule(weightDecay: number): Rule {
  let m: number[] | undefined;
  let v: number[] | undefined;
  return (p, g, rate, step) => {
    m = zip(m ?? p.map(() => 0), g, (a, b) => 0.9 * a + 0.1 * b);
    v = zip(v ?? p.map(() => 0), g, (a, b) => 0.999 * a + 0.001 * b * b);
    const r = zip(m, v, (a, b) => a / (1 - 0.9 ** step) / (Math.sqrt(b / (1 - 0.999 ** step)) + 1e-6));
    const u = zip(r, p, (a, b) => a + weightDecay * b);
    const trust = norm(p) > 0 && norm(u) > 0 ? norm(p) / norm(u) : 1;
    return zip(p, u, (a, b) => a - rate * trust * b);
  };
}

const matMul = (a: number[][], b: number[][]): number[][] =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
const transpose = (a: number[][]): number[][] => a[0].map((_, j) => a.map((row) => row[j]));

/** Keller Jordan's zeropower_via_newtonschulz5, in float64 where his is in bfloat16. */
function zeroPower(g: number[][], steps: number): number[][] {
  const [a, b, c] = [3.4445, -4.775, 2.0315];
  const tall = g.length > g[0].length;
  const length = norm(g.flat()) + 1e-7;
  let x = (tall ? transpose(g) : g).map((row) => row.map((value) => value / length));
  for (let i = 0; i < steps; i++) {
    const gram = matMul(x, transpose(x));
    const square = matMul(gram, gram);
    const polynomial = gram.map((row, j) => row.map((value, k) => b * value + c * square[j][k]));
    const product = matMul(polynomial, x);
    x = x.map((row, j) => row.map((value, k) => a * value + product[j][k]));
  }
  return tall ? transpose(x) : x;
}

/** Keller Jordan's Muon: his momentum is a running mean. */
function muonRule(rows: number, { momentum = 0.95, steps = 5, weightDecay = 0, normalize = false }): Rule {
  let buffer: number[] | undefined;
  return (p, g, rate) => {
    buffer = zip(buffer ?? p.map(() => 0), g, (a, b) => momentum * a + (1 - momentum) * b);
    const update = zip(g, buffer, (a, b) => (1 - momentum) * a + momentum * b);
    const columns = p.length / rows;
    const matrix = Array.from({ length: rows }, (_, i) => update.slice(i * columns, (i + 1) * columns));
    const u = zeroPower(matrix, steps).flat();
    const scale = Math.sqrt(Math.max(1, rows / columns));
    const factor = normalize ? Math.sqrt(rows) / norm(p) : 1;
    return zip(p, u, (a, b) => a * factor * (1 - rate * weightDecay) - rate * scale * b);
  };
}

/** Zhang et al., 2019, algorithm 1. */
function lookaheadRule(inner: Rule, every: number, alpha: number): Rule {
  let slow: Vector | undefined;
  return (p, g, rate, step) => {
    slow ??= p;
    const fast = inner(p, g, rate, step);
    if (step % every !== 0) return fast;
    slow = zip(slow, fast, (a, b) => a + alpha * (b - a));
    return [...slow];
  };
}

const sgdRule = (): Rule => (p, g, rate) => zip(p, g, (a, b) => a - rate * b);

const cases: readonly { name: string; optimizer: Optimizer; shape: Shape; rule: () => Rule }[] = [
  { name: 'Lion', optimizer: lion(), shape: [7], rule: () => lionRule(0) },
  {
    name: 'Lion with weight decay',
    optimizer: lion({ weightDecay: 0.3 }),
    shape: [2, 3],
    rule: () => lionRule(0.3),
  },
  { name: 'LAMB', optimizer: lamb(), shape: [3, 4], rule: () => lambRule(0.01) },
  {
    name: 'LAMB without weight decay',
    optimizer: lamb({ weightDecay: 0 }),
    shape: [5],
    rule: () => lambRule(0),
  },
  { name: 'Muon of a wide matrix', optimizer: muon(), shape: [3, 5], rule: () => muonRule(3, {}) },
  { name: 'Muon of a tall matrix', optimizer: muon(), shape: [6, 2], rule: () => muonRule(6, {}) },
  {
    name: 'Muon of filters, with weight decay',
    optimizer: muon({ momentum: 0.9, weightDecay: 0.1 }),
    shape: [4, 2, 2, 2],
    rule: () => muonRule(4, { momentum: 0.9, weightDecay: 0.1 }),
  },
  {
    name: "airbench's Muon",
    optimizer: muon({ momentum: 0.6, iterations: 3, normalizeWeights: true }),
    shape: [4, 2, 3, 3],
    rule: () => muonRule(4, { momentum: 0.6, steps: 3, normalize: true }),
  },
  {
    name: 'Lookahead around SGD',
    optimizer: lookahead(sgd({ learningRate: 0.1 }), { every: 3, alpha: 0.4 }),
    shape: [7],
    rule: () => lookaheadRule(sgdRule(), 3, 0.4),
  },
  {
    name: 'Lookahead around LAMB',
    optimizer: lookahead(lamb()),
    shape: [3, 3],
    rule: () => lookaheadRule(lambRule(0.01), 5, 0.5),
  },
];

describe('ten steps', () => {
  for (const { name, optimizer, shape, rule } of cases) {
    it(`of ${name} are those of the published rule`, async () => {
      const wanted = tenStepsByRule(rule(), run(shape));
      const found = await tenSteps(optimizer, run(shape));
      wanted.forEach((value, i) => {
        assert.ok(Math.abs(found[i] - value) <= 1e-6, `element ${i} is ${found[i]}, not ${value}`);
      });
      // The steps are no rounding error by themselves.
      assert.ok(Math.max(...zip(found, run(shape).start, (a, b) => Math.abs(a - b))) > 0.01);
    });
  }
});

describe('Muon', () => {
  it('makes singular values equal, and leaves the directions as they are', async () => {
    // Rows of different lengths at right angles: the singular values are 100, 10, 1.
    const graph = new Graph();
    graph.output('result', orthogonalized(graph.input('matrix', 'float32', [3, 4]), 5));
    const matrix = [0, 100, 0, 0, 0, 0, 0, -10, 1, 0, 0, 0];
    const { result } = await runGraph(graph, { matrix: tensor('float32', [3, 4], matrix) });
    const found = toNumbers(result);
    matrix.forEach((value, i) => {
      if (value === 0) assert.ok(Math.abs(found[i]) < 1e-6);
      else assert.ok(found[i] * Math.sign(value) > 0.65 && found[i] * Math.sign(value) < 1.25, `${found[i]}`);
    });
  });

  it('leaves a matrix without a gradient where it is', async () => {
    const still: Run = { shape: [2, 2], start: [1, 2, 3, 4], rate: () => 0.1, gradient: () => [0, 0, 0, 0] };
    assert.deepEqual(await tenSteps(muon(), still), [1, 2, 3, 4]);
    assert.deepEqual(await tenSteps(lamb({ weightDecay: 0 }), still), [1, 2, 3, 4]);
  });

  it('refuses a parameter that is no matrix, and says what helps', async () => {
    await assert.rejects(
      tenSteps(muon(), run([3])),
      /muon is for matrices and filters, and this parameter has the shape \[3\]; .* \(muonGroups\)/,
    );
  });
});

describe('options', () => {
  it('are complete in the configuration, by which an optimizer is made again', async () => {
    for (const { optimizer, shape, name } of cases.filter((_, i) => i % 2 === 1)) {
      const again = createOptimizer(optimizer.name, 0.1, optimizer.config);
      assert.deepEqual(again.config, optimizer.config, name);
      assert.deepEqual(again.slots, optimizer.slots, name);
      assert.deepEqual(await tenSteps(again, run(shape)), await tenSteps(optimizer, run(shape)), name);
    }
    const wrapped = lookahead(adamw());
    assert.equal(wrapped.name, 'lookahead+adamw');
    assert.deepEqual(wrapped.config, {
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
      lookaheadEvery: 5,
      lookaheadAlpha: 0.5,
    });
  });

  it('out of range are refused', () => {
    for (const [make, message] of [
      [() => lion({ betas: [1, 0.9] }), /lion: beta 1 must be at least 0 and below 1, not 1/],
      [() => lion({ weightDecay: -1 }), /lion: weight decay/],
      [() => lamb({ betas: [0.9, NaN] }), /lamb: beta 2/],
      [() => lamb({ epsilon: 0 }), /lamb: epsilon/],
      [() => muon({ momentum: 1 }), /muon: momentum/],
      [() => muon({ momentum: 0 }), /muon: Nesterov needs a momentum above 0/],
      [() => muon({ iterations: 0 }), /muon: iterations must be a whole number from 1 to 20, not 0/],
      [() => muon({ iterations: 2.5 }), /muon: iterations/],
      [() => lookahead(lamb(), { every: 0 }), /lookahead: every/],
      [() => lookahead(lamb(), { alpha: 1.5 }), /lookahead: alpha/],
      [
        () => createOptimizer('lookahead+lookahead+sgd', 0.1),
        /there is no optimizer "lookahead\+lookahead\+sgd"/,
      ],
      [
        () => createOptimizer('lookahead+sgd', 0.1, { lookaheadEvery: true }),
        /lookaheadEvery must be a number/,
      ],
      [() => createOptimizer('lookahead+sgd', 0.1, { every: 3 }), /sgd has no option "every"/],
      [() => createOptimizer('muon', 0.1, { nesterov: 1 }), /muon: nesterov must be a boolean/],
    ] as const)
      assert.throws(make, message);
  });
});

describe('distances', () => {
  it('of the rules here are those of numbers worked out by hand', () => {
    // SGD from 1 with gradients of 1 and a rate of 0.1, looking back half way after every second step.
    const rule = lookaheadRule(sgdRule(), 2, 0.5);
    const path = [1, 2, 3, 4].reduce<number[]>(
      (p, step) => [...p, rule([p[p.length - 1]], [1], 0.1, step)[0]],
      [1],
    );
    assertWithin(path, [1, 0.9, 0.9, 0.8, 0.8], 1e-12, 'the path');
    assertWithin(zeroPower([[2, 0]], 1).flat(), [3.4445 - 4.775 + 2.0315, 0], 1e-6, 'one iteration');
  });
});
