/** Decodes pictures to the size of a run, once. */
import { type RawPicture, coverImage } from '../../data/raw-picture.js';
import { type Catalog, folderName, testPictures } from '../pictures/catalog.js';
import { PictureBytes } from '../pictures/packs.js';
import { pixelsOf } from '../pictures/pixels.js';
import { messageOf } from '../rpc.js';
import { openStored, outOfSpace, removeStored, storedFile, storedNames, writeStored } from '../storage.js';
import { PREPARED, type PreparedIndex, indexPath, pixelsPath } from './stored-pictures.js';

/** Pictures that are decoded at the same time. */
const AT_ONCE = 8;
const HASH_BYTES = 16;

/** Pictures of a run before they are decoded. */
export interface Decodable {
  /** Height and width that they become. */
  readonly size: number;
  /** In the order in which folders of these names come. */
  readonly classNames: readonly string[];
  /** In the order of their names. */
  readonly pictures: readonly {
    readonly name: string;
    readonly label: number;
    readonly test: boolean;
    readonly raw: () => Promise<RawPicture>;
  }[];
}

/**
 * @param onProgress called with the pictures that are done
 * @returns the key under which they are kept
 * @throws Error naming a picture that can no longer be read
 */
export async function prepare(
  catalog: Catalog,
  size: number,
  onProgress: (done: number, total: number) => void,
): Promise<string> {
  // Folders come by UTF-16 code units.
  const classNames = [...catalog.classNames].sort();
  const test = testPictures(catalog);
  const digits = String(catalog.pictures.length).length;
  const kept = new PictureBytes();
  const pictures = catalog.pictures.map((picture, i) => ({
    name: `${String(i + 1).padStart(digits, '0')}-${folderName(picture.name.replace(/\.[a-z0-9]{2,5}$/i, ''))}.png`,
    label: classNames.indexOf(catalog.classNames[picture.label]),
    test: test[i],
    raw: async () => pixelsOf(await kept.blobOf(picture)),
  }));
  const about = JSON.stringify([
    size,
    classNames,
    pictures.map(({ name, label, test: tested }, i) => [catalog.pictures[i].hash, name, label, tested]),
  ]);
  const { key } = await keepDecoded({ size, classNames, pictures }, about, onProgress);
  return key;
}

/**
 * Decodes pictures and keeps their pixels, unless that was done before.
 *
 * @param about what tells these pictures from others
 * @throws Error naming a picture that cannot be read
 */
export async function keepDecoded(
  { size, classNames, pictures }: Decodable,
  about: string,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly key: string; readonly fingerprint: string }> {
  const key = hex(await sha256(new TextEncoder().encode(about))).slice(0, 24);
  const known = await storedFile(indexPath(key));
  if (known && (await storedFile(pixelsPath(key)))) {
    const { fingerprint } = JSON.parse(await known.text()) as PreparedIndex;
    return { key, fingerprint };
  }
  const bytes = 3 * size * size;
  const sums = new Float64Array(6);
  const hashes = new Uint8Array(HASH_BYTES * pictures.length);
  const file = await openStored(pixelsPath(key));
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < pictures.length) {
      const index = next++;
      const { name, test, raw } = pictures[index];
      const pixels = coverImage(await raw().catch((error: unknown) => unreadable(name, error)), [
        3,
        size,
        size,
      ]);
      if (file.write(pixels, { at: index * bytes }) !== bytes)
        throw new DOMException('', 'QuotaExceededError');
      hashes.set(await pixelHash(pixels, size), HASH_BYTES * index);
      if (!test) addSums(pixels, sums);
      onProgress(++done, pictures.length);
    }
  };
  try {
    file.truncate(0);
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    file.flush();
  } catch (error) {
    throw outOfSpace(error);
  } finally {
    file.close();
  }
  const training = pictures.filter(({ test }) => !test).length;
  const index: PreparedIndex = {
    size,
    classNames,
    names: pictures.map(({ name }) => name),
    labels: pictures.map(({ label }) => label),
    test: pictures.map(({ test }) => (test ? 1 : 0)),
    ...statisticsOf(sums, training * size * size),
    fingerprint: await fingerprintOf(classNames, pictures, hashes),
  };
  await writeStored(indexPath(key), JSON.stringify(index));
  return { key, fingerprint: index.fingerprint };
}

function unreadable(name: string, error: unknown): never {
  throw new Error(`${name} cannot be read: ${messageOf(error)}. Take it out, and try again.`, {
    cause: error,
  });
}

/** Removes what was decoded for other runs. */
export async function removeOthers(key: string): Promise<void> {
  for (const name of await storedNames(PREPARED))
    if (!name.startsWith(`${key}.`)) await removeStored(`${PREPARED}/${name}`);
}

/** As src/data/folder/pixel-hash.ts computes it. */
async function pixelHash(pixels: Uint8Array, size: number): Promise<Uint8Array> {
  const head = new TextEncoder().encode(`${size} ${size} `);
  const all = new Uint8Array(head.length + pixels.length);
  all.set(head);
  all.set(pixels, head.length);
  return (await sha256(all)).subarray(0, HASH_BYTES);
}

/** As `imageFolder` computes it of pictures in folders `train` and `test`. */
async function fingerprintOf(
  classNames: readonly string[],
  pictures: Decodable['pictures'],
  hashes: Uint8Array,
): Promise<string> {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [encoder.encode(JSON.stringify(classNames))];
  pictures.forEach(({ label, test }, i) => {
    parts.push(encoder.encode(`${test ? 'test' : 'train'} ${label} `));
    parts.push(hashes.subarray(HASH_BYTES * i, HASH_BYTES * (i + 1)));
  });
  return hex(await sha256(new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer()))).slice(0, 32);
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function addSums(pixels: Uint8Array, sums: Float64Array): void {
  const area = pixels.length / 3;
  for (let channel = 0; channel < 3; channel++) {
    let [sum, squares] = [0, 0];
    for (let i = channel * area; i < (channel + 1) * area; i++) {
      sum += pixels[i];
      squares += pixels[i] * pixels[i];
    }
    sums[channel] += sum;
    sums[3 + channel] += squares;
  }
}

function statisticsOf(sums: Float64Array, pixels: number): Pick<PreparedIndex, 'mean' | 'deviation'> {
  const channels = [0, 1, 2];
  return {
    mean: channels.map((channel) => sums[channel] / pixels / 255),
    deviation: channels.map((channel) => {
      // Of whole numbers, so that equal pixels give exactly 0.
      const variance = (sums[3 + channel] - sums[channel] ** 2 / pixels) / pixels;
      return variance > 0 ? Math.sqrt(variance) / 255 : 1;
    }),
  };
}
