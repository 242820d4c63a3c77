/** Runs that are stopped and go on, by the real command. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cosine } from '../optim/schedule.js';
import { fromSafetensors } from '../tensor/safetensors.js';
import type { RunConfig } from '../train/run-config.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';

const folder = temporaryFolder();
const straight = join(folder, 'straight');
const parameters = [
  ...['train', '--width', '4', '--tract', '--epochs', '2', '--limit-train', '200', '--limit-test', '32'],
  // 40 of the 200 images; the best of the two epochs is chosen on them.
  ...['--validation', '0.2', '--batch-size', '16', '--threads', '1', '--json'],
  ...['--tract-until', '0.75', '--lambda-end', '0.01', '--gram-momentum', '0.9'],
];

/** A run's metrics without the times. */
function metrics(run: string): Record<string, unknown>[] {
  return jsonLines(readFileSync(join(run, 'metrics.jsonl'), 'utf8')).map(withoutTimes);
}

/** An event without what no two runs have in common. */
function withoutTimes(event: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(event).filter(([key]) => !['seconds', 'imagesPerSecond', 'out'].includes(key)),
  );
}

function assertSameRun(run: string): void {
  assert.deepEqual(metrics(run), metrics(straight));
  for (const kind of ['last', 'best']) {
    const [a, b] = [run, straight].map((path) => readFileSync(join(path, `${kind}.safetensors`)));
    assert.ok(a.equals(b), `${kind}.safetensors differs from that of the uninterrupted run`);
  }
}

/** The last event of the uninterrupted run. */
let straightEnd: Record<string, unknown>;

before(async () => {
  const { code, stdout, stderr } = await tract([...parameters, '--out', straight]);
  assert.equal(code, 0, stderr);
  straightEnd = withoutTimes(jsonLines(stdout).at(-1)!);
  assert.equal(typeof straightEnd.testAccuracy, 'number');
});

for (const [signal, at, exitCode] of [
  ['SIGINT', '"step":4,', 130],
  ['SIGTERM', '"step":13,', 143],
] as const) {
  test(`${signal} finishes the step and saves; resuming gives the bits of an uninterrupted run`, async () => {
    const run = join(folder, signal);
    const stopped = await tract([...parameters, '--out', run], { interrupt: { signal, at } });
    assert.equal(stopped.code, exitCode, stopped.stderr);
    assert.match(stopped.stderr, /to continue:\n {2}.* train --resume /);
    const lines = jsonLines(stopped.stdout);
    const end = lines.at(-1)!;
    assert.equal(end.interrupted, true);
    assert.ok((end.step as number) < 20, 'the run was over before the signal');
    assert.equal(lines.at(-2)!.event, 'checkpoint');
    const { metadata } = fromSafetensors(readFileSync(join(run, 'last.safetensors')));
    assert.equal((JSON.parse(metadata.progress) as { step: number }).step, end.step);

    const resumed = await tract(['train', '--resume', run, '--threads', '1', '--json']);
    assert.equal(resumed.code, 0, resumed.stderr);
    const [start] = jsonLines(resumed.stdout);
    assert.deepEqual(withoutTimes(jsonLines(resumed.stdout).at(-1)!), straightEnd);
    assert.equal(start.resumed, true);
    assert.equal(start.step, end.step);
    assertSameRun(run);
  });
}

test('a closed pipe ends a run like a signal, without a stack trace, and it can be resumed', async () => {
  const run = join(folder, 'pipe');
  const { code, stderr } = await tract([...parameters, '--out', run], { closeAt: '"step":2,' });
  assert.equal(code, 141);
  assert.doesNotMatch(stderr, /at .*\.js/);
  assert.equal((await tract(['train', '--resume', run, '--threads', '1'])).code, 0);
  assertSameRun(run);
});

test('resuming a finished run changes nothing', async () => {
  const before = metrics(straight);
  const { code, stdout } = await tract(['train', '--resume', straight, '--threads', '1']);
  assert.equal(code, 0);
  assert.match(stdout, /Continuing .* after step 20/);
  assert.deepEqual(metrics(straight), before);
});

