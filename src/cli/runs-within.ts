/** A folder that holds runs instead of being one, as `tract compare` leaves it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../train/json-check.js';
import { shellWord } from './format.js';

/** How many runs are named. */
const SHOWN = 8;
/** How many entries of a folder are looked at. */
const MOST_ENTRIES = 1000;

/**
 * @throws CheckpointError naming the runs, where the path is a folder that is no run itself, but there are runs in it
 *   or in its folder `runs`
 */
export async function refuseFolderOfRuns(path: string): Promise<void> {
  if (await isRun(path)) return;
  const found = [...(await runsIn(path)), ...(await runsIn(join(path, 'runs')))];
  if (found.length === 0) return;
  const shown = found.slice(0, SHOWN).map(shellWord).join(', ');
  const rest = found.length > SHOWN ? `, and ${found.length - SHOWN} more` : '';
  const [count, choice] = found.length === 1 ? ['a run', 'it'] : [`${found.length} runs`, 'one of them'];
  throw new CheckpointError(`${path} holds ${count}, and is none itself; give ${choice}: ${shown}${rest}`);
}

async function runsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch(() => []);
  const found: string[] = [];
  for (const entry of entries.sort().slice(0, MOST_ENTRIES)) {
    if (await isRun(join(folder, entry))) found.push(join(folder, entry));
  }
  return found;
}

async function isRun(folder: string): Promise<boolean> {
  for (const kind of ['last', 'best']) {
    const file = await stat(join(folder, `${kind}.safetensors`)).catch(() => undefined);
    if (file?.isFile()) return true;
  }
  return false;
}
