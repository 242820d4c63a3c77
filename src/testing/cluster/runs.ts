/** Many short runs: a library that now and then crashes is found out. */
import { rmSync } from 'node:fs';
import { tractRanks } from '../mpi.js';
import { type Setting, check, last, smallRun } from './setting.js';

export async function runs(setting: Setting): Promise<void> {
  const { count, mpis } = setting;
  const flags = [...smallRun, '--epochs', '1'];
  const expected = await setting.expected(flags);
  for (const mpi of mpis) {
    for (let i = 0; i < count; i++) {
      const out = setting.fresh();
      const outcome = await tractRanks(mpi, 2, [...flags, '--out', out]);
      check(outcome.code === 0, `run ${i + 1} of ${mpi.name}`, outcome);
      check(last(out).equals(expected), `run ${i + 1} of ${mpi.name} ended with other bits`);
      rmSync(out, { recursive: true });
    }
    console.log(
      `${count} runs in two processes of ${mpi.name}: none crashed, and all ended with the same bits`,
    );
  }
}
