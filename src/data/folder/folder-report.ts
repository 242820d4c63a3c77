/** What the first pass over a folder has found that its owner should know of. */
import { counted } from '../../tensor/counted.js';
import type { Scan } from './scan.js';
import { HASH_BYTES } from './scan.js';
import { type SplitName, splitNames } from './splits.js';

/** A file that is left out. */
export interface BrokenPicture {
  /** Relative to the folder. */
  readonly path: string;
  readonly reason: string;
}

/** How many pictures of a class there are. */
export interface ClassCount {
  readonly name: string;
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** What was found in a folder of pictures. */
export interface FolderReport {
  /** That can be read. */
  readonly pictures: number;
  readonly broken: readonly BrokenPicture[];
  /** Files that are no pictures by their names. */
  readonly otherFiles: number;
  /** Folders beside those of splits, which are left out. */
  readonly otherFolders: readonly string[];
  readonly classes: readonly ClassCount[];
  /** Paths of pictures with the same pixels, of one class and one split. */
  readonly duplicates: readonly (readonly string[])[];
  /** Paths of pictures with the same pixels in more than one split: what is tested was trained on. */
  readonly acrossSplits: readonly (readonly string[])[];
  /** Paths of pictures with the same pixels in more than one class: at most one of them can be right. */
  readonly acrossClasses: readonly (readonly string[])[];
  /** Height and width in the files. */
  readonly sizes: {
    /** By the number of pixels. */
    readonly smallest: readonly [height: number, width: number];
    readonly median: readonly [height: number, width: number];
    readonly largest: readonly [height: number, width: number];
    /** Pictures that had to be made larger. */
    readonly enlarged: number;
  };
}

/** A picture that can be read. */
export interface ReportedPicture {
  readonly entry: number;
  readonly path: string;
  readonly label: number;
  readonly split: SplitName;
}

/** @param pictures all that can be read, in their splits as they are used */
export function folderReport(
  scan: Scan,
  pictures: readonly ReportedPicture[],
  classNames: readonly string[],
): Pick<FolderReport, 'pictures' | 'classes' | 'duplicates' | 'acrossSplits' | 'acrossClasses' | 'sizes'> {
  const classes = classNames.map((name) => ({ name, train: 0, validation: 0, test: 0 }));
  for (const { label, split } of pictures) classes[label][split]++;
  const groups = equalPictures(scan, pictures);
  const differ = (group: readonly ReportedPicture[], key: 'split' | 'label'): boolean =>
    group.some((one) => one[key] !== group[0][key]);
  const paths = (some: readonly (readonly ReportedPicture[])[]): string[][] =>
    some.map((group) => group.map(({ path }) => path));
  return {
    pictures: pictures.length,
    classes,
    duplicates: paths(groups.filter((group) => !differ(group, 'split') && !differ(group, 'label'))),
    acrossSplits: paths(groups.filter((group) => differ(group, 'split'))),
    acrossClasses: paths(groups.filter((group) => differ(group, 'label'))),
    sizes: sizesOf(scan, pictures),
  };
}

/** Pictures of equal pixels. */
function equalPictures(scan: Scan, pictures: readonly ReportedPicture[]): ReportedPicture[][] {
  const byHash = new Map<string, ReportedPicture | ReportedPicture[]>();
  const all = Buffer.from(scan.hashes.buffer, scan.hashes.byteOffset, scan.hashes.length);
  for (const picture of pictures) {
    const start = picture.entry * HASH_BYTES;
    const key = all.toString('latin1', start, start + HASH_BYTES);
    const found = byHash.get(key);
    if (found === undefined) byHash.set(key, picture);
    else if (Array.isArray(found)) found.push(picture);
    else byHash.set(key, [found, picture]);
  }
  return [...byHash.values()].filter((group) => Array.isArray(group));
}

function sizesOf(scan: Scan, pictures: readonly ReportedPicture[]): FolderReport['sizes'] {
  const area = (entry: number): number => scan.sizes[4 * entry + 2] * scan.sizes[4 * entry + 3];
  const byArea = pictures.map(({ entry }) => entry).sort((a, b) => area(a) - area(b));
  const at = (position: number): readonly [number, number] => {
    const entry = byArea[position];
    return [scan.sizes[4 * entry + 2], scan.sizes[4 * entry + 3]];
  };
  const enlarged = byArea.filter((entry) => scan.sizes[4 * entry] > scan.sizes[4 * entry + 2]).length;
  return { smallest: at(0), median: at(byArea.length >> 1), largest: at(byArea.length - 1), enlarged };
}

/** A class with fewer training pictures is named. */
const FEW = 20;
/** Of a long list the first are named. */
const NAMED = 5;

/** A report in sentences: what there is, and then what should be looked at. */
export function reportSentences(report: FolderReport): string[] {
  const { pictures, classes, broken, otherFiles, otherFolders, sizes } = report;
  const used = splitNames.filter((split) => classes.some((each) => each[split] > 0));
  const counts = used.map((split) => `${classes.reduce((sum, each) => sum + each[split], 0)} ${split}`);
  const [smallest, median, largest] = [sizes.smallest, sizes.median, sizes.largest].map(
    ([height, width]) => `${width}x${height}`,
  );
  return [
    `${pictures} pictures of ${classes.length} classes (${counts.join(', ')}), from ${smallest} to ${largest} pixels, in the middle ${median}`,
    ...(broken.length > 0
      ? [
          `${counted(broken.length, 'file')} cannot be read and ${broken.length === 1 ? 'is' : 'are'} left out: ${some(broken.map(({ path, reason }) => `${path} (${withoutEnd(reason)})`))}`,
        ]
      : []),
    ...(report.acrossSplits.length > 0
      ? [
          `${counted(report.acrossSplits.length, 'picture')} ${report.acrossSplits.length === 1 ? 'is' : 'are'} in more than one split, which makes figures too good: ${groups(report.acrossSplits)}`,
        ]
      : []),
    ...(report.acrossClasses.length > 0
      ? [
          `${counted(report.acrossClasses.length, 'picture')} ${report.acrossClasses.length === 1 ? 'is' : 'are'} in more than one class: ${groups(report.acrossClasses)}`,
        ]
      : []),
    ...(report.duplicates.length > 0
      ? [
          `${counted(report.duplicates.length, 'picture')} ${report.duplicates.length === 1 ? 'is' : 'are'} there more than once: ${groups(report.duplicates)}`,
        ]
      : []),
    ...fewSentences(classes),
    ...(sizes.enlarged > 0 ? [`${counted(sizes.enlarged, 'picture')} had to be enlarged`] : []),
    ...(otherFiles > 0
      ? [
          otherFiles === 1
            ? '1 file is not a picture by its name'
            : `${otherFiles} files are not pictures by their names`,
        ]
      : []),
    ...(otherFolders.length > 0 ? [`left out: the folders ${some(otherFolders)}`] : []),
  ];
}

function fewSentences(classes: readonly ClassCount[]): string[] {
  const few = classes.filter(({ train }) => train < FEW);
  if (few.length === 0) return [];
  const named = few.sort((a, b) => a.train - b.train).map(({ name, train }) => `${name} (${train})`);
  return [`classes with fewer than ${FEW} training pictures: ${some(named)}`];
}

const some = (texts: readonly string[]): string =>
  `${texts.slice(0, NAMED).join(', ')}${texts.length > NAMED ? ` and ${texts.length - NAMED} more` : ''}`;
const groups = (all: readonly (readonly string[])[]): string =>
  some(
    all.map(
      (paths) => `${paths[0]} = ${paths[1]}${paths.length > 2 ? ` (and ${paths.length - 2} more)` : ''}`,
    ),
  );
const withoutEnd = (sentence: string): string => sentence.replace(/\.$/, '');
