/**
 * A scan as it is kept between starts: a safetensors file of its columns. It is a cache: whoever finds that it is none,
 * or of other pictures, looks at the pictures again.
 */
import { fromSafetensors, SafetensorsError, toSafetensors } from '../../tensor/safetensors.js';
import { type Tensor, type TypedArrays, tensor } from '../../tensor/tensor.js';
import { DataError } from '../data-error.js';
import { isPixelFile } from './pixel-files.js';
import { HASH_BYTES, Scan } from './scan.js';
import { type PackedTexts, packTexts, textAt } from './texts.js';

/** A scan with what its entries are of. */
export interface KeptScan {
  readonly scan: Scan;
  /** Of each entry. */
  readonly paths: PackedTexts;
  /** The names of the files of pixels that entries point to. */
  readonly stores: readonly string[];
}

/** Another form of the file is another version. */
const VERSION = '1';
const MOST_STORES = 1000;
const LONGEST_PROBLEM = 400;

export function toKeptScan({ scan, paths, stores }: KeptScan): Uint8Array {
  const { count, channels } = scan;
  const problems = [...scan.problems];
  const texts = packTexts(problems.map(([, problem]) => problem.slice(0, LONGEST_PROBLEM)));
  const tensors = {
    stamps: tensor('float64', [count, 2], scan.stamps),
    sums: tensor('float64', [count, 2 * channels], scan.sums),
    offsets: tensor('float64', [count], scan.offsets),
    path_ends: tensor('float64', [count], paths.ends),
    problem_ends: tensor('float64', [problems.length], texts.ends),
    sizes: tensor('int32', [count, 4], scan.sizes),
    stores: tensor('int32', [count], scan.stores),
    problems: tensor(
      'int32',
      [problems.length],
      problems.map(([index]) => index),
    ),
    hashes: tensor('uint8', [count, HASH_BYTES], scan.hashes),
    paths: tensor('uint8', [paths.bytes.length], paths.bytes),
    problem_texts: tensor('uint8', [texts.bytes.length], texts.bytes),
  };
  return toSafetensors({ tensors, metadata: { version: VERSION, stores: JSON.stringify(stores) } });
}

/**
 * Reads what `toKeptScan` wrote.
 *
 * @throws DataError for anything else, naming what is wrong
 */
export function fromKeptScan(bytes: Uint8Array, channels: number): KeptScan {
  let read;
  try {
    read = fromSafetensors(bytes);
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw new DataError(`What is kept of the pictures cannot be used: ${error.message}.`, { cause: error });
  }
  const { tensors, metadata } = read;
  if (metadata.version !== VERSION) throw wrong('it is of another version');
  const lengthOf = (name: string): number => (tensors[name] as Tensor | undefined)?.shape.at(0) ?? 0;
  const [count, problemCount] = [lengthOf('stamps'), lengthOf('problems')];
  const scan = new Scan(count, channels);
  scan.stamps.set(column(tensors, 'stamps', 'float64', [count, 2]));
  scan.sums.set(column(tensors, 'sums', 'float64', [count, 2 * channels]));
  scan.offsets.set(column(tensors, 'offsets', 'float64', [count]));
  scan.sizes.set(column(tensors, 'sizes', 'int32', [count, 4]));
  scan.stores.set(column(tensors, 'stores', 'int32', [count]));
  scan.hashes.set(column(tensors, 'hashes', 'uint8', [count, HASH_BYTES]));
  const paths = texts(tensors, 'paths', 'path_ends', count);
  const problems = texts(tensors, 'problem_texts', 'problem_ends', problemCount);
  column(tensors, 'problems', 'int32', [problemCount]).forEach((index, i) => {
    if (index < 0 || index >= count) throw wrong('a problem is of no picture');
    scan.problems.set(index, textAt(problems, i).slice(0, LONGEST_PROBLEM));
  });
  const stores = storeNames(metadata.stores);
  checkColumns(scan, stores.length);
  return { scan, paths, stores };
}

const wrong = (what: string): DataError =>
  new DataError(`What is kept of the pictures cannot be used: ${what}.`);

function column<D extends 'float64' | 'int32' | 'uint8'>(
  tensors: Readonly<Record<string, Tensor>>,
  name: string,
  dtype: D,
  shape: readonly number[],
): TypedArrays[D] {
  const found = tensors[name] as Tensor | undefined;
  if (found?.dtype !== dtype || found.shape.join() !== shape.join()) {
    throw wrong(`${name} is no ${dtype} [${shape.join(', ')}]`);
  }
  return found.data as TypedArrays[D];
}

function texts(
  tensors: Readonly<Record<string, Tensor>>,
  name: string,
  endsName: string,
  count: number,
): PackedTexts {
  const ends = column(tensors, endsName, 'float64', [count]);
  const length = (tensors[name] as Tensor | undefined)?.data.length ?? 0;
  const bytes = column(tensors, name, 'uint8', [length]);
  let last = 0;
  for (const end of ends) {
    if (!Number.isSafeInteger(end) || end < last || end > length) throw wrong(`${endsName} are not in order`);
    last = end;
  }
  if (last !== length) throw wrong(`${name} are longer than their ends say`);
  return { bytes, ends };
}

function storeNames(text: string | undefined): string[] {
  let names: unknown;
  try {
    names = JSON.parse(text ?? '');
  } catch {
    throw wrong('its list of files is no JSON');
  }
  if (!Array.isArray(names) || names.length > MOST_STORES) throw wrong('its list of files is none');
  for (const name of names) {
    // It becomes a part of a path.
    if (typeof name !== 'string' || !isPixelFile(name)) throw wrong('it names a file that holds no pixels');
  }
  return names as string[];
}

/** No picture is decoded to more pixels. */
const MOST_PIXELS = 2 ** 32;

function checkColumns({ count, channels, sizes, stores, offsets, sums }: Scan, files: number): void {
  for (let index = 0; index < count; index++) {
    const [height, width, rows, columns] = sizes.subarray(4 * index, 4 * index + 4);
    const none = height === 0 && width === 0;
    if (!none && (height < 1 || width < 1 || rows < 1 || columns < 1 || height * width > MOST_PIXELS)) {
      throw wrong(`the size of picture ${index} is none`);
    }
    if (stores[index] < -1 || stores[index] >= files || (none && stores[index] >= 0)) {
      throw wrong(`picture ${index} is in no file`);
    }
    if (!Number.isSafeInteger(offsets[index]) || offsets[index] < 0) {
      throw wrong(`picture ${index} begins nowhere`);
    }
    for (let k = 0; k < 2 * channels; k++) {
      const sum = sums[2 * channels * index + k];
      const most = height * width * (k < channels ? 255 : 255 * 255);
      if (!Number.isSafeInteger(sum) || sum < 0 || sum > most)
        throw wrong(`the sums of picture ${index} are none`);
    }
  }
}
