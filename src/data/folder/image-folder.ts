/** Datasets of one's own pictures, as files in folders. */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { OptionError } from '../../tensor/option-error.js';
import { randomCrop, randomHorizontalFlip } from '../augment.js';
import { DataError } from '../data-error.js';
import type { ImageDataset } from '../dataset.js';
import { checkBackground, decoderVersion, pictureSize, readPictureBytes } from '../decode-picture.js';
import { imageDataset } from '../image-dataset.js';
import { type ImageShape, type Images, imageSize } from '../image-source.js';
import type { ImageTransform } from '../image-transform.js';
import { inWorker } from '../in-worker.js';
import { centerCrop, randomResizedCrop } from '../resize.js';
import { setApart } from '../split-validation.js';
import { Subset } from '../subset.js';
import { sides } from '../transform-options.js';
import { type ClassFiles, checkSameClasses, findClassFiles } from './class-files.js';
import type { FolderConfig, PictureDecoding } from './folder-config.js';
import { type FolderReport, type ReportedPicture, folderReport } from './folder-report.js';
import { FolderSource, storePathsOf } from './folder-source.js';
import { type Scan, scanStatistics } from './scan.js';
import { DEFAULT_CACHE, ScanFolder } from './scan-folder.js';
import { scanPictures } from './scan-pictures.js';
import type { SplitName } from './splits.js';

/** How the pictures of a folder are used. */
export interface ImageFolderOptions {
  /**
   * Of the images in a batch, in pixels: [height, width], or one number for both. Default: the usual shorter side of the
   * pictures, 224 at most.
   */
  readonly size?: number | readonly [height: number, width: number];
  /** 3 for colour (the default), 1 for grey. */
  readonly channels?: 1 | 3;
  /** What transparency is laid over. Default `#ffffff`. */
  readonly background?: string;
  /**
   * What pictures are scaled to cover before any transform: [height, width], or one number for both. What sticks out
   * stays for the crops that follow. `null` for the size itself, with nothing sticking out. Default: `null` for sizes up
   * to 64 pixels, 8/7 of the size for larger ones (256 pixels for 224).
   */
  readonly resize?: number | readonly [height: number, width: number] | null;
  /**
   * What training images go through. Default: a random crop with an eighth of the size as padding where `resize` is
   * `null`, else `randomResizedCrop`; and `randomHorizontalFlip`.
   */
  readonly augmentation?: readonly ImageTransform[];
  /** What images that are not augmented go through. Default: nothing where `resize` is `null`, else `centerCrop`. */
  readonly evaluation?: readonly ImageTransform[];
  /** The classes in another order than that of their names, such as a model's; they have to be the folder's. */
  readonly classNames?: readonly string[];
  /**
   * The share of every class that becomes the test images where the folder has none. 1 for all images, which are the
   * training images, too: to evaluate what was trained elsewhere. Default 0.2.
   */
  readonly testShare?: number;
  /** Of the draw of test images. Default 0. */
  readonly seed?: number;
  /** Mean and deviation of each channel, of pixels scaled to [0, 1]. Default: those of the training images as decoded. */
  readonly statistics?: { readonly mean: readonly number[]; readonly deviation: readonly number[] };
  /** Default: the name of the folder. */
  readonly name?: string;
  /** Threads that make batches. Default: one less than there are cores, from 1 to 8. */
  readonly workers?: number;
  /** What decoded pictures may take on the disk, those of all folders together, in bytes; 0 keeps nothing. Default 4e9. */
  readonly cacheBytes?: number;
  /** Where they are kept. Default: `pictures` in the folder for downloaded data (see `cifar10`). */
  readonly cacheDir?: string;
  /** Called during the first pass, with the pictures that are done of those that have to be looked at. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the first pass; another call goes on from there. */
  readonly signal?: AbortSignal;
}

/** A dataset of pictures in files. */
export interface FolderDataset extends ImageDataset {
  readonly folder: FolderConfig;
  /** What the first pass has found. */
  readonly report: FolderReport;
}

/** Whether a dataset is of a folder. */
export const isFolderDataset = (dataset: ImageDataset): dataset is FolderDataset => 'report' in dataset;

