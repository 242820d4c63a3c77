/** `tract find-lr`, by the real command. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mlp } from '../models/mlp.js';
import { traceAlone } from '../nn/model.js';
import { toSafetensors } from '../tensor/safetensors.js';
import { zeros } from '../tensor/tensor.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';

const folder = temporaryFolder();
const tiny = [
  ...['find-lr', '--model', 'mlp', '--width', '8', '--limit-train', '160', '--batch-size', '16', '--tract'],
  ...['--threads', '1', '--rates', '0.01,0.1', '--steps', '6'],
];

test('find-lr prints a table and a suggestion, and draws a plot', async () => {
  const out = join(folder, 'rates');
  const { code, stdout, stderr } = await tract([...tiny, '--out', out]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /learning rate +loss after 6 steps/);
  assert.match(stdout, /Suggested: --lr 0\.\d+, because of 2 rates 0\.\d+ has the lowest loss/);
  assert.match(readFileSync(join(out, 'find-lr.svg'), 'utf8'), /<svg /);
  const kept = JSON.parse(readFileSync(join(out, 'find-lr.json'), 'utf8')) as { results: { rate: number }[] };
  assert.deepEqual(
    kept.results.map(({ rate }) => rate),
    [0.01, 0.1],
  );
});

test('find-lr begins with weights that lack the head, and trains what it is told to', async () => {
  const { parameters } = traceAlone(mlp({ width: 8 }), 1, true);
  const tensors = Object.fromEntries(
    [...parameters].flatMap(([name, { value }]) =>
      name.startsWith('layers.0') ? [[name, zeros('float32', value.shape)] as const] : [],
    ),
  );
  const weights = join(folder, 'backbone.safetensors');
  const shallow = ['--depth', '1', '--weights', weights, '--out', join(folder, 'head')];
  writeFileSync(weights, toSafetensors({ tensors, metadata: {} }));
  const { code, stderr } = await tract([...tiny, ...shallow, '--train-only', 'head']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /The head is new, .*: layers\.1\.weight, layers\.1\.bias/);
  const refused = await tract([...tiny, ...shallow, '--stages', 'head:1']);
  assert.match(refused.stderr, /--stages is no flag of tract find-lr/);
});

test('find-lr stops at a signal and writes nothing; flags without a meaning are refused', async () => {
  const out = join(folder, 'stopped');
  const stopped = await tract([...tiny, '--json', '--out', out], {
    interrupt: { signal: 'SIGINT', at: '"rate":0.01,' },
  });
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.equal(jsonLines(stopped.stdout).filter(({ event }) => event === 'end').length, 0);
  assert.ok(!existsSync(out));
  const refused = await tract([...tiny, '--epochs', '3']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--epochs is no flag of tract find-lr: --steps says how long they are/);
});
