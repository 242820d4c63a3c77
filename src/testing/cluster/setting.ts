/** What the parts of `npm run cluster` have in common: where runs are kept, by which MPI, and what has to hold. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '../../random/random.js';
import type { Outcome } from '../command.js';
import type { Mpi } from '../mpi.js';
import { runCommand as tract } from '../torture/kill.js';

/** What the command line asks for. */
export interface Asked {
  /** Those that are installed. */
  readonly mpis: readonly Mpi[];
  /** Of short runs. */
  readonly count: number;
  readonly random: Random;
}

export class Setting implements Asked {
  readonly mpis: readonly Mpi[];
  readonly count: number;
  readonly random: Random;
  readonly folder = mkdtempSync(join(tmpdir(), 'tract-cluster-'));
  #runs = 0;
  readonly #expected = new Map<string, Buffer>();

  constructor({ mpis, count, random }: Asked) {
    [this.mpis, this.count, this.random] = [mpis, count, random];
  }

  /** A folder for a run, which is not there yet. */
  fresh(): string {
    return join(this.folder, `run-${++this.#runs}`);
  }

  /** The checkpoint that one process ends with. */
  async expected(flags: readonly string[]): Promise<Buffer> {
    const key = flags.join(' ');
    let found = this.#expected.get(key);
    if (!found) {
      const out = this.fresh();
      const outcome = await tract([...flags, '--out', out]);
      check(outcome.code === 0, `one process: ${key}`, outcome);
      found = last(out);
      this.#expected.set(key, found);
    }
    return found;
  }
}

/** The last checkpoint of a run. */
export const last = (out: string): Buffer => readFileSync(join(out, 'last.safetensors'));

/** @throws Error with what was to hold, and what the command said */
export function check(holds: boolean, what: string, { code, stderr }: Partial<Outcome> = {}): void {
  if (holds) return;
  throw new Error([what, ...(code === undefined ? [] : [`exit code ${code}`, stderr ?? ''])].join('\n'));
}

/** Data and batches of all small runs. */
export const smallData = [
  ...['--limit-train', '96', '--limit-test', '40', '--batch-size', '16'],
  ...['--threads', '1', '--json'],
];

/** A small run by TrAct, but for its end. */
export const smallRun = [
  ...['train', ...smallData, '--model', 'mlp', '--width', '32', '--tract', '--shards', '4'],
];

/** One that takes long enough to be interrupted. */
export const longerRun = [...smallRun, '--limit-train', '32', '--epochs', '40'];

/** Goes on with a run. */
export const resuming = (out: string): string[] => ['train', '--resume', out, '--threads', '1', '--json'];
