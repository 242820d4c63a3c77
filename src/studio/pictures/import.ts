/** Takes pictures in: looks at each once, and keeps it. */
import { messageOf } from '../rpc.js';
import type { BrokenFile, NewPicture, Part } from './catalog.js';
import { cifarLabelBytes, cifarPictures } from './cifar.js';
import { isPictureName, placesOf } from './layout.js';
import { PackWriter } from './packs.js';
import { bitmapOf, drawn, encoded } from './pixels.js';
import { ZipError, zipEntries } from './zip-reader.js';

/** A file with where it lay. */
export interface GivenFile {
  readonly path: string;
  readonly file: Blob;
}

/** What an import tells on its way. */
export interface ImportProgress {
  readonly told: 'import';
  readonly done: number;
  readonly total: number;
  readonly added: readonly NewPicture[];
  readonly broken: readonly BrokenFile[];
}

/** What an import came to. */
export interface ImportResult {
  readonly pictures: number;
  readonly broken: number;
  /** One of these. */
  readonly firstBroken?: BrokenFile;
  /** Files that are no pictures by their names. */
  readonly others: number;
}

/** Photographs are kept no larger than this, by their shorter side: nothing here trains on more. */
const LARGEST_SIDE = 256;
/** A smaller file is kept as it is, if its picture is no larger than the above. */
const LARGEST_KEPT = 400e3;
const AT_ONCE = 6;

/** A picture that is to be taken in. */
interface Incoming {
  readonly className: string;
  readonly part: Part;
  readonly name: string;
  /** With its folders, or the file it is in: what it is called where it cannot be read. */
  readonly path: string;
  readonly blob: () => Promise<Blob> | Blob;
}

/**
 * @param into the class of pictures that lie in no folder; with `forced`, of all
 * @param onProgress called as pictures become readable
 */
export async function importFiles(
  files: readonly GivenFile[],
  { into, forced }: { readonly into: string; readonly forced: boolean },
  onProgress: (progress: ImportProgress) => void,
): Promise<ImportResult> {
  const broken: BrokenFile[] = [];
  const lists: { readonly count: number; readonly pictures: Iterable<Incoming> }[] = [];
  let others = 0;
  const sets: { readonly prefix: string; readonly files: readonly Readable[] }[] = [];
  const plain: Readable[] = [];
  for (const { path, file } of files) {
    if (!/\.zip$/i.test(path)) {
      plain.push({ path, size: file.size, blob: () => file });
      continue;
    }
    try {
      const entries = await zipEntries(file);
      sets.push({
        prefix: path,
        files: entries.map((entry) => ({
          path: entry.path,
          size: entry.size,
          blob: async () => new Blob([(await entry.read()) as Uint8Array<ArrayBuffer>]),
        })),
      });
    } catch (error) {
      if (!(error instanceof ZipError)) throw error;
      broken.push({ name: path, reason: error.message });
    }
  }
  sets.push({ prefix: '', files: plain });
  for (const set of sets) {
    // In the order of their names, whichever order they were given in.
    const pictures = set.files
      .filter(({ path }) => isPictureName(path))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    const places = placesOf(
      pictures.map(({ path }) => path),
      into,
    );
    const used = pictures.flatMap(({ path, blob }): Incoming[] => {
      const place = places.get(path);
      if (!place) return [];
      const whole = set.prefix === '' ? path : `${set.prefix}/${path}`;
      return [{ ...place, ...(forced && { className: into, part: 'auto' as const }), path: whole, blob }];
    });
    lists.push({ count: used.length, pictures: used });
    for (const { path, size, blob } of set.files) {
      if (isPictureName(path)) continue;
      const name = path.split('/').at(-1)!;
      const labelBytes = cifarLabelBytes(name, size);
      if (labelBytes === undefined) {
        if (!path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX')) others++;
        continue;
      }
      const bytes = new Uint8Array(await (await blob()).arrayBuffer());
      lists.push({
        count: bytes.length / (3072 + labelBytes),
        pictures: cifarIncoming(name, bytes, labelBytes, broken),
      });
    }
  }
  const total = lists.reduce((sum, { count }) => sum + count, 0);
  const writer = new PackWriter();
  let [done, kept] = [0, 0];
  let added: NewPicture[] = [];
  let told = performance.now();
  const report = (): void => {
    writer.close();
    onProgress({ told: 'import', done, total, added, broken: broken.splice(0) });
    kept += added.length;
    added = [];
  };
  let brokenCount = broken.length;
  let firstBroken = broken.at(0);
  try {
    for (const { pictures } of lists) {
      const iterator: Iterator<Incoming, unknown> = pictures[Symbol.iterator]();
      // Looked at several at a time, kept in their order.
      for (let group = take(iterator, AT_ONCE); group.length > 0; group = take(iterator, AT_ONCE)) {
        const looked = await Promise.all(group.map((one) => look(one)));
        for (const [i, found] of looked.entries()) {
          done++;
          if ('reason' in found) {
            brokenCount++;
            broken.push(found);
            firstBroken ??= found;
            continue;
          }
          const { bytes, width, height, hash } = found;
          const { className, part, name } = group[i];
          added.push({ className, part, name, width, height, hash, ...(await writer.add(bytes)) });
        }
        if (writer.isFull) report();
        else if (performance.now() - told > 150) {
          told = performance.now();
          onProgress({ told: 'import', done, total, added: [], broken: [] });
        }
      }
    }
  } finally {
    report();
  }
  return { pictures: kept, broken: brokenCount, ...(firstBroken && { firstBroken }), others };
}

interface Readable {
  readonly path: string;
  readonly size: number;
  readonly blob: () => Promise<Blob> | Blob;
}

function* cifarIncoming(
  file: string,
  bytes: Uint8Array,
  labelBytes: 1 | 2,
  broken: BrokenFile[],
): Generator<Incoming> {
  try {
    for (const { png, ...place } of cifarPictures(file, bytes, labelBytes))
      yield {
        ...place,
        path: file,
        blob: () => new Blob([png as Uint8Array<ArrayBuffer>], { type: 'image/png' }),
      };
  } catch (error) {
    broken.push({ name: file, reason: messageOf(error) });
  }
}

function take<T>(iterator: Iterator<T, unknown>, count: number): T[] {
  const taken: T[] = [];
  while (taken.length < count) {
    const next: IteratorResult<T, unknown> = iterator.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}

interface Looked {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly hash: string;
}

/** Decodes a picture; a large one is made smaller. */
async function look({ path, blob: open }: Incoming): Promise<Looked | BrokenFile> {
  try {
    const blob = await open();
    const bitmap = await bitmapOf(blob);
    const scale = Math.min(1, LARGEST_SIDE / Math.min(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((side) =>
      Math.min(8 * LARGEST_SIDE, Math.max(1, Math.round(side * scale))),
    );
    const pixels = drawn(bitmap, width, height);
    const hash = await hashOf(pixels);
    const keep = scale === 1 && blob.size <= LARGEST_KEPT;
    const kept = keep ? blob : await encoded(pixels, 'webp');
    return { bytes: new Uint8Array(await kept.arrayBuffer()), width, height, hash };
  } catch (error) {
    return { name: path, reason: messageOf(error) };
  }
}

async function hashOf({ data, width, height }: ImageData): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  const text = Array.from(digest.subarray(0, 10), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${width}x${height}-${text}`;
}
