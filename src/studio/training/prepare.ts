/** Decodes the user's pictures to the size of a run, once. */
import { coverImage } from '../../data/raw-picture.js';
import { type Catalog, folderName, testPictures } from '../pictures/catalog.js';
import { PictureBytes } from '../pictures/packs.js';
import { pixelsOf } from '../pictures/pixels.js';
import { openStored, outOfSpace, removeStored, storedFile, storedNames, writeStored } from '../storage.js';
import { PREPARED, type PreparedIndex, indexPath, pixelsPath } from './stored-pictures.js';

/** Pictures that are decoded at the same time. */
const AT_ONCE = 8;
const HASH_BYTES = 16;

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
  const plan = planOf(catalog, size);
  const key = await keyOf(plan);
  if ((await storedFile(indexPath(key))) && (await storedFile(pixelsPath(key)))) return key;
  const bytes = 3 * size * size;
  const sums = new Float64Array(6);
  const hashes = new Uint8Array(HASH_BYTES * plan.pictures.length);
  const kept = new PictureBytes();
  const file = await openStored(pixelsPath(key));
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < plan.pictures.length) {
      const index = next++;
      const { picture, test } = plan.pictures[index];
      const raw = await pixelsOf(await kept.blobOf(picture)).catch((error: unknown) => {
        throw new Error(
          `${picture.name} can no longer be read (${error instanceof Error ? error.message : String(error)}). Delete it under Pictures, and begin again.`,
        );
      });
      const pixels = coverImage(raw, [3, size, size]);
      if (file.write(pixels, { at: index * bytes }) !== bytes)
        throw outOfSpace(new DOMException('', 'QuotaExceededError'));
      hashes.set(await pixelHash(pixels, size), HASH_BYTES * index);
      if (!test) addSums(pixels, sums);
      onProgress(++done, plan.pictures.length);
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
  const training = plan.pictures.filter(({ test }) => !test).length;
  const index: PreparedIndex = {
    size,
    classNames: plan.classNames,
    names: plan.pictures.map(({ name }) => name),
    labels: plan.pictures.map(({ label }) => label),
    test: plan.pictures.map(({ test }) => (test ? 1 : 0)),
    ...statisticsOf(sums, training * size * size),
    fingerprint: await fingerprintOf(plan, hashes),
  };
  await writeStored(indexPath(key), JSON.stringify(index));
  return key;
}

/** Removes what was decoded for other runs. */
export async function removeOthers(key: string): Promise<void> {
  for (const name of await storedNames(PREPARED))
    if (!name.startsWith(`${key}.`)) await removeStored(`${PREPARED}/${name}`);
}

interface Plan {
  readonly size: number;
  readonly classNames: readonly string[];
  readonly pictures: readonly {
    readonly picture: Catalog['pictures'][number];
    readonly name: string;
    readonly label: number;
    readonly test: boolean;
  }[];
}

/** Classes in the order of folders of their names, pictures with names that sort in their order. */
function planOf(catalog: Catalog, size: number): Plan {
  // By UTF-16 code units, as folders are read.
  const classNames = [...catalog.classNames].sort();
  const test = testPictures(catalog);
  const digits = String(catalog.pictures.length).length;
  return {
    size,
    classNames,
    pictures: catalog.pictures.map((picture, i) => ({
      picture,
      name: `${String(i + 1).padStart(digits, '0')}-${fileName(picture.name)}.png`,
      label: classNames.indexOf(catalog.classNames[picture.label]),
      test: test[i],
    })),
  };
}

const fileName = (name: string): string => folderName(name.replace(/\.[a-z0-9]{2,5}$/i, ''));

async function keyOf({ size, classNames, pictures }: Plan): Promise<string> {
  const text = JSON.stringify([
    size,
    classNames,
    pictures.map(({ picture, name, label, test }) => [picture.hash, name, label, test]),
  ]);
  return hex(await sha256(new TextEncoder().encode(text))).slice(0, 24);
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
async function fingerprintOf({ classNames, pictures }: Plan, hashes: Uint8Array): Promise<string> {
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
