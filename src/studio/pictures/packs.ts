/** Files in which pictures lie one behind the other, as they are kept; written once, never changed. */
import { type SyncFile, openStored, outOfSpace, storedFile } from '../storage.js';
import type { KeptPicture } from './catalog.js';

export const PACKS = 'packs';

/** A pack is closed when it has this many bytes, or this many pictures: then its pictures can be read. */
const LARGEST = 32e6;
const MOST_PICTURES = 500;

/** Where a picture's bytes were put. */
export type Place = Pick<KeptPicture, 'pack' | 'offset' | 'length'>;

/** Writes pictures, pack after pack. */
export class PackWriter {
  #file: SyncFile | undefined;
  #name = '';
  #end = 0;
  #count = 0;

  /** Whether the pack is to be closed before the next picture. */
  get isFull(): boolean {
    return this.#end >= LARGEST || this.#count >= MOST_PICTURES;
  }

  /** @throws Error where there is no more room */
  async add(bytes: Uint8Array): Promise<Place> {
    if (!this.#file) {
      this.#name = crypto.randomUUID();
      [this.#end, this.#count] = [0, 0];
      this.#file = await openStored(`${PACKS}/${this.#name}`);
    }
    const place = { pack: this.#name, offset: this.#end, length: bytes.length };
    try {
      if (this.#file.write(bytes, { at: this.#end }) !== bytes.length)
        throw new DOMException('', 'QuotaExceededError');
    } catch (error) {
      throw outOfSpace(error);
    }
    this.#end += bytes.length;
    this.#count++;
    return place;
  }

  /** Ends the pack. */
  close(): void {
    this.#file?.flush();
    this.#file?.close();
    this.#file = undefined;
  }
}

/** Reads pictures; their bytes stay on the disk until somebody wants them. */
export class PictureBytes {
  readonly #files = new Map<string, Promise<File | undefined>>();

  /** @throws Error for a picture whose file is gone */
  async blobOf({ pack, offset, length }: Place): Promise<Blob> {
    let file = this.#files.get(pack);
    if (!file) this.#files.set(pack, (file = storedFile(`${PACKS}/${pack}`)));
    const found = await file;
    if (!found) throw new Error('its file is gone from the browser’s storage');
    return found.slice(offset, offset + length);
  }
}
