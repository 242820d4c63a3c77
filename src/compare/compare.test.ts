import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { scaleInput } from '../data/input-scaling.js';
import { shapes } from '../data/shapes.js';
import { mlp } from '../models/mlp.js';
import { sgd } from '../optim/sgd.js';
import { cosine } from '../optim/schedule.js';
import type { TrainingEvent } from '../train/events.js';
import { DataError } from '../data/data-error.js';
import { filtersSvg } from './filters.js';
import { type CompareEvent, compare } from './compare.js';
import { type Comparison, planComparison } from './plan.js';
import type { Results } from './results.js';
import { type Variant, variantsOf } from './variant.js';

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
    const { folder: name } = (await planComparison(comparison)).runs[0];
    const metrics = (await readFile(join(parts, 'runs', name, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const steps = metrics
      .map((line) => JSON.parse(line) as TrainingEvent)
      .filter(({ event }) => event === 'step');
    assert.deepEqual(
      steps.map(({ step }) => step),
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
  });

  it('makes a run of one method a report without a comparison', async () => {
    const out = await folder();
    for (const method of ['vanilla', 'tract'] as const) {
      const alone = { ...comparison, variants: variantsOf([method], [0.1]), maxSteps: 2 };
      const result = await compare(alone, { out });
      assert.equal(result!.results.variants.length, 1);
      assert.ok(result!.results.sentences.length > 0);
      assert.match(await readFile(result!.report, 'utf8'), /<h2>The figures<\/h2>/);
    }
  });

  it('times the methods once', async () => {
    const out = await folder();
    const timings = async (what: Comparison): Promise<number> => {
      let count = 0;
      await compare(what, { out, onEvent: ({ event }) => void (count += event === 'timing' ? 1 : 0) });
      return count;
    };
    const short = { ...comparison, maxSteps: 2 };
    assert.equal(await timings({ ...short, variants: variantsOf(['vanilla'], []) }), 0);
    assert.equal(await timings(short), 1);
    assert.equal(await timings(short), 0);
  });

  it('repeats a run whose record is lost, and rebuilds one whose curve is in its metrics', async () => {
    const out = await folder();
    const expected = await observed(comparison, out);
    const [first, second] = (await planComparison(comparison)).runs.map(({ folder: name }) =>
      join(out, 'runs', name),
    );
    const found = async (): Promise<Results> => {
      const { results } = await observed(comparison, out);
      assert.deepEqual(
        results.variants.map(({ curve }) => curve),
        expected.results.variants.map(({ curve }) => curve),
      );
      return results;
    };
    const recordOf = (path: string): string => join(path, 'result.json');

    // A finished run that was cut short in its record alone.
    const { curve, ...rest } = JSON.parse(await readFile(recordOf(first), 'utf8')) as { curve: unknown[] };
    await writeFile(recordOf(first), JSON.stringify({ ...rest, curve: curve.slice(0, 3) }));
    await found();

    // A finished run that has lost everything but its checkpoint.
    for (const file of [recordOf(first), join(first, 'metrics.jsonl')]) await rm(file);
    const { states } = await observed(comparison, out);
    assert.deepEqual(states, ['vanilla 0 repeated', 'vanilla 0 finished', 'tract-0.1 0 kept']);
    await found();

    // One that is interrupted, and then loses a part of its metrics.
    const stopped = await folder();
    const controller = new AbortController();
    await compare(comparison, {
      out: stopped,
      signal: controller.signal,
      onEvent(event) {
        if (event.event === 'progress' && event.steps >= 9) controller.abort();
      },
    });
    await truncate(
      join(stopped, 'runs', (await planComparison(comparison)).runs[0].folder, 'metrics.jsonl'),
      400,
    );
    const events: CompareEvent[] = [];
    const again = await compare(comparison, { out: stopped, onEvent: (event) => events.push(event) });
    const repeated = events.find((event) => event.event === 'run' && event.state === 'repeated');
    assert.match(
      (repeated as { reason: string }).reason,
      /^\d of its 4 evaluations so far are missing from metrics\.jsonl$/,
    );
    assert.deepEqual(
      again!.results.variants.map((variant) => variant.curve),
      expected.results.variants.map((variant) => variant.curve),
    );
    assert.ok((await readdir(second)).includes('result.json'));
  });

  it('writes ids into names of files and labels into files as they are, and as nothing else', async () => {
    const out = await folder();
    const label = `<script>alert("1")</script> & 'co'`;
    const strange: Variant = { ...comparison.variants[1], id: 'a.b+c_d-e', label };
    const { results } = await observed({ ...comparison, variants: [comparison.variants[0], strange] }, out);
    assert.equal(results.variants[1].label, label);
    const plots = await readdir(join(out, 'plots'));
    assert.ok(plots.includes('accuracy.svg') && (await readdir(join(out, 'runs'))).length === 2);
    for (const file of [...plots.map((name) => join(out, 'plots', name)), join(out, 'report.html')]) {
      const text = await readFile(file, 'utf8');
      assert.doesNotMatch(text, /<script/i, file);
      // Attributes are what the label could break out of.
      for (const [, attribute] of text.matchAll(/(?:aria-label|alt)="([^"]*)"/g)) {
        assert.doesNotMatch(attribute, /</, file);
      }
    }
    const picture = {
      width: 1,
      height: 1,
      count: 1,
      kernel: [1, 1],
      png: new Uint8Array(),
      uri: 'data:,',
    } as const;
    assert.doesNotMatch(filtersSvg(picture, label), /<script/);
    assert.match(await readFile(join(out, 'report.html'), 'utf8'), /&lt;script&gt;alert\(&quot;1&quot;\)/);
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
  const ids = async (what: Comparison): Promise<string[]> =>
    (await planComparison(what)).runs.map(({ id }) => id);

  it('goes seed by seed', async () => {
    const { runs, steps } = await planComparison({ ...comparison, seeds: [3, 5] });
    assert.deepEqual(
      runs.map(({ variant, seed }) => `${variant.id} ${seed}`),
      ['vanilla 3', 'tract-0.1 3', 'vanilla 5', 'tract-0.1 5'],
    );
    assert.equal(steps, 12);
  });

  it('gives another identity to whatever changes the figures', async () => {
    const base = await ids(comparison);
    assert.deepEqual(await ids({ ...comparison, training: { ...comparison.training, threads: 2 } }), base);
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
    for (const other of changed) assert.notEqual((await ids(other))[0], base[0]);
    // λ is no part of a vanilla run.
    const lambda = await ids({
      ...comparison,
      variants: variantsOf(['vanilla', 'tract'], [{ relative: 0.1 }]),
    });
    assert.equal(lambda[0], base[0]);
    assert.notEqual(lambda[1], base[1]);
  });

  it('knows after which steps runs are evaluated', async () => {
    const { evaluations } = await planComparison({ ...comparison, evaluateEvery: 4 });
    assert.deepEqual(evaluations, [0, 4, 6, 8, 12]);
    assert.deepEqual(
      (await planComparison({ ...comparison, evaluateEvery: 5, maxSteps: 8 })).evaluations,
      [0, 5, 6, 8],
    );
  });

  it('refuses ids and labels that are none', async () => {
    const named = (changes: object): (() => Promise<unknown>) => {
      const variants = [comparison.variants[0], { ...comparison.variants[1], ...changes }];
      return () => planComparison({ ...comparison, variants });
    };
    for (const id of [
      '../../etc/x',
      'a/b',
      'a\\b',
      '..',
      '.hidden',
      '',
      'a b',
      'a\0b',
      'ä',
      'x'.repeat(65),
      7,
    ]) {
      await assert.rejects(
        named({ id })(),
        /OptionError: a method's id becomes the name of files/,
        String(id),
      );
    }
    for (const label of [
      '',
      ' ',
      'a\nb',
      '\u001b[31mred',
      'a\u202eb',
      '\ud800',
      'x'.repeat(81),
      { signal: '1' },
    ]) {
      await assert.rejects(
        named({ label })(),
        /OptionError: a method's label is up to 80 printable/,
        JSON.stringify(label),
      );
    }
    await assert.rejects(named({ id: 'VANILLA' })(), /two methods have the id "VANILLA"/);
    await assert.rejects(named({ label: 'vanilla' })(), /two methods have the label "vanilla"/);
  });

  it('refuses what cannot work', async () => {
    const refused: [Partial<Comparison>, RegExp][] = [
      [{ variants: [] }, /nothing to compare/],
      [{ seeds: [] }, /nothing to compare/],
      [{ seeds: [0.5] }, /a seed must be a whole number, not 0\.5/],
      [{ epochs: NaN }, /epochs must be a positive whole number, not NaN/],
      [{ epochs: 1.5 }, /epochs must be/],
      [{ maxSteps: 0 }, /maxSteps must be/],
      [{ evaluateEvery: -1 }, /evaluateEvery must be/],
    ];
    for (const [changes, message] of refused) {
      await assert.rejects(planComparison({ ...comparison, ...changes }), message);
    }
    const model = mlp({ width: 8, depth: 1, classes: 3 });
    await assert.rejects(planComparison({ ...comparison, model }), DataError);
    const test = { images: new Uint8Array(), labels: new Uint8Array() };
    const withSplits = (splits: Partial<typeof dataset>) =>
      planComparison({ ...comparison, dataset: { ...dataset, ...splits } });
    await assert.rejects(withSplits({ test }), /has no test images/);
    // Where there are validation images a run is followed on those.
    assert.ok(await withSplits({ validation: dataset.test, test }));
    await assert.rejects(
      withSplits({ validation: test }),
      (error) => error instanceof DataError && /has no validation images/.test(error.message),
    );
  });

  it('refuses what cannot be compared', async () => {
    await assert.rejects(planComparison({ ...comparison, seeds: [1, 1] }), RangeError);
    assert.throws(() => variantsOf(['tract'], [0.1, 0.1]), /asked for twice/);
    await assert.rejects(
      planComparison({ ...comparison, variants: variantsOf(['whitening'], []) }),
      /whitening takes the place of a convolution, which the first layer of mlp is not/,
    );
  });
});
