import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Random } from '../../random/random.js';
import { temporaryFolder } from '../command.js';
import { drawKill, signals } from './kill.js';
import { largeCheckpoint, training } from './scenarios.js';
import { TortureError, firstDifference, torture } from './torture.js';

const folder = temporaryFolder();
const tiny = training('tiny', ['--model', 'mlp', '--width', '64', '--epochs', '4']);

test('a run that is killed again and again ends with the bits of an uninterrupted one', async () => {
  const runs = await torture({ count: 3, seed: 9, scenarios: [tiny], folder });
  const kills = runs.flatMap((run) => run.kills);
  assert.ok(kills.length >= 3);
  assert.ok(kills.some(({ signal }) => signal === 'SIGKILL'));
  assert.ok(!existsSync(join(folder, 'run-1')), 'a run that ended as it should was left behind');
});

test('kills are a function of the seed, of all kinds, at any moment and aimed at writes', () => {
  const draw = (seed: number): unknown[] => {
    const random = Random.fromSeed(seed);
    return Array.from({ length: 100 }, () => drawKill(random, largeCheckpoint, 1000));
  };
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
  const kills = draw(1) as ReturnType<typeof drawKill>[];
  assert.deepEqual([...new Set(kills.map(({ signal }) => signal))].sort(), [...signals].sort());
  assert.ok(kills.some(({ after }) => after));
  assert.ok(kills.some(({ after, milliseconds }) => !after && milliseconds > 500));
});

test('what does not end like the uninterrupted run is reported, and kept', async () => {
  let looks = 0;
  const restless = {
    ...largeCheckpoint,
    parameters: () => ['models', '--json'],
    findings: () => new Map([['file', String(looks++)]]),
  };
  await assert.rejects(torture({ count: 1, seed: 0, scenarios: [restless], folder }), (error) => {
    assert.ok(error instanceof TortureError);
    assert.match(
      error.message,
      /^train mlp: file is not what the uninterrupted run left\n.*seed 0, run 1, killed by/,
    );
    return true;
  });
  const failing = { ...largeCheckpoint, parameters: () => ['trian'] };
  await assert.rejects(
    torture({ count: 1, seed: 0, scenarios: [failing], folder }),
    /ended with 2, and said: error/,
  );
  const map = (files: Record<string, string>) => new Map(Object.entries(files));
  assert.equal(firstDifference(map({ a: '1' }), map({ a: '1' })), undefined);
  assert.equal(firstDifference(map({ a: '1' }), map({})), 'a is missing');
  assert.equal(firstDifference(map({}), map({ b: '1' })), 'b was left behind');
});
