/**
 * The Studio's race on `shapes` beside `tract compare` on the same seed: `npm run studio:race`. How long the page takes, and
 * whether the two agree on the speed-up.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Results } from '../../compare/results.js';
import { noBrowser } from '../browser.js';
import { PATIENCE, StudioPage } from './studio-page.js';

const command = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

const reason = noBrowser();
if (reason !== false) console.log(`studio:race is skipped: ${reason}`);
else {
  const page = await inPage();
  const native = compared();
  console.log(
    `in the page: ${page.speedup.toFixed(1)} times fewer steps (vanilla ends at ${page.accuracy}), ${page.seconds.toFixed(0)} s on ${page.engine}`,
  );
  console.log(
    `tract compare: ${native.speedup.toFixed(2)} times fewer steps (vanilla ends at ${native.accuracy})`,
  );
  // Engines round differently, and a steep curve makes much of that.
  const ratio = page.speedup / native.speedup;
  assert.ok(ratio > 2 / 3 && ratio < 3 / 2, `the speed-ups differ by a factor of ${ratio.toFixed(2)}`);
}

async function inPage(): Promise<{ speedup: number; accuracy: string; seconds: number; engine: string }> {
  const { values } = parseArgs({ options: { screenshots: { type: 'string' } } });
  const { screenshots } = values;
  const studio = await StudioPage.open(screenshots === undefined ? {} : { screenshots });
  const { page } = studio;
  try {
    await page.getByRole('button', { name: 'Use the shapes', exact: true }).click();
    await studio.goTo('Train');
    const begun = performance.now();
    await page.getByRole('button', { name: 'Start the race', exact: true }).click();
    await page.waitForSelector('.controls:has-text("finished")', { timeout: PATIENCE });
    const seconds = (performance.now() - begun) / 1000;
    const verdict = (await page.textContent('.verdict')) ?? '';
    const [, speedup, accuracy] = /([\d.]+)×.*Vanilla ends at ([\d.]+ %)/.exec(verdict) ?? [];
    assert.ok(speedup && accuracy, verdict);
    const engine = (await page.textContent('.badge >> nth=1')) ?? '';
    await studio.look('race');
    studio.assertQuiet();
    return { speedup: Number(speedup), accuracy, seconds, engine };
  } finally {
    await studio.close();
  }
}

function compared(): { speedup: number; accuracy: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tract-race-'));
  try {
    const out = join(folder, 'compare');
    const parameters = ['compare', '--width', '16', '--epochs', '2', '--seeds', '0', '--out', out];
    const { status, stderr } = spawnSync(process.execPath, [command, ...parameters], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const { targets } = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Results;
    const { accuracy, reached } = targets.at(-1)!;
    const speedup = reached.find(({ variant }) => variant !== reached[0].variant)?.speedup ?? NaN;
    return { speedup, accuracy: `${(100 * accuracy).toFixed(1)} %` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
