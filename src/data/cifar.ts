/**
 * CIFAR-10 and CIFAR-100 (Krizhevsky, 2009; https://www.cs.toronto.edu/~kriz/cifar.html) in their binary layout.
 *
 * A file is a row of records without header: one label byte (CIFAR-10) or a coarse and a fine one (CIFAR-100; the
 * fine one is used), then 3072 bytes of pixels, planes of red, green and blue of 32 rows each.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { randomCrop, randomHorizontalFlip } from './augment.js';
import { cacheFolder } from './cache-folder.js';
import type { Archive } from './cifar-download.js';
import { cifar100Names, cifar10Names } from './cifar-names.js';
import { DataError } from './data-error.js';
import { inWorker } from './in-worker.js';
import { optionalPackage } from './optional-package.js';
import {
  allocateShared,
  checkLabels,
  type ImageDataset,
  type ImageShape,
  imageSize,
  type Split,
} from './dataset.js';

/** Where the files of CIFAR are, or come from. */
export interface CifarOptions {
  /**
   * The folder with the .bin files, or the one around it. Left out, the data live in a cache folder: in
   * `$TRACT_DATA_DIR`, or `tract-ts` in the user's folder for caches.
   */
  readonly dir?: string;
  /**
   * Whether to download what is not there, and from where if not from the dataset's home page; default true without
   * `dir` and false with it.
   */
  readonly download?: boolean | DownloadSource;
  /** Called as a download goes on, with the bytes there are and the bytes in all where the server says so. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  /** Ends a download; a later one goes on from there. */
  readonly signal?: AbortSignal;
}

/** Another place that has the archive. */
export interface DownloadSource {
  readonly url?: string;
  /** Its MD5 checksum, when it differs from the official archive's. */
  readonly md5?: string;
}

