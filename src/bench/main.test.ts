import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CaseSummary } from './summary.js';

const main = fileURLToPath(new URL('main.js', import.meta.url));
const bench = (...parameters: string[]): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [main, ...parameters]);

describe('npm run bench', () => {
  it('teaches what it does', async () => {
    const { stdout } = await bench('--help');
    for (const word of ['--cases', '--profile', '--peers', 'resnet18-128', 'vit192-128'])
      assert.ok(stdout.includes(word), word);
  });

  it('refuses a case that does not exist, and names those that do', async () => {
    await assert.rejects(bench('--cases', 'resnet1'), /there is no case "resnet1"; there are resnet18-32/);
  });

  it('measures a case from end to end', async () => {
    const { stdout } = await bench('--cases', 'vit96-128', '--steps', '1', '--json');
    const { environment, cases } = JSON.parse(stdout) as {
      environment: { onnxruntime: string };
      cases: CaseSummary[];
    };
    assert.match(environment.onnxruntime, /^\d+\.\d+/);
    const [summary] = cases;
    assert.equal(summary.case, 'vit96-128');
    assert.ok(summary.fraction > 0);
    const { loaded, built, lowered, session, firstStep } = summary.start;
    assert.ok(loaded < built && built < lowered && lowered < session && session < firstStep);
    assert.ok(summary.tractPeakBytes >= summary.memory.firstStep);
  });
});
