import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { grad } from '../autodiff/grad.js';
import { Graph, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { evaluate } from '../testing/run.js';
import { correct, crossEntropy, labelWeights } from './loss.js';

async function losses(
  logits: readonly (readonly number[])[],
  labels: readonly number[],
  smoothing?: number,
): Promise<number[]> {
  const inputs = [
    tensor('float32', [logits.length, logits[0].length], logits.flat()),
    tensor('int32', [labels.length], labels),
  ];
  return toNumbers(await evaluate(inputs, (x, y) => crossEntropy(x, y, smoothing)));
}

const logits = [
  [2, -1, 0.5],
  [0, 3, -2],
  [40, -40, 0],
  [0.1, 0.1, 0.1],
];
const labels = [0, 2, 1, 1];

describe('cross entropy', () => {
  // PyTorch 1.13, float64: torch.nn.functional.cross_entropy(logits, labels, reduction='none', label_smoothing=…)
  for (const [smoothing, golden] of [
    [0, [0.24131129665715703, 5.054985235377147, 80, 1.0986122886681098]],
    [0.1, [0.391311296657157, 4.821651902043814, 76, 1.0986122886681098]],
    [0.5, [0.9913112966571571, 3.8883185687104804, 60, 1.0986122886681096]],
  ] as const) {
    it(`with label smoothing ${smoothing} is PyTorch's`, async () => {
      assertWithin(await losses(logits, labels, smoothing), golden, 1e-6, 'losses');
    });
  }

  it('of class probabilities is the mean of the losses of the classes, weighted by them', async () => {
    const shares = [
      [0.2, 0.3, 0.5],
      [1, 0, 0],
      [0.25, 0.25, 0.5],
      [0, 0.9, 0.1],
    ];
    for (const smoothing of [0, 0.1]) {
      const inputs = [tensor('float32', [4, 3], logits.flat()), tensor('float32', [4, 3], shares.flat())];
      const found = toNumbers(await evaluate(inputs, (x, y) => crossEntropy(x, y, smoothing)));
      const byClass = await Promise.all(
        [0, 1, 2].map((label) => losses(logits, Array(4).fill(label), smoothing)),
      );
      const wanted = shares.map((row, i) =>
        row.reduce((sum, share, label) => sum + share * byClass[label][i], 0),
      );
      assertWithin(found, wanted, 1e-6, 'losses');
    }
  });

  // torch.nn.functional.cross_entropy(logits, target, weight=weights, label_smoothing=…) in float64, PyTorch 2.15
  for (const [target, smoothing, losses, mean, gradient] of [
    [
      'labels',
      0,
      [0.12065564832857852, 6.318731544221434, 160.0, 2.1972245773362196],
      29.328106394762823,
      [
        ...[-0.018643736122671662, 0.003401093327885865, 0.015242642794785799, 0.01024422098362264],
        ...[0.20576067881584645, -0.21600489979946905, 0.34782608695652173, -0.34782608695652173],
        ...[0, 0.11594202898550723, -0.2318840579710145, 0.11594202898550723],
      ],
    ],
    [
      'labels',
      0.1,
      [0.40125399557786523, 5.9520648775547675, 151.0, 2.1148286556861113],
      27.73359087457717,
      [
        ...[-0.0025997168309274885, -0.00768294557148198, 0.010282662402409467, 0.0073456702589849605],
        ...[0.19416647591729574, -0.20151214617628066, 0.3318840579710145, -0.3246376811594203],
        ...[-0.007246376811594201, 0.10869565217391304, -0.2130434782608696, 0.10434782608695652],
      ],
    ],
    [
      'shares',
      0.1,
      [3.0441776333458046, 1.6399498436751931, 65.5, 2.040672326201014],
      18.056199950805503,
      [
        ...[0.23208935660117605, -0.138783962845634, -0.09330539375554207, -0.1098926755412462],
        ...[0.11939258220031179, -0.009499906659065586, 0.28020833333333334, -0.12916666666666668],
        ...[-0.15104166666666666, 0.15062499999999998, -0.26687500000000003, 0.11624999999999998],
      ],
    ],
  ] as const) {
    it(`with class weights, of ${target} with smoothing ${smoothing}, is PyTorch's, and so are its mean and gradient`, async () => {
      const weights = [0.5, 2, 1.25];
      const shares = [0.2, 0.3, 0.5, 1, 0, 0, 0.25, 0.25, 0.5, 0, 0.9, 0.1];
      const inputs = [
        tensor('float32', [4, 3], logits.flat()),
        target === 'labels' ? tensor('int32', [4], labels) : tensor('float32', [4, 3], shares),
      ];
      const each = (x: Value, y: Value): Value => crossEntropy(x, y, smoothing, weights);
      const whole = (x: Value, y: Value): Value =>
        target === 'labels'
          ? op.div(op.reduceSum(each(x, y), [0]), op.reduceSum(labelWeights(y, weights), [0]))
          : op.reduceMean(each(x, y), [0]);
      assertWithin(toNumbers(await evaluate(inputs, each)), losses, 1e-6, 'losses');
      assertWithin(toNumbers(await evaluate(inputs, whole)), [mean], 1e-6, 'mean');
      const found = await evaluate(inputs, (x, y) => grad(whole(x, y), [x])[0]);
      assertWithin(toNumbers(found), gradient, 1e-6, 'gradient');
    });
  }

  it('is the formula', async () => {
    const cases = fc
      .record({ rows: fc.integer({ min: 1, max: 5 }), classes: fc.integer({ min: 2, max: 6 }) })
      .chain(({ rows, classes }) =>
        fc.record({
          rows: fc.array(
            fc.array(fc.double({ min: -20, max: 20, noNaN: true }).map(Math.fround), {
              minLength: classes,
              maxLength: classes,
            }),
            { minLength: rows, maxLength: rows },
          ),
          answers: fc.array(fc.nat({ max: classes - 1 }), { minLength: rows, maxLength: rows }),
          smoothing: fc.constantFrom(0, 0.1, 0.9),
        }),
      );
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, answers, smoothing }) => {
        const expected = rows.map((row, i) => {
          const greatest = Math.max(...row);
          const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value - greatest), 0)) + greatest;
          const uniform = row.reduce((sum, value) => sum + (total - value), 0) / row.length;
          return (1 - smoothing) * (total - row[answers[i]]) + smoothing * uniform;
        });
        (await losses(rows, answers, smoothing)).forEach((loss, i) => {
          assert.ok(Math.abs(loss - expected[i]) <= 2e-5, `loss ${i} is ${loss}, not ${expected[i]}`);
        });
      }),
      { numRuns: 30 },
    );
  });

  it('has the gradient softmax − target', async () => {
    const inputs = [tensor('float32', [4, 3], logits.flat()), tensor('int32', [4], labels)];
    const gradient = await evaluate(
      inputs,
      (x, y) => grad(op.reduceSum(crossEntropy(x, y, 0.1), [0]), [x])[0],
    );
    const expected = logits.flatMap((row, i) => {
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      return row.map((value, k) => Math.exp(value) / total - (k === labels[i] ? 0.9 : 0) - 0.1 / 3);
    });
    assertWithin(toNumbers(gradient), expected, 1e-6, 'gradient');
  });

  it('refuses what is no logits and labels, and smoothing out of range', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [4, 3]);
    const y = graph.input('y', 'int32', [4]);
    for (const smoothing of [-0.1, 1, NaN])
      assert.throws(
        () => crossEntropy(x, y, smoothing),
        /label smoothing must be at least 0 and below 1, not/,
      );
    assert.throws(() => crossEntropy(x, graph.input('five', 'int32', [5])), /are no logits and labels/);
    assert.throws(() => crossEntropy(x, graph.input('float', 'float32', [4])), /are no logits and labels/);
  });
});

describe('correct', () => {
  it('compares the greatest logit with the label', async () => {
    const inputs = [tensor('float32', [4, 3], logits.flat()), tensor('int32', [4], labels)];
    // A tie goes to the first class.
    assert.deepEqual(toNumbers(await evaluate(inputs, correct)), [1, 0, 0, 0]);
  });
});
