/** The rate finder: what it tries, what it says of it, and that it leaves nothing behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { standaloneSvg } from '../compare/chart.js';
import { rateChart } from '../compare/rate-chart.js';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { adamw } from '../optim/adam.js';
import { muonGroups } from '../optim/muon.js';
import { constant } from '../optim/schedule.js';
import { sgd } from '../optim/sgd.js';
import { type RateStep, findLearningRate, ratesAround, suggest } from './find-lr.js';
import { Trainer } from './trainer.js';

const dataset = shapes({ train: 160, test: 8 });
const model = mlp({ width: 8, depth: 1 });
const options = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 16, seed: 1, threads: 1 };

describe('learning rates', () => {
  it('are tried from the same weights on the same batches, as a run at that rate would go', async () => {
    const events: RateStep[] = [];
    const finding = await findLearningRate(model, options, dataset, {
      rates: [0.001, 0.01, 1e30],
      steps: 8,
      onStep: (event) => events.push(event),
    });
    const { results, steps } = finding!;
    assert.equal(steps, 8);
    const losses = (rate: number): number[] =>
      events.filter((one) => one.rate === rate).map(({ loss }) => loss);
    assert.equal(losses(0.001)[0], losses(0.01)[0]);
    const trainer = await Trainer.create(model, {
      ...options,
      optimizer: sgd({ learningRate: constant(0.01) }),
    });
    const straight: number[] = [];
    for await (const event of trainer.run(dataset, { epochs: 1 })) {
      if (event.event === 'step') straight.push(event.loss);
      if (straight.length === 8) break;
    }
    await trainer.release();
    assert.deepEqual(losses(0.01), straight);
    // The last quarter.
    assert.equal(results[1].loss, (straight[6] + straight[7]) / 2);
    assert.equal(results[2].loss, null);
    assert.deepEqual(events.at(-1)!.total, 24);
    assert.ok(finding!.suggestion && finding!.suggestion.rate < 1);
    assert.match(finding!.suggestion.reason, /training diverges from 1e\+30 on/);
    const svg = standaloneSvg(await rateChart(finding!));
    assert.match(svg, /<svg [^>]*aria-label="Loss after 8 steps by learning rate; 0\.\d+ is suggested"/);
  });

  it('of optimizers that groups have of their own keep their ratio, and a run is no longer than an epoch', async () => {
    const groups = muonGroups(adamw({ learningRate: 0.02 }));
    const one = await findLearningRate(model, { ...options, groups }, dataset, { rates: [0.1], steps: 99 });
    assert.equal(one!.steps, 10);
    const trainer = await Trainer.create(model, {
      ...options,
      groups,
      optimizer: sgd({ learningRate: 0.1 }),
    });
    const losses: number[] = [];
    for await (const event of trainer.run(dataset, { epochs: 1 }))
      if (event.event === 'step') losses.push(event.loss);
    await trainer.release();
    const last = losses.slice(-3);
    assert.equal(one!.results[0].loss, last.reduce((a, b) => a + b) / 3);
    assert.match(one!.suggestion!.reason, /^0\.1 is the only rate that was tried\.$/);
  });

  it('are given up when the signal says so, and refused where they are none', async () => {
    const controller = new AbortController();
    const stopped = await findLearningRate(model, options, dataset, {
      signal: controller.signal,
      onStep: () => {
        controller.abort();
      },
    });
    assert.equal(stopped, undefined);
    for (const rates of [[], [0], [0.1, 0.1], [NaN]])
      await assert.rejects(
        findLearningRate(model, options, dataset, { rates }),
        /rates must be positive numbers/,
      );
    await assert.rejects(findLearningRate(model, options, dataset, { steps: 0 }), /steps must be/);
    assert.deepEqual(ratesAround(0.08), [0.00025, 0.0008, 0.0025, 0.008, 0.025, 0.08, 0.25, 0.8, 2.5]);
  });
});

describe('a suggestion', () => {
  it('has its reason, and says what these runs cannot tell', () => {
    const result = (rate: number, loss: number | null, error = 0.01) => ({
      rate,
      loss,
      error: loss === null ? null : error,
    });
    const plain = suggest([result(0.01, 2), result(0.1, 1), result(1, 1.5), result(10, null)], 40);
    assert.deepEqual(plain, {
      rate: 0.1,
      reason:
        'of 4 rates 0.1 has the lowest loss after so few steps, 1.000 over steps 31 to 40; training diverges from 10 on.',
    });
    assert.match(
      suggest([result(0.1, 1.01), result(1, 1), result(2, 3)], 40)!.reason,
      /; 0\.1 cannot be told from it/,
    );
    assert.match(
      suggest([result(0.1, 2), result(1, 1)], 40)!.reason,
      /highest that was tried: try higher ones, too\.$/,
    );
    assert.match(
      suggest([result(0.1, 1), result(1, 2)], 40)!.reason,
      /lowest that was tried: try lower ones, too\.$/,
    );
    assert.equal(suggest([result(1, null)], 40), undefined);
  });
});
