/**
 * `npm run cluster -- --part matrix|runs|failures|kills|network|times --mpi mpich|openmpi`: what several processes promise, tried
 * at length by the launchers that are installed. All of it takes a quarter of an hour, and is no test of the suite;
 * `--part matrix` is run by continuous integration.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Random } from '../../random/random.js';
import { mpis } from '../mpi.js';
import { failures } from './failures.js';
import { kills } from './kills.js';
import { matrix } from './matrix.js';
import { network } from './network.js';
import { runs } from './runs.js';
import { Setting } from './setting.js';
import { times } from './times.js';

const parts = { matrix, runs, failures, kills, network, times } as const;

const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true },
    mpi: { type: 'string' },
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '0' },
  },
});
const chosen = values.part ?? Object.keys(parts);
const unknown = chosen.find((part) => !Object.hasOwn(parts, part));
if (unknown !== undefined) {
  console.error(`cluster: there is no part ${unknown}; there are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const wanted = mpis.filter(({ command }) => values.mpi === undefined || command.endsWith(`.${values.mpi}`));
for (const { missing } of wanted) if (missing) console.log(`left out: ${missing}`);
const setting = new Setting({
  mpis: wanted.filter(({ missing }) => !missing),
  count: Number(values.count),
  random: Random.fromSeed(Number(values.seed), 'cluster'),
});

try {
  for (const part of chosen) await parts[part as keyof typeof parts](setting);
  rmSync(setting.folder, { recursive: true });
} catch (error) {
  console.error(`${(error as Error).message}\n(the runs are in ${setting.folder})`);
  process.exitCode = 1;
}
