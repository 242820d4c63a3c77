/** `tract table`: finished comparisons beside each other. */
import { basename, join, resolve } from 'node:path';
import { markdownTable, mergedRows, mergedTable } from '../compare/merged-table.js';
import { CheckpointError, parseJson } from '../train/json-check.js';
import { readText } from './read-text.js';
import { print, printJson, printTable } from './terminal.js';

export interface TableFlags {
  readonly markdown?: boolean;
  readonly json?: boolean;
}

/** @throws CheckpointError for a folder without results, or results that are damaged */
export async function table(folders: readonly string[], flags: TableFlags): Promise<void> {
  const rows = [];
  for (const folder of folders) {
    const file = join(folder, 'results.json');
    const text = await readText(file);
    if (text === undefined) {
      throw new CheckpointError(
        `${folder} holds no finished comparison (there is no results.json); tract compare --out ${folder} makes one`,
      );
    }
    try {
      rows.push(...mergedRows(basename(resolve(folder)), parseJson(text, 'results')));
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      throw new CheckpointError(`${file} cannot be used: ${error.message}`, { cause: error });
    }
  }
  if (flags.json) for (const row of rows) printJson({ event: 'method', ...row });
  else if (flags.markdown) print(...markdownTable(mergedTable(rows)).split('\n'));
  else printTable(mergedTable(rows), { left: [0, 1, 2] });
}
