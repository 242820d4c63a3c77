/** Runs of several processes by the launchers of MPI that are installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Outcome, outcomeOf } from './command.js';

const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));

/** What Debian calls a launcher, or else the common name of both. */
interface Installed {
  readonly name: 'MPICH' | 'Open MPI';
  readonly command: string;
  /** So that a root, on few cores, may start several processes that use them all. */
  readonly flags: readonly string[];
}

const known: readonly Installed[] = [
  { name: 'MPICH', command: 'mpirun.mpich', flags: [] },
  {
    name: 'Open MPI',
    command: 'mpirun.openmpi',
    flags: ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'],
  },
];

export interface Mpi extends Installed {
  /** Why it cannot be used, for the tests that are skipped then; false where it can. */
  readonly missing: string | false;
}

/** The two families, whether they are installed or not. */
export const mpis: readonly Mpi[] = known.map((mpi) => {
  const { status } = spawnSync(mpi.command, ['--version'], { stdio: 'ignore' });
  return { ...mpi, missing: status === 0 ? false : `${mpi.name} is not installed (${mpi.command})` };
});

export interface RanksOptions {
  /** Whether a run makes its page and logs, which most tests have no use for. */
  readonly report?: boolean;
  /** Called with what has been printed on stdout so far, until it gives true. */
  readonly onOutput?: (stdout: string, launcher: ChildProcess) => boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the launcher. */
  readonly flags?: readonly string[];
  /** Runs the launcher, such as in a network namespace. */
  readonly prefix?: readonly string[];
}

/** Runs `tract` in so many processes. */
export function tractRanks(
  mpi: Installed,
  size: number,
  parameters: readonly string[],
  options: RanksOptions = {},
): Promise<Outcome> {
  const plain = parameters[0] === 'train' && options.report !== true ? ['--no-report'] : [];
  return launch(mpi, ['-n', String(size), process.execPath, main, ...parameters, ...plain], options);
}

/** Runs a launcher with these parameters. */
export function launch(
  { command, flags }: Installed,
  parameters: readonly string[],
  { onOutput, environment = {}, flags: more = [], prefix = [] }: RanksOptions = {},
): Promise<Outcome> {
  const [file, ...words] = [...prefix, command, ...flags, ...more, ...parameters];
  const child = spawn(file, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A test runner's own variables are none of the command's business.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...environment },
  });
  let done = false;
  return outcomeOf(child, (stdout) => {
    if (onOutput && !done) done = onOutput(stdout, child);
  });
}

/** The processes of the command below a launcher, by their rank; on Linux, as `/proc` has them. */
export async function rankProcesses(launcher: ChildProcess): Promise<number[]> {
  const { readFile, readdir } = await import('node:fs/promises');
  const found = new Map<number, number>();
  const parents = new Map<number, number>();
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === launcher.pid || isBelow(parents.get(pid)));
  for (const pid of pids.filter(isBelow)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.startsWith(process.execPath)) continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const rank = /\0(?:PMI_RANK|OMPI_COMM_WORLD_RANK)=(\d+)\0/.exec(`\0${environment}\0`)?.[1];
    if (rank !== undefined) found.set(Number(rank), pid);
  }
  return [...found].sort(([a], [b]) => a - b).map(([, pid]) => pid);
}

/** Those of some processes that are still there after the time it takes the system to remove what has been killed. */
export async function leftBehind(pids: readonly number[]): Promise<number[]> {
  const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);
  for (let i = 0; i < 30 && pids.some(isThere); i++) await setTimeout(100);
  return pids.filter(isThere);
}
