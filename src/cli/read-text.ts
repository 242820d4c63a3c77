/** Small files of text, whose size is looked at before they are read. */
import { readFile, stat } from 'node:fs/promises';
import { CheckpointError } from '../train/json-check.js';

/** Far more than the results of any comparison. */
const LARGEST = 64 * 2 ** 20;

/** The text of a file, or undefined where there is none. @throws CheckpointError for one that is too large */
export async function readText(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  if (found.size > LARGEST)
    throw new CheckpointError(`${path} has ${found.size} bytes; results are ${LARGEST} at most`);
  return readFile(path, 'utf8');
}
