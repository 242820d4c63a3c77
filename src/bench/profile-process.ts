/** The process that profiles one case: `node profile-process.js '{"name": "resnet18-128", …}'` */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { caseNamed } from './cases.js';
import { type ProfileEvent, type StepProfile, summarizeProfile } from './profile.js';
import { median } from '../compare/statistics.js';
import { prepare } from './training.js';

export interface ProfileRequest {
  readonly name: string;
  readonly steps: number;
  readonly threads?: number;
}

export interface ProfiledCase extends StepProfile {
  /** The median step, as the calling program sees it. */
  readonly wallMilliseconds: number;
}

const WARM_UP = 3;

const { name, steps, threads } = JSON.parse(process.argv[2]) as ProfileRequest;
const folder = await mkdtemp(path.join(os.tmpdir(), 'tract-bench-'));
try {
  const training = await prepare(caseNamed(name), {
    tract: true,
    threads,
    profile: path.join(folder, 'profile'),
  });
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + steps; i++) {
    const started = performance.now();
    await training.step();
    times.push(performance.now() - started);
  }
  await training.release();
  const [file] = await readdir(folder);
  const events = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as ProfileEvent[];
  const result: ProfiledCase = {
    ...summarizeProfile(events, WARM_UP),
    wallMilliseconds: median(times.slice(WARM_UP)),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await rm(folder, { recursive: true });
}
