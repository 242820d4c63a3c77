/**
 * What is kept of an experiment, in `evidence/<name>`: the small files of its comparison's folder, where they lie there,
 * so that `tract compare` goes on from them and repeats no run that is finished.
 */
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Results } from '../compare/results.js';
import { writeAtomically } from '../data/atomic-write.js';

const summaries = ['results.json', 'step-times.json'];
const record = 'result.json';

/** The findings of the seeds so far; undefined where none is finished. */
export async function keptResults(evidence: string, name: string): Promise<Results | undefined> {
  const text = await readFile(join(evidence, name, 'results.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Results);
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
