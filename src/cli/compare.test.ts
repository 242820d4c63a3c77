/** Comparisons and drawings of runs, by the real command. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Results } from '../compare/results.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';
import { outcomeHere } from '../testing/refused.js';

const folder = temporaryFolder();
const straight = join(folder, 'straight');
const tiny = [
  ...['--width', '4', '--limit-train', '96', '--limit-test', '40', '--batch-size', '32', '--threads', '1'],
];
const parameters = ['compare', ...tiny, '--epochs', '2', '--seeds', '0,1', '--eval-every', '2'];
const matrix = ['vanilla 0', 'tract-0.1 0', 'vanilla 1', 'tract-0.1 1'];
let events: Record<string, unknown>[];

const resultsOf = (lines: readonly Record<string, unknown>[]): Results => lines.at(-1)!.results as Results;
const curvesOf = ({ variants }: Results): unknown => variants.map(({ id, runs }) => ({ id, runs }));

/** The runs that are over, and how each came to its end. */
const ended = (lines: readonly Record<string, unknown>[]): string[] =>
  lines
    .filter(({ event, state }) => event === 'run' && state !== 'begun')
    .map(({ variant, seed, state }) => `${String(variant)} ${String(seed)} ${String(state)}`);

before(async () => {
  const { code, stdout, stderr } = await tract([...parameters, '--out', straight, '--json']);
  assert.equal(code, 0, stderr);
  events = jsonLines(stdout);
});

test('compare --json prints an event a line, and the results last', () => {
  assert.deepEqual(events[0], { event: 'start', out: straight, runs: 4, steps: 6 });
  assert.deepEqual(
    ended(events),
    matrix.map((run) => `${run} finished`),
  );
  const progress = events.filter(({ event }) => event === 'progress');
  assert.deepEqual(
    progress.map(({ steps }) => steps),
    Array.from({ length: 24 }, (_, i) => i + 1),
  );
  const { setup, variants, sentences } = resultsOf(events);
  assert.deepEqual(setup.seeds, [0, 1]);
  assert.deepEqual(
    variants[0].curve.map(({ step }) => step),
    [0, 2, 3, 4, 6],
  );
  // The same weights before the first step.
  assert.deepEqual(variants[1].curve[0], variants[0].curve[0]);
  // Six steps tell nothing, and it says so.
  assert.match(sentences[0], /^Nothing has been learned yet: after 6 steps /);
});

test('compare writes a page, the results and the plots', () => {
  const { report, json, plots } = events.at(-1) as { report: string; json: string; plots: string[] };
  assert.match(readFileSync(report, 'utf8'), /^<!doctype html>/i);
  assert.deepEqual(JSON.parse(readFileSync(json, 'utf8')), resultsOf(events));
  for (const plot of plots) assert.match(readFileSync(plot, 'utf8'), /<svg /);
  for (const name of ['accuracy.svg', 'loss.svg', 'filters-vanilla.svg', 'filters-tract-0.1.svg']) {
    assert.ok(plots.includes(join(straight, 'plots', name)), name);
  }
});

test('a finished run is never repeated, and the same command gives the same results', async () => {
  const again = await tract([...parameters, '--out', straight, '--json']);
  assert.equal(again.code, 0, again.stderr);
  const lines = jsonLines(again.stdout);
  assert.deepEqual(
    ended(lines),
    matrix.map((run) => `${run} kept`),
  );
  assert.ok(!lines.some(({ event }) => event === 'progress'));
  assert.deepEqual(resultsOf(lines), resultsOf(events));

  const text = await tract([...parameters, '--out', straight]);
  assert.equal(text.code, 0, text.stderr);
  const printed = text.stdout.trim().split('\n');
  assert.equal(printed[0], `4 runs of 6 steps, kept in ${straight}`);
  assert.match(printed[1], /^run 1\/4 {2}vanilla, seed 0 {2}test accuracy \d.* % {2}\(finished before\)$/);
  // The answer, the figures, and where the rest is, in this order.
  const answer = printed.findIndex((line) => line.startsWith('Nothing has been learned yet'));
  assert.deepEqual(printed.slice(answer - 1, answer + 2), ['', resultsOf(events).sentences[0], '']);
  assert.match(printed[answer + 2], /^method +test accuracy$/);
  assert.match(printed[answer + 4], /^vanilla +\d+\.\d % ± \d+\.\d$/);
  assert.match(printed.at(-1)!, /^Report: .*report\.html$/);
  assert.doesNotMatch(text.stderr, /Timing/, 'the times are known');
});

test('an interrupted comparison goes on, and ends like an uninterrupted one', async () => {
  const out = join(folder, 'stopped');
  const command = [...parameters, '--out', out, '--json'];
  const stopped = await tract(command, { interrupt: { signal: 'SIGINT', at: '"runs":1,' } });
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.match(stopped.stderr, /the same command goes on from here/);
  assert.doesNotMatch(stopped.stdout, /"event":"end"/);
  const { code, stdout, stderr } = await tract(command);
  assert.equal(code, 0, stderr);
  const lines = jsonLines(stdout);
  assert.equal(ended(lines)[0], 'vanilla 0 kept');
  assert.equal(ended(lines).length, 4);
  const made = lines.filter(({ event }) => event === 'progress').length;
  assert.ok(made < 18, `${made} steps were made again`);
  // The time of steps is no figure of the bits.
  const timeless = (results: Results): unknown =>
    JSON.parse(JSON.stringify(curvesOf(results), (key, value: unknown) => (/second/i.test(key) ? 0 : value)));
  assert.deepEqual(timeless(resultsOf(lines)), timeless(resultsOf(events)));
});

