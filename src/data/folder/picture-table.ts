/** Tables of pictures: comma-separated values (RFC 4180), with semicolons or tabs as well. */
import { quote } from '../../tensor/shorten.js';
import { DataError } from '../data-error.js';
import type { SplitName } from './splits.js';

/** A line of a table. */
export interface PictureRow {
  readonly path: string;
  /** The name of its class. */
  readonly label: string;
  readonly split: SplitName;
}

/** What columns may be called. */
const columnNames = {
  path: ['path', 'file', 'filename', 'file_name', 'filepath', 'image', 'image_path'],
  label: ['label', 'class', 'class_name', 'category', 'target'],
  split: ['split', 'set', 'subset'],
} as const;

const splits: ReadonlyMap<string, SplitName> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['test', 'test'],
  ['testing', 'test'],
]);

const LONGEST_PATH = 4096;
const LONGEST_LABEL = 255;

/**
 * Reads a table of pictures. Its first line may name the columns: `path` and `label`, and `split` (train, val or test)
 * where there are several; other columns are left out. Without such a line the first column is the path and the second
 * the label.
 *
 * @param name of the file, for messages
 * @throws DataError naming the line (counted from 1) and what is wrong with it
 */
export function parsePictureTable(text: string, name: string): PictureRow[] {
  const separator = separatorOf(text);
  let columns: Columns | undefined;
  const rows: PictureRow[] = [];
  for (const { line, cells } of recordsOf(text, separator, name)) {
    if (columns === undefined) {
      columns = columnsOf(cells);
      if (columns) continue;
      columns = { path: 0, label: 1, split: -1 };
    }
    rows.push(rowOf(cells, columns, `Line ${line} of ${name}`));
  }
  if (rows.length === 0)
    throw new DataError(`${name} names no pictures; it takes a path and a label a line.`);
  return rows;
}

interface Columns {
  readonly path: number;
  readonly label: number;
  /** -1 where there is none. */
  readonly split: number;
}

/** The columns of a first line that names them. */
function columnsOf(cells: readonly string[]): Columns | undefined {
  const find = (names: readonly string[]): number =>
    cells.findIndex((cell) => names.includes(cell.trim().toLowerCase()));
  const [path, label, split] = [columnNames.path, columnNames.label, columnNames.split].map(find);
  return path >= 0 && label >= 0 ? { path, label, split } : undefined;
}

function rowOf(cells: readonly string[], columns: Columns, place: string): PictureRow {
  const least = Math.max(columns.path, columns.label, columns.split) + 1;
  if (cells.length < least) {
    throw new DataError(`${place} has ${cells.length} of ${least} columns; it takes a path and a label.`);
  }
  const path = cells[columns.path].trim();
  const label = cells[columns.label].trim();
  if (path === '' || path.length > LONGEST_PATH || path.includes('\0')) {
    throw new DataError(`${place} has the path ${quote(path)}, which can be none.`);
  }
  if (label === '' || label.length > LONGEST_LABEL) {
    throw new DataError(`${place} has the label ${quote(label)}; one has 1 to ${LONGEST_LABEL} characters.`);
  }
  if (columns.split < 0) return { path, label, split: 'train' };
  const written = cells[columns.split].trim();
  const split = splits.get(written.toLowerCase());
  if (!split) throw new DataError(`${place} has the split ${quote(written)}; it is train, val or test.`);
  return { path, label, split };
}

/** The separator that the first line has most often. */
function separatorOf(text: string): string {
  const end = text.indexOf('\n');
  const first = text.slice(0, Math.min(end < 0 ? text.length : end, 10_000));
  const count = (separator: string): number => first.split(separator).length;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

/** No table that is of use has more columns. */
const MOST_CELLS = 1000;

/** The records of a table, without empty lines; each with the line that it begins in. */
function* recordsOf(
  text: string,
  separator: string,
  name: string,
): Generator<{ readonly line: number; readonly cells: string[] }> {
  // The mark that some programs begin a file with.
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  for (let line = 1; at < text.length;) {
    const cells: string[] = [];
    const begun = line;
    for (;;) {
      let cell: string;
      if (text[at] === '"') {
        const end = closingQuote(text, at + 1);
        if (end < 0)
          throw new DataError(`Line ${begun} of ${name} opens a quotation mark that nothing closes.`);
        cell = text.slice(at + 1, end).replaceAll('""', '"');
        for (let i = cell.indexOf('\n'); i >= 0; i = cell.indexOf('\n', i + 1)) line++;
        at = end + 1;
        if (at < text.length && text[at] !== separator && text[at] !== '\n' && text[at] !== '\r') {
          throw new DataError(`Line ${line} of ${name} goes on after a closing quotation mark.`);
        }
      } else {
        const start = at;
        while (at < text.length && text[at] !== separator && text[at] !== '\n') at++;
        cell = text.slice(start, at);
        if (cell.endsWith('\r') && (at === text.length || text[at] === '\n')) cell = cell.slice(0, -1);
      }
      cells.push(cell);
      if (cells.length > MOST_CELLS)
        throw new DataError(`Line ${begun} of ${name} has more than ${MOST_CELLS} columns.`);
      if (text[at] === '\r') at++;
      const ended = at >= text.length || text[at] === '\n';
      at++;
      if (ended) break;
    }
    line++;
    if (cells.length > 1 || cells[0].trim() !== '') yield { line: begun, cells };
  }
}

/** Where a quoted cell ends; two quotation marks are one that belongs to it. */
function closingQuote(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 2)) {
    if (text[end + 1] !== '"') return end;
  }
  return -1;
}
