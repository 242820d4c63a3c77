import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { scaleInput } from '../data/input-scaling.js';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { sgd } from '../optim/sgd.js';
import { cosine } from '../optim/schedule.js';
import type { TrainingEvent } from '../train/events.js';
import { type CompareEvent, compare } from './compare.js';
import { type Comparison, planComparison } from './plan.js';
import type { Results } from './results.js';
import { variantsOf } from './variant.js';

const dataset = shapes({ train: 96, test: 40 });
const comparison: Comparison = {
  dataset,
  model: mlp({ width: 8, depth: 1 }),
  variants: variantsOf(['vanilla', 'tract'], [0.1]),
  seeds: [0],
  training: {
    optimizer: sgd({ learningRate: cosine(0.02), momentum: 0.9 }),
    batchSize: 16,
    threads: 1,
  },
  epochs: 2,
  evaluateEvery: 4,
};

const folders: string[] = [];
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tract-compare-'));
  folders.push(path);
  return path;
}
after(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

/** Compares, and says which runs were made and which were kept. */
async function observed(
  what: Comparison,
  out: string,
): Promise<{ states: string[]; steps: number; results: Results }> {
  const events: CompareEvent[] = [];
  const result = await compare(what, { out, onEvent: (event) => events.push(event) });
  return {
    states: events.flatMap((event) =>
      event.event === 'run' && event.state !== 'begun'
        ? [`${event.variant} ${event.seed} ${event.state}`]
        : [],
    ),
    steps: events.filter(({ event }) => event === 'progress').length,
    results: result!.results,
  };
}

describe('compare', () => {
  it('trains every method with every seed, evaluates as often as asked, and repeats nothing', async () => {
    const out = await folder();
    const first = await observed(comparison, out);
    assert.deepEqual(first.states, ['vanilla 0 finished', 'tract-0.1 0 finished']);
    assert.equal(first.steps, 24);
    const { curve } = first.results.variants[0];
    assert.deepEqual(
      curve.map(({ step }) => step),
      [0, 4, 6, 8, 12],
    );
    // The same weights before the first step.
    assert.deepEqual(first.results.variants[1].curve[0], curve[0]);
    const stored = JSON.parse(await readFile(join(out, 'results.json'), 'utf8')) as Results;
    assert.deepEqual(stored, JSON.parse(JSON.stringify(first.results)));

    const second = await observed({ ...comparison, seeds: [0, 1] }, out);
    assert.deepEqual(second.states, [
      'vanilla 0 kept',
      'tract-0.1 0 kept',
      'vanilla 1 finished',
      'tract-0.1 1 finished',
    ]);
    assert.deepEqual(second.results.variants[0].runs[0], first.results.variants[0].runs[0]);
    assert.equal(second.results.variants[1].versus!.accuracy.pairs, 2);
  });

  it('goes on after an interruption to the figures of an uninterrupted comparison', async () => {
    const [whole, parts] = [await folder(), await folder()];
    const expected = await observed(comparison, whole);
    // In the middle of an epoch, right before an evaluation is due, at an epoch's end, and in the second run.
    for (const stop of [2, 4, 6, 11, 15]) {
      const controller = new AbortController();
      const result = await compare(comparison, {
        out: parts,
        signal: controller.signal,
        onEvent(event) {
          if (event.event === 'progress' && event.steps >= stop) controller.abort();
        },
      });
      assert.equal(result, undefined);
    }
    const found = await observed(comparison, parts);
    assert.ok(found.steps < 24);
    assert.deepEqual(
      found.results.variants.map(({ curve }) => curve),
      expected.results.variants.map(({ curve }) => curve),
    );
    const { folder: name } = planComparison(comparison).runs[0];
    const metrics = (await readFile(join(parts, 'runs', name, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const steps = metrics
      .map((line) => JSON.parse(line) as TrainingEvent)
      .filter(({ event }) => event === 'step');
    assert.deepEqual(
      steps.map(({ step }) => step),
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
  });

  it('records a run that diverges, and does not repeat it', async () => {
    const out = await folder();
    const optimizer = sgd({ learningRate: cosine(1e25), momentum: 0.9 });
    const wild = { ...comparison, training: { ...comparison.training, optimizer } };
    const states: string[] = [];
    const onEvent = (event: CompareEvent): void => {
      if (event.event === 'run') states.push(`${event.variant} ${event.state}`);
    };
    await assert.rejects(compare(wild, { out, onEvent }), /all runs diverged/);
    await assert.rejects(compare(wild, { out, onEvent }), /all runs diverged/);
    assert.deepEqual(states, [
      'vanilla begun',
      'vanilla diverged',
      'tract-0.1 begun',
      'tract-0.1 diverged',
      'vanilla diverged',
      'tract-0.1 diverged',
    ]);
  });
});

describe('planComparison', () => {
  const ids = (what: Comparison): string[] => planComparison(what).runs.map(({ id }) => id);

  it('goes seed by seed', () => {
    const { runs, steps } = planComparison({ ...comparison, seeds: [3, 5] });
    assert.deepEqual(
      runs.map(({ variant, seed }) => `${variant.id} ${seed}`),
      ['vanilla 3', 'tract-0.1 3', 'vanilla 5', 'tract-0.1 5'],
    );
    assert.equal(steps, 12);
  });

  it('gives another identity to whatever changes the figures', () => {
    const base = ids(comparison);
    assert.deepEqual(ids({ ...comparison, training: { ...comparison.training, threads: 2 } }), base);
    const changed: Comparison[] = [
      { ...comparison, epochs: 3 },
      { ...comparison, evaluateEvery: 3 },
      { ...comparison, augmentation: null },
      { ...comparison, dataset: scaleInput(dataset, 'unit') },
      { ...comparison, dataset: shapes({ train: 96, test: 40, seed: 1 }) },
      { ...comparison, model: mlp({ width: 9, depth: 1 }) },
      { ...comparison, training: { ...comparison.training, batchSize: 8 } },
      { ...comparison, training: { ...comparison.training, optimizer: sgd({ learningRate: cosine(0.02) }) } },
      {
        ...comparison,
        training: {
          ...comparison.training,
          optimizer: sgd({ learningRate: cosine(0.03), momentum: 0.9 }),
        },
      },
    ];
    for (const other of changed) assert.notEqual(ids(other)[0], base[0]);
    // λ is no part of a vanilla run.
    const lambda = ids({ ...comparison, variants: variantsOf(['vanilla', 'tract'], [{ relative: 0.1 }]) });
    assert.equal(lambda[0], base[0]);
    assert.notEqual(lambda[1], base[1]);
  });

  it('refuses what cannot be compared', () => {
    assert.throws(() => planComparison({ ...comparison, seeds: [1, 1] }), RangeError);
    assert.throws(() => variantsOf(['tract'], [0.1, 0.1]), /asked for twice/);
    assert.throws(
      () => planComparison({ ...comparison, variants: variantsOf(['whitening'], []) }),
      /whitening takes the place of a convolution, which the first layer of mlp is not/,
    );
  });
});
