/** Which pictures there are, of which class, and for which split: what is found in folders or said by a table. */
import { type Dirent, type Stats } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { quote } from '../../tensor/shorten.js';
import { DataError } from '../data-error.js';
import { firstLine } from '../decode-picture.js';
import { parsePictureTable } from './picture-table.js';
import { type SplitName, splitNames } from './splits.js';

/** A picture's file. */
export interface ClassFile {
  /** Relative to the root, with slashes; or absolute, where a table says so. */
  readonly path: string;
  /** The position of its class. */
  readonly label: number;
  readonly split: SplitName;
}

/** What was found. */
export interface ClassFiles {
  /** The folder that paths are relative to. */
  readonly root: string;
  /** In the order of their labels. */
  readonly classNames: readonly string[];
  /** In order: by their names, those of equal names by their classes. A table's are in its order. */
  readonly files: readonly ClassFile[];
  /** Files that are no pictures by their names. */
  readonly otherFiles: number;
  /** Folders beside those of splits, which are left out. */
  readonly otherFolders: readonly string[];
}

/** What the folders of splits may be called. */
const folderNames: Readonly<Record<SplitName, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['val', 'valid', 'validation'],
  test: ['test', 'testing'],
};

const extensions = /\.(?:jpe?g|jpe|jfif|png|webp|gif|avif|tiff?)$/i;
/** No data set has more classes, or more pictures. */
const MOST_CLASSES = 65_536;
const MOST_PICTURES = 2 ** 24;
/** Folders within a class's. */
const DEEPEST = 16;
const LARGEST_TABLE = 500e6;

/**
 * Looks for pictures.
 *
 * @param path a folder with one folder for each class; one with `train` and `val` or `test`, each with such folders; or
 *   a file of comma-separated values
 * @throws DataError for a folder that is neither, and splits whose classes differ
 */
export async function findClassFiles(path: string): Promise<ClassFiles> {
  const root = resolve(path);
  const found = await stat(root).catch((error: unknown) => {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new DataError(
      missing ? `There is no folder ${path}.` : `${path} cannot be read (${firstLine(error)}).`,
      { cause: error },
    );
  });
  if (found.isFile()) return tableFiles(root, found);
  if (!found.isDirectory()) throw new DataError(`${path} is neither a folder nor a file.`);
  const { folders, pictures } = await contents(root);
  if (folders.length === 0) {
    throw new DataError(
      `${path} holds ${pictures === 0 ? 'no pictures' : 'pictures, but no folders'}; give a folder with one folder of pictures for each class, one with train and val or test, or a .csv file of paths and labels.`,
    );
  }
  const splits = splitFolders(folders);
  if (!splits) return classFolders(root, [['train', '']], []);
  const used = splits.map(([, folder]) => folder);
  return classFolders(
    root,
    splits,
    folders.filter((folder) => !used.includes(folder)),
  );
}

/**
 * The folders that are splits, where there are any. A folder named train beside others that are no splits is a class:
 * there are trains on pictures.
 *
 * @throws DataError for two folders of one split
 */
function splitFolders(folders: readonly string[]): [SplitName, string][] | undefined {
  const splits = splitNames.flatMap((split) => {
    const named = folders.filter((folder) => folderNames[split].includes(folder.toLowerCase()));
    if (named.length > 1) {
      throw new DataError(
        `The folders ${named.join(' and ')} are both ${split} pictures by their names; leave one of them.`,
      );
    }
    return named.map((folder): [SplitName, string] => [split, folder]);
  });
  if (splits.at(0)?.[0] !== 'train') return undefined;
  return splits.length > 1 || folders.length === 1 ? splits : undefined;
}

/** The pictures of splits whose folders have one folder for each class. */
async function classFolders(
  root: string,
  splits: readonly (readonly [SplitName, string])[],
  otherFolders: readonly string[],
): Promise<ClassFiles> {
  const classes = new Map<string, readonly string[]>();
  for (const [, folder] of splits) {
    const { folders } = await contents(join(root, folder));
    if (folders.length === 0) {
      throw new DataError(`${join(root, folder)} holds no folders; it takes one for each class.`);
    }
    classes.set(folder, sorted(folders));
  }
  const [[, first], ...others] = splits;
  const classNames = classes.get(first)!;
  if (classNames.length > MOST_CLASSES) {
    throw new DataError(
      `${join(root, first)} has ${classNames.length} folders, but there are at most ${MOST_CLASSES} classes.`,
    );
  }
  for (const [, folder] of others) {
    checkSameClasses(join(root, first), classNames, join(root, folder), classes.get(folder)!);
  }
  const files: (ClassFile & { readonly name: string })[] = [];
  let otherFiles = 0;
  for (const [split, folder] of splits) {
    for (const [label, className] of classNames.entries()) {
      const base = folder === '' ? className : `${folder}/${className}`;
      otherFiles += await eachFile(join(root, base), (name) => {
        if (files.length === MOST_PICTURES) {
          throw new DataError(`${root} has more than ${MOST_PICTURES} pictures, the most that are read.`);
        }
        files.push({ path: `${base}/${name}`, name, label, split });
      });
    }
  }
  if (files.length === 0) throw new DataError(`${root} has folders, but no pictures in them.`);
  files.sort((a, b) => order(a.name, b.name) || a.label - b.label);
  return {
    root,
    classNames,
    files: files.map(({ path, label, split }) => ({ path, label, split })),
    otherFiles,
    otherFolders,
  };
}