test('rivals, other scales of the input and a relative lambda; what they leave is an ordinary run', async () => {
  const out = join(folder, 'rivals');
  const { code, stdout, stderr } = await tract([
    ...['compare', ...tiny, '--max-steps', '2', '--seeds', '0', '--input-scaling', 'byte', '--json'],
    ...['--methods', 'vanilla,tract,patch-norm,whitening', '--lambda', 'relative:0.1', '--out', out],
  ]);
  assert.equal(code, 0, stderr);
  const { variants, setup } = resultsOf(jsonLines(stdout));
  assert.deepEqual(
    variants.map(({ id }) => id),
    ['vanilla', 'tract-relative-0.1', 'patch-norm', 'whitening'],
  );
  assert.deepEqual(
    setup.deviation.map((value) => Math.round(255 * value)),
    [1, 1, 1],
  );
  for (const { id, final } of variants.slice(1)) {
    const run = readdirSync(join(out, 'runs')).find((name) => name.startsWith(id))!;
    const measured = await tract(['eval', join(out, 'runs', run), '--threads', '1', '--json']);
    assert.equal(measured.code, 0, measured.stderr);
    const { testAccuracy } = JSON.parse(measured.stdout) as { testAccuracy: number };
    assert.equal(testAccuracy, final!.accuracy.mean, id);
  }
});

test('inspect draws the filters of a run and its updates', async () => {
  const name = readdirSync(join(straight, 'runs')).find((run) => run.startsWith('tract-0.1-seed0'))!;
  const run = join(straight, 'runs', name);
  const { code, stdout, stderr } = await tract(['inspect', run, '--threads', '1', '--json']);
  assert.equal(code, 0, stderr);
  const [line] = jsonLines(stdout);
  assert.equal(line.event, 'inspection');
  assert.equal(line.filters, 4);
  assert.deepEqual(line.kernel, [3, 3]);
  assert.equal(line.images, 96);
  assert.equal(line.report, join(run, 'inspect', 'inspect.html'));
  assert.match(readFileSync(line.report, 'utf8'), /^<!doctype html>/i);
  for (const plot of line.plots as string[]) assert.match(readFileSync(plot, 'utf8'), /<svg /);

  const out = join(folder, 'drawn');
  const text = await tract(['inspect', run, '--lambda', 'relative:0.1', '--threads', '1', '--out', out]);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /Drawn in .*drawn\/inspect\.html\n$/);
  assert.ok(readdirSync(out).includes('inspect.html'));
});

test('help teaches by examples', async () => {
  for (const command of ['compare', 'inspect']) {
    const { code, stdout } = await tract([command, '--help']);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`Usage: tract ${command}[^]*Examples:\n  tract ${command}`));
  }
});

const wrong: readonly [string, number, RegExp][] = [
  ['compare --methods vanila', 2, /--methods .*'vanila' is invalid.* Did you mean vanilla\?/],
  ['compare --method tract', 2, /unknown option '--method' \(Did you mean --methods\?\)/],
  ['compare --seeds 0,x', 2, /--seeds .* whole number of at least 0/],
  ['compare --seeds 1,1', 2, /a seed is given twice/],
  ['compare --lambda 0.1,0', 2, /--lambda .*'0\.1,0' is invalid.* above 0/],
  ['compare --lambda 0.1,0.1', 2, /tract-0\.1 is asked for twice/],
  ['compare --input-scaling bytes', 2, /--input-scaling .* Did you mean byte\?/],
  ['compare --eval-every 0', 2, /--eval-every .* at least 1/],
  [
    'compare --tract',
    2,
    /--tract is no flag of tract compare; instead of it there is --methods and --lambda/,
  ],
  ['compare --methods vanilla --lambda-end 1', 2, /--lambda-end is for TrAct, which is not asked for/],
  ['compare --seed 1', 2, /--seed is no flag of tract compare; .* --seeds/],
  ['compare --methods vanilla,dual-patch-norm', 2, /dual-patch-norm takes the place of a patch embedding/],
  ['compare --model mlp --methods vanilla,whitening', 2, /the first layer of mlp is not/],
  ['inspect', 2, /missing required argument 'run'/],
  ['inspect nothing', 1, /there is no run or checkpoint nothing/],
  ['inspect nothing --lambda relative:0', 2, /--lambda .*'relative:0' is invalid.* above 0/],
];
test('a wrong command line is refused before anything is done', async (context) => {
  const before = readdirSync('.');
  for (const [line, exitCode, message] of wrong) {
    const { code, stdout, stderr } = await outcomeHere(context, line);
    assert.equal(code, exitCode, `${line}: ${stderr}`);
    assert.equal(stdout, '', line);
    assert.match(stderr, message);
    assert.match(stderr, /^error: [^\n]+\n$/, 'not one line');
  }
  assert.deepEqual(readdirSync('.'), before, 'a folder was made');
});
