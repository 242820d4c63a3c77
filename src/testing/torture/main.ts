/** `npm run torture -- --count 100 --seed 1`: see torture.ts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { signals } from './kill.js';
import { scenarios } from './scenarios.js';
import { TortureError, torture } from './torture.js';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100' }, seed: { type: 'string', default: '0' } },
});
const [count, seed] = [Number(values.count), Number(values.seed)];
if (!(Number.isSafeInteger(count) && count >= 1 && Number.isSafeInteger(seed))) {
  console.error('torture: --count takes a whole number of at least 1, --seed a whole number');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'tract-torture-'));
const began = performance.now();
try {
  const runs = await torture({
    count,
    seed,
    scenarios,
    folder,
    onRun({ scenario, kills, total }) {
      const how = kills.map(({ signal, after }) => `${signal}${after ? '*' : ''}`).join(', ') || 'not killed';
      console.log(`${total}/${count}  ${scenario}: ${how}: the same bits`);
    },
  });
  const kills = runs.flatMap((run) => run.kills);
  const bySignal = signals.map(
    (signal) => `${kills.filter((kill) => kill.signal === signal).length} ${signal}`,
  );
  const aimed = kills.filter(({ after }) => after).length;
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  console.log(
    `${kills.length} kills (${bySignal.join(', ')}; ${aimed} of them aimed at writes) of ${runs.length} runs in ${minutes} minutes, seed ${seed}: all ended with the bits of an uninterrupted run`,
  );
  for (const { name } of scenarios) {
    const own = runs.filter(({ scenario }) => scenario === name);
    console.log(`  ${name}: ${own.flatMap((run) => run.kills).length} kills of ${own.length} runs`);
  }
  rmSync(folder, { recursive: true });
} catch (error) {
  if (!(error instanceof TortureError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
