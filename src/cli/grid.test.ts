/** Comparisons over a grid that stop when they know enough, and tables of several, by the real command. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Results } from '../compare/results.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';

const folder = temporaryFolder();
const tiny = [
  ...['compare', '--model', 'mlp', '--width', '8', '--limit-train', '96', '--limit-test', '40'],
  ...['--batch-size', '32', '--epochs', '1', '--threads', '1', '--json'],
];
const grid = ['--grid', 'lr=0.01,0.05', '--grid', 'nesterov=on', '--seeds', '0,1,2,3,4', '--stop-when', '90'];
const out = join(folder, 'grid');

const states = (stdout: string, state: string): string[] =>
  jsonLines(stdout)
    .filter((line) => line.event === 'run' && line.state === state)
    .map(({ variant, seed }) => `${String(variant)} ${String(seed)}`);

test('a grid makes each method at each point, and stops when the seeds tell', async () => {
  const { code, stdout, stderr } = await tract([...tiny, ...grid, '--out', out]);
  assert.equal(code, 0, stderr);
  const ids = ['vanilla-lr-0.01', 'vanilla-lr-0.05', 'tract-0.1-lr-0.01', 'tract-0.1-lr-0.05'].map(
    (id) => `${id}-nesterov-on`,
  );
  // Within 90 points everything is alike, as soon as there are three seeds.
  const wanted = [0, 1, 2].flatMap((seed) => ids.map((id) => `${id} ${seed}`));
  assert.deepEqual(states(stdout, 'finished'), wanted);
  const decided = jsonLines(stdout).filter(({ event }) => event === 'decided');
  assert.deepEqual(
    decided.map(({ variant, verdict, seeds }) => [variant, verdict, seeds]),
    ids.slice(1).map((id) => [id, 'alike', 3]),
  );
  const results = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Results;
  assert.deepEqual(
    results.variants.map(({ label }) => label),
    ['vanilla, lr 0.01', 'vanilla, lr 0.05', 'TrAct, lr 0.01', 'TrAct, lr 0.05'],
  );
  assert.equal(results.setup.grid, true);
  assert.equal(results.decisions!.length, 3);
  assert.match(results.sentences.at(-1)!, /as good as alike: .* decided by 3 of up to 5 seeds\.$/);
  const configOf = (id: string) => results.variants.find((one) => one.id === id)!.runs.map((run) => run.id);
  assert.notDeepEqual(configOf(ids[0]), configOf(ids[1]));

  // The same command repeats nothing, and comes to the same.
  const again = await tract([...tiny, ...grid, '--out', out]);
  assert.deepEqual(states(again.stdout, 'kept'), wanted);
  assert.deepEqual(states(again.stdout, 'finished'), []);
  const repeated = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Results;
  assert.deepEqual(repeated.decisions, results.decisions);
});

test('what is of TrAct alone is varied for TrAct alone', async () => {
  const own = [
    '--model',
    'resnet18',
    '--width',
    '2',
    '--limit-train',
    '8',
    '--limit-test',
    '8',
    '--batch-size',
    '4',
  ];
  const { code, stdout, stderr } = await tract([
    ...[...tiny, ...own, '--grid', 'gram-momentum=0,0.9', '--seeds', '0', '--max-steps', '2'],
    ...['--out', join(folder, 'momentum')],
  ]);
  assert.equal(code, 0, stderr);
  const ids = ['vanilla', 'tract-0.1-gram-momentum-0', 'tract-0.1-gram-momentum-0.9'];
  assert.deepEqual(
    states(stdout, 'finished'),
    ids.map((id) => `${id} 0`),
  );
});

test('a grid of what cannot be varied is refused', async () => {
  for (const [value, message] of [
    ['lr', /--grid .* It must be like lr=0\.02,0\.04/],
    ['epochs=1,2', /--grid cannot vary --epochs: .* by tract table/],
    ['rate=1', /there is no flag --rate/],
    ['lr=0', /--grid lr=0: It must be a number above 0/],
    [
      'nesterov=yes',
      /--grid nesterov=…: the values are on and off, not yes|the values are on and off, not yes/,
    ],
  ] as const) {
    const { code, stderr } = await tract([...tiny, '--grid', value, '--out', join(folder, 'refused')]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});

test('a table lays finished comparisons beside each other', async () => {
  const text = await tract(['table', out, out]);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /comparison .*method .*seeds .*test accuracy/);
  assert.equal(text.stdout.match(/TrAct, lr 0\.05/g)!.length, 2);
  const markdown = await tract(['table', out, '--markdown']);
  assert.match(markdown.stdout, /^\| comparison \| .* \|\n\| --- \|/);
  assert.match(markdown.stdout, /\| TrAct, lr 0\.01 \| 3 \|/);
  const json = jsonLines((await tract(['table', out, '--json'])).stdout);
  assert.equal(json.length, 4);
  assert.equal(json[0].method, 'vanilla, lr 0.01');
  rmSync(join(out, 'results.json'));
  const missing = await tract(['table', out]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /holds no finished comparison/);
});
