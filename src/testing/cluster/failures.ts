/** A rank is killed, throws, ends early, or is stopped: all end in time, and the run goes on in another number of processes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mpi, type RanksOptions, leftBehind, rankProcesses, tractRanks } from '../mpi.js';
import { runCommand as tract } from '../torture/kill.js';
import { type Setting, check, last, longerRun, resuming } from './setting.js';

/** Seconds within which a run ends everywhere after one of its processes has failed. */
const LIMIT = 10;

const saboteur = new URL('saboteur.js', import.meta.url).href;

export interface Failure {
  readonly what: string;
  /** Whether a process says what is wrong, or only the launcher knows. */
  readonly isSaid: boolean;
  /** Whether the launcher's exit code may be 0 all the same. */
  readonly mayBeZero?: boolean;
  readonly options?: RanksOptions;
  /** Called when the run goes on; what it does is the failure. */
  readonly fail: (pids: readonly number[]) => void;
}

export async function failures(setting: Setting): Promise<void> {
  for (const mpi of setting.mpis) {
    for (const [rank, signal] of [
      [1, 'SIGKILL'],
      [1, 'SIGSEGV'],
      [1, 'SIGSTOP'],
      [0, 'SIGSTOP'],
    ] as const) {
      await failing(setting, mpi, {
        what: `rank ${rank} gets ${signal}`,
        isSaid: signal === 'SIGSTOP',
        fail: (pids) => void process.kill(pids[rank], signal),
      });
    }
    for (const how of ['throw', 'exit', 'vanish']) {
      const order = join(setting.folder, `${mpi.name}-${how}`);
      await failing(setting, mpi, {
        what: `rank 1: ${how}`,
        isSaid: how !== 'vanish',
        // MPICH's launcher ends all others where one exits without a word, and takes its exit code.
        mayBeZero: mpi.name === 'MPICH' && how === 'vanish',
        options: { environment: { NODE_OPTIONS: `--import=${saboteur}`, TRACT_SABOTAGE: order } },
        fail: () => {
          writeFileSync(order, how);
        },
      });
    }
  }
}

/** Lets a run of two ranks fail, and go on in four to the bits of one that was left alone. */
export async function failing(setting: Setting, mpi: Mpi, failure: Failure): Promise<void> {
  const { isSaid, mayBeZero = false, options = {} } = failure;
  const out = setting.fresh();
  let pids: readonly number[] = [];
  let failed = 0;
  const outcome = await tractRanks(mpi, 2, [...longerRun, '--out', out], {
    ...options,
    onOutput(stdout, launcher) {
      if (!stdout.includes('"event":"epoch"')) return false;
      void rankProcesses(launcher).then((found) => {
        pids = found;
        failed = performance.now();
        failure.fail(found);
      });
      return true;
    },
  });
  const seconds = (performance.now() - failed) / 1000;
  const what = `${mpi.name}: ${failure.what}`;
  // A rank that was stopped goes on when Open MPI's launcher ends it, and is then interrupted in good order.
  const isOver = /"event":"end","interrupted":false/.test(outcome.stdout);
  check(failed > 0 && pids.length === 2 && !isOver, `${what}: the run did not fail`, outcome);
  check(outcome.code !== 0 || mayBeZero, `${what}: the exit code is 0`, outcome);
  check((await leftBehind(pids)).length === 0, `${what}: processes were left behind`, outcome);
  check(seconds < LIMIT, `${what}: it took ${seconds.toFixed(1)} s`, outcome);
  const said = outcome.stderr.split('\n').filter((line) => /error: /.test(line));
  check(said.length === (isSaid ? 1 : 0), `${what}: ${said.length} sentences`, outcome);
  const evaluated = await tract(['eval', out]);
  check(evaluated.code === 0, `${what}: the checkpoint is not whole`, evaluated);
  // On the machine that rank 0 was on: elsewhere nobody knows that it has ended.
  const { prefix = [] } = options;
  const resumed = await tractRanks(mpi, 4, resuming(out), { prefix });
  check(resumed.code === 0, `${what}: resuming`, resumed);
  check(last(out).equals(await setting.expected(longerRun)), `${what}: resumed to other bits`);
  console.log(
    `${what}: ended after ${seconds.toFixed(1)} s, resumed to the same bits${said[0] ? `\n  ${said[0]}` : ''}`,
  );
}
