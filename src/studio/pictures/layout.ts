/** Which class a picture is of, by where its file lies: as the command reads folders. */
import type { Part } from './catalog.js';

const extensions = /\.(?:jpe?g|jpe|jfif|png|webp|gif|avif|bmp|tiff?|heic|heif)$/i;

const splits: Readonly<Record<'train' | 'validation' | 'test', readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['val', 'valid', 'validation'],
  test: ['test', 'testing'],
};

/** Where a file belongs. */
export interface Place {
  readonly className: string;
  readonly part: Part;
  readonly name: string;
}

/** Whether a file is a picture by its name. */
export const isPictureName = (path: string): boolean => extensions.test(path);

/** What no person has put there. */
const isHidden = (path: string): boolean =>
  path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');

/**
 * Classes by folders: one folder for each class; or `train` with `val` or `test`, each with one folder for each class.
 * Folders around all that are looked through, deeper ones belong to the class. A picture in no folder is of `into`.
 *
 * @param paths with slashes; what is hidden is left out
 * @returns the place of each path that is used, by the path
 */
export function placesOf(paths: readonly string[], into: string): Map<string, Place> {
  const used = paths.filter((path) => !isHidden(path));
  let parts = used.map((path) => path.split('/').filter(Boolean));
  while (parts.length > 0 && parts.every((one) => one.length > 2 && one[0] === parts[0][0]))
    parts = parts.map((one) => one.slice(1));
  const tops = new Set(parts.flatMap((one) => (one.length > 1 ? [one[0].toLowerCase()] : [])));
  const has = (split: keyof typeof splits): boolean => splits[split].some((name) => tops.has(name));
  const known = Object.values(splits).flat();
  const inSplits = has('train') && tops.size > 1 && [...tops].every((name) => known.includes(name));
  const partOf = (folder: string): Part => {
    const name = folder.toLowerCase();
    if (splits.test.includes(name)) return 'test';
    // Pictures to choose an epoch by are test pictures where there are no others, and else are trained on.
    return splits.validation.includes(name) && !has('test') ? 'test' : 'train';
  };
  return new Map(
    parts.map((one, i): [string, Place] => {
      const name = one.at(-1)!;
      if (inSplits && one.length > 2) return [used[i], { className: one[1], part: partOf(one[0]), name }];
      return [used[i], { className: one.length > 1 && !inSplits ? one[0] : into, part: 'auto', name }];
    }),
  );
}
