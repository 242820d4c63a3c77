/** Pictures of a folder as a source of images: pixels that are kept, or files that are decoded. */
import { join, resolve } from 'node:path';
import { DataError } from '../data-error.js';
import { decodePicture, readPictureBytes } from '../decode-picture.js';
import type { ImageSource, WorkerSource } from '../image-source.js';
import { targetOf } from './decoding.js';
import type { PictureDecoding } from './folder-config.js';
import { pixelHash } from './pixel-hash.js';
import { readPixels } from './pixel-files.js';
import { HASH_BYTES } from './scan.js';
import { type PackedTexts, textAt } from './texts.js';

/** All that a thread needs to read the same pictures; what is large lies in shared memory. */
export interface FolderParameters {
  readonly root: string;
  readonly paths: PackedTexts;
  /** Which entry of the columns below each image is. */
  readonly entries: Uint32Array;
  /** The class of each image. */
  readonly labels: Int32Array;
  /** As `Scan` has them. */
  readonly sizes: Int32Array;
  readonly hashes: Uint8Array;
  readonly stores: Int32Array;
  readonly offsets: Float64Array;
  /** The files of pixels. */
  readonly storePaths: readonly string[];
  readonly decoding: PictureDecoding;
}

/** Every picture is compared with what was seen of it first, so that a run is made of what it was begun with. */
export class FolderSource implements ImageSource {
  readonly worker: WorkerSource;
  readonly #of: FolderParameters;

  constructor(parameters: FolderParameters) {
    this.#of = parameters;
    this.worker = { module: import.meta.url, parameters };
  }

  get count(): number {
    return this.#of.entries.length;
  }

  label(index: number): number {
    return this.#of.labels[index];
  }

  size(index: number): readonly [height: number, width: number] {
    const entry = this.#of.entries[index];
    return [this.#of.sizes[4 * entry], this.#of.sizes[4 * entry + 1]];
  }

  /** The file of a picture, relative to the root or absolute. */
  path(index: number): string {
    return textAt(this.#of.paths, this.#of.entries[index]);
  }

  read(index: number, target: Uint8Array): void | Promise<void> {
    const { entries, stores, offsets, storePaths } = this.#of;
    const entry = entries[index];
    const store = stores[entry];
    if (store >= 0 && readPixels(storePaths[store], offsets[entry], target) && this.#isSame(index, target))
      return;
    return this.#decode(index, target);
  }

  #isSame(index: number, data: Uint8Array): boolean {
    const entry = this.#of.entries[index];
    const wanted = this.#of.hashes.subarray(entry * HASH_BYTES, (entry + 1) * HASH_BYTES);
    return Buffer.compare(pixelHash(data, ...this.size(index)), wanted) === 0;
  }

  async #decode(index: number, target: Uint8Array): Promise<void> {
    const path = resolve(this.#of.root, this.path(index));
    const { bytes } = await readPictureBytes(path).catch((error: unknown) => {
      const gone = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
      throw gone
        ? new DataError(`${path} is gone; it was there when this began. Put it back, and go on.`)
        : error;
    });
    const { data, height, width } = await decodePicture(bytes, path, targetOf(this.#of.decoding)).catch(
      (error: unknown) => {
        if (error instanceof DataError) throw this.#changed(path, error);
        throw error;
      },
    );
    const [wantedHeight, wantedWidth] = this.size(index);
    if (height !== wantedHeight || width !== wantedWidth || !this.#isSame(index, data))
      throw this.#changed(path);
    target.set(data);
  }

  #changed(path: string, cause?: unknown): DataError {
    return new DataError(
      `${path} has changed since this began, and what is trained on must stay as it is. Put the picture back and go on, or begin anew.`,
      { cause },
    );
  }
}

/** How a worker thread makes the same source. */
export default function folderSource(parameters: FolderParameters): FolderSource {
  return new FolderSource(parameters);
}

/** The paths of the files of pixels in a folder. */
export const storePathsOf = (folder: string, stores: readonly string[]): string[] =>
  stores.map((name) => join(folder, name));
