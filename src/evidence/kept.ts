/**
 * What is kept of an experiment, in `evidence/<name>`: the small files of its comparison's folder, where they lie there,
 * so that `tract compare` goes on from them and repeats no run that is finished. And what `bench/peers/airbench.py` printed, in
 * `evidence/airbench-pytorch`.
 */
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Results } from '../compare/results.js';
import { writeAtomically } from '../data/atomic-write.js';
import { type AirbenchRun, parseAirbenchRun } from './airbench.js';
import { experiments } from './experiments.js';

/** All that is kept. */
export interface Kept {
  /** Of each experiment of which a seed is finished. */
  readonly results: ReadonlyMap<string, Results>;
  /** In the order of their seeds. */
  readonly airbenchRuns: readonly AirbenchRun[];
}

const summaries = ['results.json', 'step-times.json'];
const record = 'result.json';

/** The findings of the seeds so far; undefined where none is finished. */
export async function keptResults(evidence: string, name: string): Promise<Results | undefined> {
  const text = await readFile(join(evidence, name, 'results.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Results);
}

/** @throws SyntaxError or CheckpointError for a record that is damaged */
export async function readKept(evidence: string): Promise<Kept> {
  const results = new Map<string, Results>();
  for (const { name } of experiments) {
    const found = await keptResults(evidence, name);
    if (found) results.set(name, found);
  }
  const folder = join(evidence, 'airbench-pytorch');
  const files = await readdir(folder).catch(() => []);
  const airbenchRuns: AirbenchRun[] = [];
  for (const file of files) airbenchRuns.push(parseAirbenchRun(await readFile(join(folder, file), 'utf8')));
  return { results, airbenchRuns: airbenchRuns.sort((a, b) => a.seed - b.seed) };
}

/** Lays what is kept of an experiment into the folder that its comparison is made in. */
export async function layOut(evidence: string, name: string, out: string): Promise<void> {
  await copySmallFiles(join(evidence, name), out);
}

/** Keeps what a comparison has come to so far, in place of what was kept before. */
export async function keep(out: string, evidence: string, name: string): Promise<void> {
  const folder = join(evidence, name);
  await rm(folder, { recursive: true, force: true });
  await copySmallFiles(out, folder);
}

async function copySmallFiles(from: string, to: string): Promise<void> {
  const runs = await readdir(join(from, 'runs')).catch(() => []);
  const files = [...summaries, ...runs.map((run) => join('runs', run, record))];
  for (const file of files) {
    // A run that was interrupted has no record yet.
    const content = await readFile(join(from, file)).catch(() => undefined);
    if (content === undefined) continue;
    await mkdir(dirname(join(to, file)), { recursive: true });
    await writeAtomically(join(to, file), content);
  }
}