test('flags that contradict the run are refused, others are taken', async () => {
  const resume = ['train', '--resume', straight];
  for (const [flags, message] of [
    [['--validation', '0.5'], /--validation 0\.5 contradicts .* with --validation 0\.2/],
    [['--limit-train', '160'], /--limit-train 160 contradicts .* with --limit-train 200/],
    [['--lr', '0.5'], /--lr 0\.5 contradicts .* goes on with --lr 0\.16/],
    [['--no-augment'], /--no-augment contradicts/],
    [['--tract', '1'], /--tract 1 contradicts .* with --tract 0\.1/],
    [['--epochs', '1'], /--epochs 1 is less than the run in .* has done, 2 epochs; give at least 2/],
    [['--max-steps', '5'], /--max-steps 5 is less than the run in .* has done, 20 steps; give at least 20/],
    [
      ['--max-steps', '25'],
      /--max-steps 25 changes nothing: .* ends with --epochs 2 all the same; give both/,
    ],
    [['--out', join(folder, 'elsewhere')], /--out .* contradicts/],
  ] as const) {
    const { code, stderr } = await tract([...resume, ...flags]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
  const same = await tract([...resume, '--lr', '0.16', '--tract', '--threads', '1', '--out', straight]);
  assert.equal(same.code, 0, same.stderr);
  const best = await tract(['train', '--resume', join(straight, 'best.safetensors')]);
  assert.equal(best.code, 2);
  assert.match(best.stderr, /continues from last\.safetensors/);
});

test('a relative lambda is kept, and compared', async () => {
  const run = join(folder, 'relative');
  const relative = ['--tract', 'relative:0.1', '--out', run, '--threads', '1'];
  const shape = ['--model', 'mlp', '--width', '8', '--limit-train', '32', '--limit-test', '16'];
  const { code, stdout } = await tract([
    'train',
    ...shape,
    '--batch-size',
    '16',
    '--epochs',
    '1',
    ...relative,
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /by TrAct \(lambda relative:0\.1\)/);
  const same = await tract(['train', '--resume', run, ...relative]);
  assert.equal(same.code, 0, same.stderr);
  const other = await tract(['train', '--resume', run, '--tract', '0.1']);
  assert.equal(other.code, 2);
  assert.match(other.stderr, /--tract 0\.1 contradicts .* with --tract relative:0\.1/);
});

const mlp = [
  ...['train', '--model', 'mlp', '--width', '8', '--limit-train', '64', '--limit-test', '16'],
  ...['--batch-size', '16', '--threads', '1', '--warmup', '0'],
];
type Description = Pick<RunConfig, 'epochs' | 'maxSteps' | 'optimizer'>;
const description = (run: string): Description => {
  const { metadata } = fromSafetensors(readFileSync(join(run, 'last.safetensors')));
  const config = JSON.parse(metadata.config) as Description;
  assert.deepEqual(JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')), config);
  return config;
};

test('a finished run is extended: at a constant rate to the bits of one that was longer from the start', async () => {
  const [long, short] = [join(folder, 'long'), join(folder, 'short')];
  const constant = [...mlp, '--schedule', 'constant'];
  assert.equal((await tract([...constant, '--epochs', '3', '--out', long])).code, 0);
  assert.equal((await tract([...constant, '--epochs', '1', '--out', short])).code, 0);
  // Stopped after the first steps that are new: the new end is kept, and need not be given again.
  const more = ['train', '--resume', short, '--epochs', '3', '--json', '--threads', '1'];
  const stopped = await tract(more, { interrupt: { signal: 'SIGKILL', at: '"step":5,' } });
  assert.equal(stopped.code, 'SIGKILL');
  assert.equal(description(short).epochs, 3);
  assert.equal((await tract(['train', '--resume', short, '--threads', '1'])).code, 0);
  assert.deepEqual(
    metrics(short).map((line) => ({ ...line, steps: 0 })),
    metrics(long).map((line) => ({ ...line, steps: 0 })),
  );
  const [a, b] = [short, long].map((run) => readFileSync(join(run, 'last.safetensors')));
  assert.ok(a.equals(b), 'the weights differ from those of the longer run');
});

test('from there on the schedule is that of the new number of steps', async () => {
  const run = join(folder, 'cosine');
  const schedule = cosine(0.08);
  const rates = (): number[] =>
    metrics(run).flatMap(({ event, learningRate }) => (event === 'step' ? [learningRate as number] : []));
  const range = (first: number, end: number): number[] =>
    Array.from({ length: end - first }, (_, i) => first + i);
  const before = range(0, 6).map((step) => schedule.rate(step, 6));
  assert.equal((await tract([...mlp, '--epochs', '9', '--max-steps', '6', '--out', run])).code, 0);
  assert.deepEqual(rates(), before);
  const { optimizer } = description(run);
  assert.deepEqual(optimizer.config, { momentum: 0.9, nesterov: false, weightDecay: 0.0005 });
  // Two epochs are over, the second with half of its steps; the others are whole ones.
  const alone = await tract(['train', '--resume', run, '--epochs', '4']);
  assert.equal(alone.code, 2);
  assert.match(
    alone.stderr,
    /--epochs 4 changes nothing: .* ends with --max-steps 6 all the same; give both/,
  );
  const { code, stdout } = await tract([
    ...['train', '--resume', run, '--epochs', '4', '--max-steps', '100', '--threads', '1'],
  ]);
  assert.equal(code, 0);
  assert.match(stdout, /^epoch 4\/4 /m);
  assert.deepEqual(rates(), [...before, ...range(6, 14).map((step) => schedule.rate(step, 14))]);
  assert.equal(description(run).maxSteps, 100);
});

test('an unfinished run is given another end, later or earlier', async () => {
  const run = join(folder, 'unfinished');
  const stopped = await tract([...mlp, '--epochs', '9', '--out', run, '--json'], {
    interrupt: { signal: 'SIGINT', at: '"step":2,' },
  });
  assert.equal(stopped.code, 130);
  const { step } = jsonLines(stopped.stdout).at(-1)!;
  assert.ok((step as number) < 36, 'the run was over before the signal');
  const resumed = ['train', '--resume', run, '--threads', '1', '--json'];
  const less = await tract([...resumed, '--max-steps', '1']);
  assert.equal(less.code, 2);
  assert.match(less.stderr, /--max-steps 1 is less than the run in .* has done, \d+ steps/);
  const { code, stdout } = await tract([...resumed, '--epochs', '10']);
  assert.equal(code, 0);
  const [start] = jsonLines(stdout);
  assert.deepEqual([start.step, start.steps], [step, 40]);
  assert.equal(jsonLines(stdout).at(-1)!.step, 40);
});
