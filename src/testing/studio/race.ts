/**
 * The Studio's race on `shapes` beside `tract compare` on the same seeds: `npm run studio:race -- [--seeds 0,1,2]`. How long
 * the page takes, and whether the two agree on the speed-up.
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

interface Race {
  readonly speedup: number;
  /** Vanilla's, at its end. */
  readonly accuracy: string;
}

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '0' }, screenshots: { type: 'string' } },
});
const { screenshots } = values;
const seeds = values.seeds.split(',').map(Number);

const reason = noBrowser();
if (reason !== false) console.log(`studio:race is skipped: ${reason}`);
else {
  const logRatios = [];
  for (const seed of seeds) {
    const page = await inPage(seed);
    const native = compared(seed);
    console.log(
      `seed ${seed}: in the page ${page.speedup.toFixed(1)} times fewer steps (vanilla ends at ${page.accuracy}), ${page.seconds.toFixed(0)} s on ${page.engine}; by tract compare ${native.speedup.toFixed(1)} (${native.accuracy})`,
    );
    logRatios.push(Math.log(page.speedup / native.speedup));
  }
  // Engines round differently, and a steep curve makes much of that.
  const ratio = Math.exp(logRatios.reduce((a, b) => a + b) / seeds.length);
  console.log(
    `the page's speed-up by that of tract compare: ${ratio.toFixed(2)}, in the mean of the logarithms`,
  );
  assert.ok(ratio > 2 / 3 && ratio < 3 / 2, `the speed-ups differ by a factor of ${ratio.toFixed(2)}`);
}

async function inPage(seed: number): Promise<Race & { seconds: number; engine: string }> {
  const studio = await StudioPage.open(screenshots === undefined ? {} : { screenshots });
  const { page } = studio;
  try {
    await page.getByRole('button', { name: 'Use the shapes', exact: true }).click();
    await studio.goTo('Model');
    await page.click('summary:has-text("Optimizer")');
    await page.fill('label:text-is("Seed") + input', String(seed));
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

function compared(seed: number): Race {
  const folder = mkdtempSync(join(tmpdir(), 'tract-race-'));
  try {
    const out = join(folder, 'compare');
    const parameters = ['compare', '--width', '16', '--epochs', '2', '--seeds', String(seed), '--out', out];
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