/**
 * @param lacking what to do where the second lacks a class of the first
 * @throws DataError naming what only one of the two has: figures on other classes mean nothing
 */
export function checkSameClasses(
  first: string,
  classNames: readonly string[],
  second: string,
  others: readonly string[],
  lacking = 'where there are no pictures of it on purpose, make an empty folder of that name',
): void {
  const [known, there] = [new Set(classNames), new Set(others)];
  const unknown = others.filter((name) => !known.has(name));
  const missing = classNames.filter((name) => !there.has(name));
  const some = (names: readonly string[]): string =>
    `${names.slice(0, 5).map(quote).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
  if (unknown.length > 0) {
    throw new DataError(
      `${second} has the class ${some(unknown)}, which is not in ${first}. Classes are matched by their names: rename it, or take it out.`,
    );
  }
  if (missing.length > 0) {
    throw new DataError(
      `${second} lacks the class ${some(missing)}, which is in ${first}. Classes are matched by their names: ${lacking}.`,
    );
  }
}

/** Calls back with the name of each picture below a folder; returns how many other files there are. */
async function eachFile(folder: string, show: (name: string) => void): Promise<number> {
  let others = 0;
  const walk = async (path: string, prefix: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(path)) {
      const name = `${prefix}${entry.name}`;
      if (entry.isDirectory()) {
        if (depth === DEEPEST)
          throw new DataError(`${path} has folders nested deeper than ${DEEPEST} levels.`);
        await walk(join(path, entry.name), `${name}/`, depth + 1);
      } else if (!extensions.test(entry.name)) others++;
      else show(name);
    }
  };
  await walk(folder, '', 1);
  return others;
}

/** The pictures in a folder and below it, in the order of their names. @throws DataError where there are none */
export async function pictureFilesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  await eachFile(folder, (name) => found.push(join(folder, name)));
  if (found.length === 0) throw new DataError(`${folder} holds no pictures.`);
  return found.sort(order);
}

/** The folders in a folder, and how many pictures lie beside them. */
async function contents(folder: string): Promise<{ folders: string[]; pictures: number }> {
  const folders: string[] = [];
  let pictures = 0;
  for (const entry of await entriesOf(folder)) {
    // A link may lead to a folder: data sets are often put together of such.
    const linked = entry.isSymbolicLink()
      ? await stat(join(folder, entry.name)).catch(() => undefined)
      : entry;
    if (linked?.isDirectory()) folders.push(entry.name);
    else if (extensions.test(entry.name)) pictures++;
  }
  return { folders, pictures };
}

/** What is in a folder, without what is hidden. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith('.') && name !== '__MACOSX');
  } catch (error) {
    throw new DataError(`${folder} cannot be read (${firstLine(error)}).`, { cause: error });
  }
}

/** The pictures that a table names. */
async function tableFiles(path: string, { size }: Stats): Promise<ClassFiles> {
  if (!/\.(?:csv|tsv|txt)$/i.test(path)) {
    throw new DataError(
      `${path} is a file, but neither a folder of pictures nor a .csv file of paths and labels.`,
    );
  }
  if (size > LARGEST_TABLE) {
    throw new DataError(
      `${path} has ${size} bytes, and tables of at most ${LARGEST_TABLE / 1e6} MB are read.`,
    );
  }
  const rows = parsePictureTable(await readFile(path, 'utf8'), basename(path));
  if (rows.length > MOST_PICTURES) {
    throw new DataError(`${path} has more than ${MOST_PICTURES} pictures, the most that are read.`);
  }
  const classNames = sorted([...new Set(rows.map(({ label }) => label))]);
  if (classNames.length > MOST_CLASSES) {
    throw new DataError(
      `${path} has ${classNames.length} labels, but there are at most ${MOST_CLASSES} classes.`,
    );
  }
  const has = (split: SplitName): string[] =>
    sorted([...new Set(rows.filter((row) => row.split === split).map(({ label }) => label))]);
  const training = has('train');
  if (training.length === 0) throw new DataError(`${path} names no training pictures.`);
  for (const split of ['validation', 'test'] as const) {
    const others = has(split);
    if (others.length > 0)
      checkSameClasses(
        `the training part of ${path}`,
        training,
        `its ${split} part`,
        others,
        'give it pictures of every class, or leave its split out',
      );
  }
  const labels = new Map(classNames.map((name, label) => [name, label]));
  return {
    root: dirname(path),
    classNames,
    files: rows.map(({ path: file, label, split }) => ({ path: file, label: labels.get(label)!, split })),
    otherFiles: 0,
    otherFolders: [],
  };
}

const sorted = (names: readonly string[]): string[] => [...names].sort(order);

/** By UTF-16 code units: the same everywhere, whatever language the system speaks. */
function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
