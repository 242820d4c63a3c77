/** The first pass over pictures: decodes each once, and keeps what it finds for the next start. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { DataError } from '../data-error.js';
import { decodePicture, readPictureBytes } from '../decode-picture.js';
import { targetOf } from './decoding.js';
import type { PictureDecoding } from './folder-config.js';
import { type KeptScan } from './kept-scan.js';
import { pixelHash } from './pixel-hash.js';
import { PixelWriter } from './pixel-files.js';
import { Scan } from './scan.js';
import type { ScanFolder } from './scan-folder.js';
import { packTexts, textAt } from './texts.js';

/** How pictures are looked at. */
export interface ScanOptions {
  /** Where what is found is kept; left out, it is not. */
  readonly folder?: ScanFolder;
  /** Called as it goes on, with the pictures that are done of those that have to be looked at. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends it; what was found is kept. */
  readonly signal?: AbortSignal;
}

/** Pictures that are decoded at the same time. */
const AT_ONCE = 8;
/** Files whose stamps are looked at in one go. */
const STAMPS_AT_ONCE = 2000;
/** What was found is kept this often, in milliseconds: of a first pass of hours no more than this is lost. */
const KEEP_EVERY = 5 * 60_000;

/**
 * Looks at pictures: at all of them, or, where a scan was kept, at those that are new or have changed. A file is the same
 * as long as its length and the time of its last change are.
 *
 * @param root what paths are relative to
 * @throws the signal's reason when it is aborted
 */
export async function scanPictures(
  root: string,
  paths: readonly string[],
  decoding: PictureDecoding,
  { folder, onProgress, signal }: ScanOptions = {},
): Promise<KeptScan> {
  const kept = await folder?.read(decoding.channels);
  const scan = new Scan(paths.length, decoding.channels);
  const unknown = await takeOver(root, paths, scan, kept);
  const stores = [...(kept?.stores ?? [])];
  const room = folder ? await folder.makeRoom(missingBytes(scan, unknown.length, decoding)) : 0;
  // Those that are known, but were not kept for lack of room that there is now.
  const again = unkept(scan, unknown, room);
  const todo = Uint32Array.from([...unknown, ...again]).sort();
  const writer = folder && new PixelWriter(folder.path, room);
  if (writer) stores.push(writer.name);
  const packed = packTexts(paths);
  const target = targetOf(decoding);
  let saved = performance.now();
  let [next, done] = [0, 0];

  const look = async (index: number): Promise<void> => {
    const path = resolve(root, paths[index]);
    let stamped = false;
    try {
      const { bytes, changed } = await readPictureBytes(path);
      scan.stamps.set([bytes.length, changed], 2 * index);
      stamped = true;
      const picture = await decodePicture(bytes, path, target);
      const { data, height, width, original } = picture;
      scan.sizes.set([height, width, ...original], 4 * index);
      scan.hash(index).set(pixelHash(data, height, width));
      scan.sums.set(channelSums(data, decoding.channels), 2 * decoding.channels * index);
      scan.problems.delete(index);
      const offset = (await writer?.add(data)) ?? -1;
      if (offset >= 0) {
        scan.offsets[index] = offset;
        scan.stores[index] = stores.length - 1;
      }
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      scan.sizes.fill(0, 4 * index, 4 * index + 4);
      scan.problems.set(index, reasonOf(error, path));
      // A file that could not be read at all is tried again next time, changed or not.
      if (!stamped) scan.stamps.set([-1, -1], 2 * index);
    }
  };
  const work = async (): Promise<void> => {
    while (next < todo.length && !signal?.aborted) {
      await look(todo[next++]);
      onProgress?.(++done, todo.length);
      if (folder && performance.now() - saved > KEEP_EVERY) {
        saved = performance.now();
        await folder.write({ scan, paths: packed, stores });
      }
    }
  };
  if (todo.length > 0) onProgress?.(0, todo.length);
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (writer && !(await writer.close())) {
    for (let i = 0; i < scan.count; i++) if (scan.stores[i] === stores.length - 1) scan.stores[i] = -1;
    stores.pop();
  }
  const result = { scan, paths: packed, stores };
  if (folder && (todo.length > 0 || kept?.scan.count !== scan.count)) await folder.write(result);
  else await folder?.touch();
  signal?.throwIfAborted();
  return result;
}

/** Takes over what is known of files that have not changed; returns the others. */
async function takeOver(
  root: string,
  paths: readonly string[],
  scan: Scan,
  kept: KeptScan | undefined,
): Promise<number[]> {
  if (!kept) return paths.map((_, index) => index);
  const known = new Map<string, number>();
  for (let i = 0; i < kept.scan.count; i++) known.set(textAt(kept.paths, i), i);
  const unknown: number[] = [];
  for (let index = 0; index < paths.length; index++) {
    if (index % STAMPS_AT_ONCE === STAMPS_AT_ONCE - 1) await setImmediate();
    const from = known.get(paths[index]);
    if (from !== undefined && isUnchanged(resolve(root, paths[index]), kept.scan, from)) {
      scan.copy(index, kept.scan, from);
    } else unknown.push(index);
  }
  return unknown;
}

function isUnchanged(path: string, scan: Scan, index: number): boolean {
  if (!scan.isGood(index) && !scan.problems.has(index)) return false;
  try {
    // Not later: of a million files a promise each would take a minute.
    const { size, mtimeMs } = statSync(path);
    return size === scan.stamps[2 * index] && mtimeMs === scan.stamps[2 * index + 1];
  } catch {
    return false;
  }
}

/** The bytes that all pixels would take which are in no file yet; those of unknown pictures are guessed. */
function missingBytes(
  scan: Scan,
  unknown: number,
  { channels, cover: [height, width], cut }: PictureDecoding,
): number {
  // Most photographs are 3 by 2.
  let bytes = unknown * channels * height * width * (cut ? 1 : 1.5);
  for (let i = 0; i < scan.count; i++) {
    if (scan.stores[i] < 0) bytes += channels * scan.sizes[4 * i] * scan.sizes[4 * i + 1];
  }
  return bytes;
}

/** Known pictures whose pixels are in no file, as many as there is room for when the unknown ones are kept. */
function unkept(scan: Scan, unknown: readonly number[], room: number): number[] {
  if (room <= 0 || unknown.length > 0) return [];
  const found: number[] = [];
  let bytes = 0;
  for (let i = 0; i < scan.count; i++) {
    if (scan.stores[i] >= 0 || !scan.isGood(i)) continue;
    const [height, width] = scan.size(i);
    bytes += scan.channels * height * width;
    if (bytes > room) break;
    found.push(i);
  }
  return found;
}

/** For each channel the sum of its pixels, then for each the sum of their squares. */
function channelSums(data: Uint8Array, channels: number): Float64Array {
  const sums = new Float64Array(2 * channels);
  const area = data.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    let [sum, squares] = [0, 0];
    for (let i = channel * area; i < (channel + 1) * area; i++) {
      sum += data[i];
      squares += data[i] * data[i];
    }
    sums[channel] = sum;
    sums[channels + channel] = squares;
  }
  return sums;
}

/** What is wrong with a picture, without the path that it begins with. */
function reasonOf({ message }: DataError, path: string): string {
  const reason = message.startsWith(`${path} `) ? message.slice(path.length + 1) : message;
  // Which formats there are need not be said of each.
  return reason.replace(/; give a [^;]*\.$/, '.');
}