/** Pictures up to this size are scaled to it at once, and varied by a crop from a border. */
const SMALL = 64;
const LARGEST_DEFAULT = 224;
const TEST_SHARE = 0.2;

/**
 * A dataset of the pictures in a folder.
 *
 * The folder has one folder for each class; or `train` (`training`) with `val` (`valid`, `validation`) or `test`
 * (`testing`), each with one folder for each class; or it is a table, a `.csv` file of path and label, and `split` where
 * there are several. Where there is `val` and no `test`, the `val` pictures are the test images. Where there is neither, a
 * share of every class becomes the test images, drawn by a seed. Classes are matched by their names. Pictures are in the
 * order of their names, those of a table in its order.
 *
 * Whatever sharp reads of JPEG, PNG, WebP, GIF, AVIF and TIFF is taken as `readImage` does. The first pass decodes every
 * picture once and keeps what it finds, pixels included, so that later starts and epochs cost no decoding; files that
 * cannot be read are left out, and are in the `report`. A file that changes or vanishes while it is trained on is an
 * error, unless its pixels are kept.
 *
 * @throws DataError for a folder that is none of these, splits whose classes differ, and no picture that can be read
 * @throws OptionError, RangeError for an option out of range
 * @throws the signal's reason when it is aborted
 */
export async function imageFolder(dir: string, options: ImageFolderOptions = {}): Promise<FolderDataset> {
  const { background = '#ffffff', channels = 3, testShare = TEST_SHARE, seed = 0 } = options;
  checkOptions(options);
  const path = resolve(dir);
  const found = await findClassFiles(path);
  const classNames = options.classNames ?? found.classNames;
  if (options.classNames) checkSameClasses('the classes asked for', classNames, path, found.classNames);
  const labelOf = found.classNames.map((name) => classNames.indexOf(name));
  const size = sides('size', options.size ?? (await usualSide(found)));
  const decoding = decodingOf(size, options.resize, { channels, background });
  const folder = await openCache(path, decoding, options);
  const scanned = await scanPictures(
    found.root,
    found.files.map((file) => file.path),
    decoding,
    {
      ...(folder && { folder }),
      ...(options.onProgress && { onProgress: options.onProgress }),
      ...(options.signal && { signal: options.signal }),
    },
  );
  const { scan } = scanned;
  const entries = Uint32Array.from(found.files.keys()).filter((entry) => scan.isGood(entry));
  if (entries.length === 0) {
    throw new DataError(
      `None of the ${found.files.length} pictures in ${path} can be read: ${found.files[0].path} ${scan.problems.get(0) ?? ''}`,
    );
  }
  const source = new FolderSource({
    root: found.root,
    paths: scanned.paths,
    entries,
    labels: Int32Array.from(entries, (entry) => labelOf[found.files[entry].label]),
    sizes: scan.sizes,
    hashes: scan.hashes,
    stores: scan.stores,
    offsets: scan.offsets,
    storePaths: folder ? storePathsOf(folder.path, scanned.stores) : [],
    decoding,
  });
  const imageShape: ImageShape = [channels, ...size];
  const name = options.name ?? basename(path);
  const { drawn, ...splits } = splitsOf(source, found, entries, { share: testShare, seed }, imageShape, name);
  const dataset = await imageDataset({
    images: splits.train,
    ...(splits.validation && { validation: splits.validation }),
    test: splits.test,
    imageShape,
    classNames,
    name,
    statistics:
      options.statistics ??
      scanStatistics(
        scan,
        splits.train.indices.map((index) => entries[index]),
      ),
    augmentation: options.augmentation ?? usualAugmentation(size, decoding),
    evaluation: options.evaluation ?? (decoding.cut ? [] : [centerCrop({ size })]),
  });
  return {
    ...inWorker(dataset, { workers: options.workers ?? usualWorkers() }),
    folder: {
      path,
      size,
      decoding,
      drawn: drawn ? { share: testShare, seed } : null,
      fingerprint: fingerprintOf(found, scan, entries),
    },
    report: {
      ...folderReport(scan, reportedPictures(splits, source, entries), classNames),
      broken: [...scan.problems].map(([entry, reason]) => ({ path: found.files[entry].path, reason })),
      otherFiles: found.otherFiles,
      otherFolders: found.otherFolders,
    },
  };
}

