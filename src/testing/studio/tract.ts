/** The command, as a user calls it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** What it prints; that it fails is an error. */
export function tract(...parameters: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...parameters], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout;
}
