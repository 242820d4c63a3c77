/** Loaded before the command (`node --import`): lets a rank fail in a way that none should, as soon as a file says so. */
import { existsSync, readFileSync } from 'node:fs';

const { TRACT_SABOTAGE: file, PMI_RANK, OMPI_COMM_WORLD_RANK } = process.env;
if (file !== undefined && (PMI_RANK ?? OMPI_COMM_WORLD_RANK) === '1') {
  const watch = setInterval(() => {
    if (!existsSync(file)) return;
    clearInterval(watch);
    const how = readFileSync(file, 'utf8');
    if (how === 'throw') throw new Error('sabotage');
    if (how === 'exit') process.exit(0);
    // As if by C's exit: nothing of Node's is asked.
    (process as unknown as { reallyExit(code: number): void }).reallyExit(0);
  }, 20);
  watch.unref();
}