/** What a checkpoint holds of a folder's dataset: `config.data`. */
export interface KeptFolder extends Pick<ImageDataset, 'name' | 'classNames' | 'mean' | 'deviation'> {
  readonly folder?: FolderConfig;
}

/** Where and how a folder is read again; what decides on its images is the run's. */
export interface ReopenOptions extends Pick<
  ImageFolderOptions,
  'workers' | 'cacheBytes' | 'cacheDir' | 'onProgress' | 'signal'
> {
  /** Where the folder is now. Default: where it was. */
  readonly dir?: string;
}

/**
 * The dataset of a run, once more: the same pictures in the same splits.
 *
 * @param data `config.data` of the run's checkpoint
 * @throws DataError for pictures that are others than the run's, and as `imageFolder`
 */
export async function reopenImageFolder(
  data: KeptFolder,
  { dir, ...options }: ReopenOptions = {},
): Promise<FolderDataset> {
  const { name, classNames, mean, deviation, folder } = data;
  if (!folder) throw new DataError(`${name} is no folder of pictures.`);
  const { path, size, decoding, drawn, fingerprint } = folder;
  const found = await imageFolder(dir ?? path, {
    ...options,
    ...decodingOptions(decoding),
    size,
    classNames,
    name,
    statistics: { mean, deviation },
    ...(drawn && { testShare: drawn.share, seed: drawn.seed }),
  });
  if (found.folder.fingerprint === fingerprint) return found;
  throw new DataError(
    `The pictures in ${found.folder.path} are others than those the run was begun with (or another version of sharp decodes them otherwise), so that it cannot go on. Put them back as they were, or begin a new run.`,
  );
}

/** The options that lead to a decoding. */
export function decodingOptions({
  channels,
  background,
  cover,
  cut,
}: PictureDecoding): Pick<ImageFolderOptions, 'channels' | 'background' | 'resize'> {
  return { channels, background, resize: cut ? null : cover };
}

/**
 * The file of an image of a folder's split, relative to the folder of its dataset or absolute.
 *
 * @returns undefined for images that are from no folder
 */
export function pictureFile(images: Images, index: number): string | undefined {
  if (images instanceof Subset) return pictureFile(images.source, images.indices[index]);
  return images instanceof FolderSource ? images.path(index) : undefined;
}

/** @throws OptionError */
function checkOptions({
  background,
  channels,
  testShare,
  seed,
  workers,
  cacheBytes,
}: ImageFolderOptions): void {
  const checks: readonly (readonly [string, unknown, (value: number) => boolean, string])[] = [
    ['channels', channels, (value) => value === 1 || value === 3, '1 or 3'],
    ['testShare', testShare, (value) => value > 0 && value <= 1, 'a number above 0 and at most 1'],
    ['seed', seed, Number.isSafeInteger, 'a whole number'],
    [
      'workers',
      workers,
      (value) => Number.isInteger(value) && value >= 1 && value <= 64,
      'a whole number from 1 to 64',
    ],
    ['cacheBytes', cacheBytes, (value) => value >= 0, 'a number of at least 0'],
  ];
  for (const [name, value, accepts, range] of checks) {
    if (value === undefined || (typeof value === 'number' && accepts(value))) continue;
    throw new OptionError(`imageFolder: ${name} must be ${range}, not ${JSON.stringify(value)}`);
  }
  if (background !== undefined) checkBackground(background);
}

const usualWorkers = (): number => Math.min(Math.max(availableParallelism() - 1, 1), 8);

/** How pictures become the size. */
function decodingOf(
  size: readonly [height: number, width: number],
  resize: ImageFolderOptions['resize'],
  others: Pick<PictureDecoding, 'channels' | 'background'>,
): PictureDecoding {
  const given = resize === undefined && Math.max(...size) > SMALL ? enlarged(size) : (resize ?? null);
  if (given === null) return { ...others, cover: size, cut: true };
  const cover = sides('resize', given);
  if (cover[0] >= size[0] && cover[1] >= size[1]) return { ...others, cover, cut: false };
  throw new OptionError(
    `imageFolder: resize is ${cover.join(' x ')}, which does not cover the size of ${size.join(' x ')}`,
  );
}

