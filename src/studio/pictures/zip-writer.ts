/** Writes a zip file into the page's private file system, entry by entry. */
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { type SyncFile, openStored, outOfSpace, removeStored, storedFile } from '../storage.js';

const EXPORTS = 'exports';
/** Zip files without later extensions hold no more. */
const MOST_FILES = 65_534;
const LARGEST = 4e9;

export class ZipFile {
  readonly #path: string;
  readonly #file: SyncFile;
  readonly #zip: Zip;
  #end = 0;
  #files = 0;
  #failure: unknown;

  private constructor(path: string, file: SyncFile) {
    this.#path = path;
    this.#file = file;
    this.#zip = new Zip((error, chunk) => {
      if (error) {
        this.#failure ??= error;
        return;
      }
      try {
        if (this.#file.write(chunk, { at: this.#end }) !== chunk.length)
          throw new DOMException('', 'QuotaExceededError');
        this.#end += chunk.length;
      } catch (problem) {
        this.#failure ??= problem;
      }
    });
  }

  /** What was written before is removed: it has been downloaded, or nobody wants it. */
  static async create(name: string): Promise<ZipFile> {
    await removeStored(EXPORTS);
    const path = `${EXPORTS}/${name}`;
    return new ZipFile(path, await openStored(path));
  }

  /** @param compress what is no picture */
  add(path: string, bytes: Uint8Array, compress = false): void {
    if (++this.#files > MOST_FILES || this.#end + bytes.length > LARGEST)
      throw new Error(
        'A zip file holds 65,534 files and 4 GB at most. Take some classes out, and try again.',
      );
    const entry = compress ? new ZipDeflate(path, { level: 6 }) : new ZipPassThrough(path);
    // The same bytes for the same content.
    entry.mtime = new Date(1980, 0, 1);
    this.#zip.add(entry);
    entry.push(bytes, true);
    if (this.#failure !== undefined) throw outOfSpace(this.#failure);
  }

  /** Ends it. @returns a file that lies on the disk */
  async finish(): Promise<File> {
    this.#zip.end();
    this.#file.flush();
    this.#file.close();
    if (this.#failure !== undefined) throw outOfSpace(this.#failure);
    return (await storedFile(this.#path))!;
  }

  abandon(): void {
    this.#file.close();
  }
}
