/** `npm run results`, by its real command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const results = (...parameters: string[]): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, [fileURLToPath(new URL('main.js', import.meta.url)), ...parameters], {
    encoding: 'utf8',
  });

test('experiments are listed with the seeds that are finished', () => {
  const { status, stdout } = results('--list', 'lambda-over-time');
  assert.equal(status, 0);
  assert.match(String(stdout), /^lambda-over-time +3 of 3 seeds +--data cifar10 .*\n$/);
});

test('one that there is not is refused in a line that names those there are', () => {
  const { status, stderr } = results('--list', 'nothing');
  assert.equal(status, 2);
  assert.match(String(stderr), /^error: there is no experiment "nothing"; there are warmup, .*\n$/);
});