const enlarged = ([height, width]: readonly [number, number]): readonly [number, number] => [
  Math.round((height * 8) / 7),
  Math.round((width * 8) / 7),
];

function usualAugmentation(size: readonly [number, number], { cut }: PictureDecoding): ImageTransform[] {
  const crop = cut ? randomCrop({ padding: Math.floor(Math.min(...size) / 8) }) : randomResizedCrop({ size });
  return [crop, randomHorizontalFlip()];
}

/** Pictures whose headers say how large pictures usually are. */
const SAMPLE = 100;

/** The median of the shorter sides of some pictures, 224 at most. */
async function usualSide({ root, files }: ClassFiles): Promise<number> {
  const count = Math.min(SAMPLE, files.length);
  const shorter: number[] = [];
  for (let i = 0; i < count; i++) {
    const { path } = files[Math.floor((i * files.length) / count)];
    const read = await readPictureBytes(resolve(root, path)).catch(() => undefined);
    const found = read && (await pictureSize(read.bytes));
    if (found) shorter.push(Math.min(...found));
  }
  shorter.sort((a, b) => a - b);
  return Math.min(LARGEST_DEFAULT, shorter.at(shorter.length >> 1) ?? LARGEST_DEFAULT);
}

async function openCache(
  path: string,
  decoding: PictureDecoding,
  { cacheBytes = DEFAULT_CACHE, cacheDir }: ImageFolderOptions,
): Promise<ScanFolder | undefined> {
  if (cacheBytes === 0) return undefined;
  return ScanFolder.open({ path, decoding, decoder: await decoderVersion() }, cacheBytes, cacheDir);
}

/** Images of a source, by split; no two of them share an image, but where all are test images. */
interface FolderSplits {
  readonly train: Subset;
  readonly validation?: Subset;
  readonly test: Subset;
}

function splitsOf(
  source: FolderSource,
  { files }: ClassFiles,
  entries: Uint32Array,
  draw: { readonly share: number; readonly seed: number },
  shape: ImageShape,
  name: string,
): FolderSplits & { readonly drawn: boolean } {
  const of = (split: SplitName): Subset => {
    const every = Uint32Array.from(entries.keys());
    return new Subset(
      source,
      every.filter((index) => files[entries[index]].split === split),
    );
  };
  const [train, validation, test] = [of('train'), of('validation'), of('test')];
  if (draw.share === 1) {
    const last = [test, validation, train].find(({ count }) => count > 0)!;
    return { train: last, test: last, drawn: true };
  }
  if (test.count > 0) return { train, ...(validation.count > 0 && { validation }), test, drawn: false };
  // Nothing is chosen on the images that a run is reported on.
  if (validation.count > 0) return { train, test: validation, drawn: false };
  const parts = setApart(train, imageSize(shape), draw, 'test', name);
  // Of a source they are subsets.
  const [kept, chosen] = parts.map(
    (part) =>
      new Subset(
        source,
        (part as Subset).indices.map((index) => train.indices[index]),
      ),
  );
  return { train: kept, test: chosen, drawn: true };
}

function reportedPictures(
  splits: FolderSplits,
  source: FolderSource,
  entries: Uint32Array,
): ReportedPicture[] {
  const { train, validation, test } = splits;
  const named: [SplitName, Subset | undefined][] = [
    ['train', train === test ? undefined : train],
    ['validation', validation],
    ['test', test],
  ];
  return named.flatMap(([split, images]) =>
    Array.from(images?.indices ?? [], (index) => ({
      entry: entries[index],
      path: source.path(index),
      label: source.label(index),
      split,
    })),
  );
}

/** Of all pixels, with classes and splits in their order. */
function fingerprintOf({ files, classNames }: ClassFiles, scan: Scan, entries: Uint32Array): string {
  const hash = createHash('sha256').update(JSON.stringify(classNames));
  for (const entry of entries) {
    const { split, label } = files[entry];
    hash.update(`${split} ${label} `).update(scan.hash(entry));
  }
  return hash.digest('hex').slice(0, 32);
}
