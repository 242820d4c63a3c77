/**
 * Interrupts runs at random moments, lets them go on until they are finished, and compares what they leave, bit for bit,
 * with what an uninterrupted run does.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../random/random.js';
import { readCheckpoint } from '../../train/run-folder.js';
import { type Kill, complaint, describeKill, drawKill, runCommand } from './kill.js';
import type { Scenario } from './scenarios.js';

export interface TortureOptions {
  /** So many kills, at least; the run that the last one hits is finished and compared. */
  readonly count: number;
  /** Of how to kill, and when. What a kill hits depends on the machine, too. */
  readonly seed: number;
  readonly scenarios: readonly Scenario[];
  /** Where the runs are; those that end as they should are removed. */
  readonly folder: string;
  readonly onRun?: (run: TorturedRun & { readonly total: number }) => void;
}

export interface TorturedRun {
  readonly scenario: string;
  readonly kills: readonly Kill[];
}

/** A run that did not end as it should; the message says what to look at. */
export class TortureError extends Error {
  override name = 'TortureError';
}

/** A run that is killed so often is left alone then: one that is killed for ever proves nothing. */
const MOST_KILLS = 20;

/** @throws TortureError at the first run that does not end like an uninterrupted one */
export async function torture(options: TortureOptions): Promise<TorturedRun[]> {
  const { count, seed, scenarios, folder, onRun } = options;
  const random = Random.fromSeed(seed, 'torture');
  const references = new Map<Scenario, Reference>();
  const runs: TorturedRun[] = [];
  mkdirSync(folder, { recursive: true });
  for (let total = 0; total < count;) {
    const scenario = scenarios[runs.length % scenarios.length];
    const reference = references.get(scenario) ?? (await uninterrupted(scenario, folder));
    references.set(scenario, reference);
    const out = join(folder, `run-${runs.length + 1}`);
    const kills: Kill[] = [];
    try {
      await interrupted(scenario, out, kills, () =>
        total + kills.length < count && kills.length < MOST_KILLS
          ? drawKill(random, scenario, reference.duration)
          : undefined,
      );
      const difference = firstDifference(reference.findings, scenario.findings(out));
      if (difference !== undefined) throw new TortureError(difference);
    } catch (error) {
      if (!(error instanceof TortureError)) throw error;
      throw new TortureError(
        [
          `${scenario.name}: ${error.message}`,
          `the run is ${out}, the uninterrupted one ${reference.out}; seed ${seed}, run ${runs.length + 1}, killed by`,
          ...kills.map((kill) => `  ${describeKill(kill)}`),
        ].join('\n'),
        { cause: error },
      );
    }
    rmSync(out, { recursive: true });
    total += kills.length;
    runs.push({ scenario: scenario.name, kills });
    onRun?.({ scenario: scenario.name, kills, total });
  }
  return runs;
}

interface Reference {
  readonly out: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly findings: Map<string, string>;
}

async function uninterrupted(scenario: Scenario, folder: string): Promise<Reference> {
  const out = join(folder, scenario.name.replace(' ', '-'));
  const began = performance.now();
  const outcome = await runCommand(scenario.parameters(out));
  const duration = performance.now() - began;
  const wrong = complaint(outcome, undefined);
  if (wrong !== undefined) throw new TortureError(`${scenario.name}, uninterrupted: ${wrong}`);
  return { out, duration, findings: scenario.findings(out) };
}

/** Runs to the end, killed again and again. @param next how to kill it next; undefined: not any more */
async function interrupted(
  scenario: Scenario,
  out: string,
  kills: Kill[],
  next: () => Kill | undefined,
): Promise<void> {
  for (;;) {
    const kill = next();
    const outcome = await runCommand(scenario.parameters(out), kill);
    if (kill && outcome.killed) kills.push(kill);
    const wrong = complaint(outcome, kill);
    if (wrong !== undefined) throw new TortureError(wrong);
    await checkCheckpoints(out);
    if (outcome.code === 0) return;
  }
}

/** Whatever hit the run, every checkpoint that is there has to be whole. */
async function checkCheckpoints(out: string): Promise<void> {
  if (!existsSync(out)) return;
  const files = readdirSync(out, { recursive: true }).map(String);
  for (const file of files.filter((name) => name.endsWith('.safetensors'))) {
    await readCheckpoint(join(out, file)).catch((error: unknown) => {
      throw new TortureError((error as Error).message, { cause: error });
    });
  }
}

/** Which file differs, in words; undefined where none does. */
export function firstDifference(
  wanted: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): string | undefined {
  for (const [file, content] of wanted) {
    if (!found.has(file)) return `${file} is missing`;
    if (found.get(file) !== content) return `${file} is not what the uninterrupted run left`;
  }
  for (const file of found.keys()) if (!wanted.has(file)) return `${file} was left behind`;
  return undefined;
}
