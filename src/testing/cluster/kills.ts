/** Ten kills of any rank at any moment; each time another number of processes goes on. */
import { type Mpi, rankProcesses, tractRanks } from '../mpi.js';
import { type Setting, check, last, resuming, smallRun } from './setting.js';

const KILLS = 10;
/** Milliseconds after the first line of a process's within which it is killed: about what a run takes. */
const LATEST = 1500;

export async function kills(setting: Setting): Promise<void> {
  const flags = [...smallRun, '--epochs', '40'];
  const expected = await setting.expected(flags);
  for (const mpi of setting.mpis) {
    const moments: string[] = [];
    let out = setting.fresh();
    let begun = false;
    const isRight = (): void => {
      check(last(out).equals(expected), `${mpi.name}: other bits after ${moments.join(', ')}`);
    };
    while (moments.length < KILLS) {
      const found = await killed(setting, mpi, begun ? resuming(out) : [...flags, '--out', out]);
      begun = !found.isOver;
      if (found.moment !== undefined) moments.push(found.moment);
      if (begun) continue;
      isRight();
      out = setting.fresh();
    }
    if (begun) {
      const { code, stderr } = await tractRanks(mpi, 4, resuming(out));
      check(code === 0, `${mpi.name}, killed: ${moments.join(', ')}`, { code, stderr });
      isRight();
    }
    console.log(`${mpi.name}: the same bits after ${KILLS} kills (${moments.join(', ')})`);
  }
}

interface Killed {
  /** Whether the run was over before. */
  readonly isOver: boolean;
  /** Who was killed, and when, where the run was not over. */
  readonly moment?: string;
}

/** Lets two or four processes run until one is killed. */
async function killed({ random }: Setting, mpi: Mpi, parameters: readonly string[]): Promise<Killed> {
  const [size, wait] = [[2, 4][random.integer(2)], random.uniform(0, LATEST)];
  const victim = random.integer(size);
  let timer: NodeJS.Timeout | undefined;
  const { code } = await tractRanks(mpi, size, parameters, {
    onOutput(stdout, launcher) {
      if (!stdout.includes('"event":"start"')) return false;
      timer = setTimeout(() => {
        void rankProcesses(launcher).then((pids) => {
          if (pids[victim]) process.kill(pids[victim], 'SIGKILL');
        });
      }, wait);
      return true;
    },
  });
  clearTimeout(timer);
  return code === 0
    ? { isOver: true }
    : { isOver: false, moment: `rank ${victim} of ${size} after ${wait.toFixed(0)} ms` };
}