/** What tells one of the two datasets from the other. */
interface Layout {
  readonly name: string;
  readonly title: string;
  readonly archive: Archive;
  readonly namesFile: string;
  readonly classNames: readonly string[];
  /** Bytes before the pixels of a record; the last of them is the label. */
  readonly labelBytes: number;
  readonly trainFiles: readonly string[];
  readonly testFiles: readonly string[];
  /** Records of the largest official file. */
  readonly mostRecords: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

const imageShape: ImageShape = [3, 32, 32];
/** The archives have 170.1 and 168.5 MB. */
const largestArchive = 200e6;
/** A hundred names take less than a sixtieth of it. */
const largestNames = 65_536;
const homePage = 'https://www.cs.toronto.edu/~kriz';

const layout10: Layout = {
  name: 'cifar10',
  title: 'CIFAR-10',
  archive: {
    url: `${homePage}/cifar-10-binary.tar.gz`,
    md5: 'c32a1d4ab5d03f1284b67883e8d87530',
    largest: largestArchive,
    folder: 'cifar-10-batches-bin',
    files: [
      'data_batch_1.bin',
      'data_batch_2.bin',
      'data_batch_3.bin',
      'data_batch_4.bin',
      'data_batch_5.bin',
      'test_batch.bin',
      'batches.meta.txt',
    ],
  },
  namesFile: 'batches.meta.txt',
  classNames: cifar10Names,
  labelBytes: 1,
  trainFiles: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
  testFiles: ['test_batch.bin'],
  mostRecords: 10_000,
  mean: [0.4914, 0.4822, 0.4465],
  deviation: [0.2023, 0.1994, 0.201],
};

const layout100: Layout = {
  name: 'cifar100',
  title: 'CIFAR-100',
  archive: {
    url: `${homePage}/cifar-100-binary.tar.gz`,
    md5: '03b5dce01913d631647c71ecec9e9cb8',
    largest: largestArchive,
    folder: 'cifar-100-binary',
    files: ['train.bin', 'test.bin', 'fine_label_names.txt'],
  },
  namesFile: 'fine_label_names.txt',
  classNames: cifar100Names,
  labelBytes: 2,
  trainFiles: ['train.bin'],
  testFiles: ['test.bin'],
  mostRecords: 50_000,
  mean: [0.5071, 0.4865, 0.4409],
  deviation: [0.2673, 0.2564, 0.2762],
};

/**
 * CIFAR-10: 50,000 training and 10,000 test images of 10 classes, 32x32 RGB.
 *
 * @throws DataError naming the file, when one is missing, truncated, oversized, or holds a label out of range; and
 *   when a download fails
 */
export function cifar10(options: CifarOptions = {}): Promise<ImageDataset<Split>> {
  return cifar(layout10, options);
}

/**
 * CIFAR-100: 50,000 training and 10,000 test images of 100 classes, 32x32 RGB.
 *
 * @throws DataError as `cifar10` does
 */
export function cifar100(options: CifarOptions = {}): Promise<ImageDataset<Split>> {
  return cifar(layout100, options);
}

async function cifar(layout: Layout, options: CifarOptions): Promise<ImageDataset<Split>> {
  const folder = await findFolder(layout, options);
  return inWorker({
    name: layout.name,
    classNames: await readNames(layout, folder),
    imageShape,
    mean: layout.mean,
    deviation: layout.deviation,
    augmentation: [randomCrop({ padding: 4 }), randomHorizontalFlip()],
    train: await readSplit(layout, folder, layout.trainFiles),
    test: await readSplit(layout, folder, layout.testFiles),
  });
}

/** The folder with the .bin files, after a download if need be. */
async function findFolder(layout: Layout, options: CifarOptions): Promise<string> {
  const { archive, title, trainFiles, testFiles } = layout;
  const { dir = cacheFolder(), download = options.dir === undefined, onProgress, signal } = options;
  const inner = join(dir, archive.folder);
  for (const folder of [inner, dir]) {
    for (const file of [...trainFiles, ...testFiles]) if (await exists(join(folder, file))) return folder;
  }
  if (download !== false) {
    const source = download === true ? archive : { ...archive, ...download };
    const { fetchArchive } = await optionalPackage('tar', 'Unpacking a download', () => {
      return import('./cifar-download.js');
    });
    await fetchArchive(source, dir, { ...(onProgress && { onProgress }), ...(signal && { signal }) });
    return inner;
  }
  throw new DataError(
    `There is no ${title} in ${dir}: neither it nor ${inner} holds ${trainFiles[0]}. ` +
      `Give the folder that has the files of ${archive.url}, or leave it out to have them downloaded.`,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readNames(layout: Layout, folder: string): Promise<readonly string[]> {
  const { classNames, namesFile } = layout;
  const path = join(folder, namesFile);
  if (!(await exists(path))) return classNames;
  const names = (await readText(path, layout))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length !== classNames.length) {
    throw new DataError(
      `${path} names ${names.length} classes, one a line, but there are ${classNames.length}. Correct the file, or delete it to have the official names.`,
    );
  }
  return names;
}

/** The text of the file of names. */
async function readText(path: string, layout: Layout): Promise<string> {
  const file = await openFile(path, layout);
  try {
    const { size } = await file.stat();
    if (size > largestNames) {
      throw new DataError(
        `${path} has ${size} bytes, but a file of class names has at most ${largestNames}. Correct the file, or delete it to have the official names.`,
      );
    }
    const bytes = Buffer.alloc(size);
    await fill(file, bytes, `${path} became shorter while it was read.`);
    return bytes.toString('utf8');
  } finally {
    await file.close();
  }
}

async function readSplit(layout: Layout, folder: string, names: readonly string[]): Promise<Split> {
  const files: FileHandle[] = [];
  try {
    const counts: number[] = [];
    for (const name of names) {
      const file = await openFile(join(folder, name), layout);
      files.push(file);
      counts.push(await countRecords(file, join(folder, name), layout));
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    const split = { images: allocateShared(total * imageSize(imageShape)), labels: allocateShared(total) };
    let first = 0;
    for (const [index, file] of files.entries()) {
      const end = first + counts[index];
      const images = split.images.subarray(first * imageSize(imageShape), end * imageSize(imageShape));
      await readRecords(file, join(folder, names[index]), layout, {
        images,
        labels: split.labels.subarray(first, end),
      });
      first = end;
    }
    return split;
  } finally {
    for (const file of files) await file.close();
  }
}

async function openFile(path: string, { title, archive }: Layout): Promise<FileHandle> {
  try {
    // Looked at before it is opened: a pipe would be waited for.
    if ((await stat(path)).isFile()) return await open(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new DataError(
      `${path} ${missing ? 'is missing' : `cannot be read (${(error as Error).message})`}; ${title} consists of ${archive.files.join(', ')}. ${wayOut(archive)}`,
      { cause: error },
    );
  }
  throw new DataError(`${path} is not a file. ${wayOut(archive)}`);
}

/** The number of records of a file, told by its size. */
async function countRecords(file: FileHandle, path: string, layout: Layout): Promise<number> {
  const { labelBytes, mostRecords, title, archive } = layout;
  const recordSize = labelBytes + imageSize(imageShape);
  const { size } = await file.stat();
  const found = `${path} has ${size} bytes`;
  if (size === 0 || size % recordSize !== 0) {
    throw new DataError(
      `${found}, which is not a whole number of records of ${recordSize} bytes (${size % recordSize} bytes are left over): it is truncated, or not of ${title}. ${wayOut(archive)}`,
    );
  }
  if (size > mostRecords * recordSize) {
    throw new DataError(
      `${found}, ${size / recordSize} records of ${recordSize} bytes, but a file of ${title} has at most ${mostRecords}. ${wayOut(archive)}`,
    );
  }
  return size / recordSize;
}

/** Room for the records of a file. */
interface Records {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** Reads as many records as the split has room for. */
async function readRecords(file: FileHandle, path: string, layout: Layout, split: Records): Promise<void> {
  const { labelBytes, classNames, archive } = layout;
  const pixels = imageSize(imageShape);
  const recordSize = labelBytes + pixels;
  // A thousand records at a time, so that a file is not held twice.
  const buffer = Buffer.alloc(recordSize * Math.min(split.labels.length, 1000));
  for (let first = 0; first < split.labels.length; first += 1000) {
    const count = Math.min(split.labels.length - first, 1000);
    await fill(file, buffer.subarray(0, count * recordSize), `${path} became shorter while it was read.`);
    for (let record = 0; record < count; record++) {
      const start = record * recordSize + labelBytes;
      split.labels[first + record] = buffer[start - 1]!;
      split.images.set(buffer.subarray(start, start + pixels), (first + record) * pixels);
    }
  }
  checkLabels(split.labels, classNames.length, path, wayOut(archive));
}

/** Fills a buffer from where the file was read to last. */
async function fill(file: FileHandle, buffer: Buffer, message: string): Promise<void> {
  for (let filled = 0; filled < buffer.length;) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
    if (bytesRead === 0) throw new DataError(message);
    filled += bytesRead;
  }
}

const wayOut = ({ url }: Archive): string => `Replace the folder by that of ${url}.`;
