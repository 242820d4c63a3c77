/**
 * Files of decoded pixels: pictures one behind the other, without any header. A file is written once and never changed;
 * what is read of it is compared with the picture's hash by who reads it.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Whether a name is one that a file of pixels has. */
export const isPixelFile = (name: string): boolean => /^pixels-[0-9a-f]{16}\.bin$/.test(name);

/** Writes a file of pixels, up to a number of bytes. */
export class PixelWriter {
  readonly name: string;
  readonly #path: string;
  readonly #limit: number;
  #file: FileHandle | undefined;
  #end = 0;
  /** The write before: they come one after the other. */
  #last: Promise<void> = Promise.resolve();
  #failed = false;

  /** @param limit bytes of the file, at most */
  constructor(folder: string, limit: number) {
    this.name = `pixels-${randomBytes(8).toString('hex')}.bin`;
    this.#path = join(folder, this.name);
    this.#limit = limit;
  }

  /** Bytes that were taken. */
  get length(): number {
    return this.#failed ? 0 : this.#end;
  }

  /** Appends the pixels of a picture; returns where they begin, or -1 where there is no room, or the disk takes none. */
  async add(pixels: Uint8Array): Promise<number> {
    if (this.#failed || this.#end + pixels.length > this.#limit) return -1;
    const start = this.#end;
    this.#end += pixels.length;
    this.#last = this.#last.then(() => this.#write(pixels, start));
    await this.#last;
    return this.#isWhole() ? start : -1;
  }

  async #write(pixels: Uint8Array, start: number): Promise<void> {
    if (this.#failed) return;
    try {
      this.#file ??= await open(this.#path, 'wx');
      await this.#file.write(pixels, 0, pixels.length, start);
    } catch {
      // A full disk costs the next epochs some time, and nothing else.
      this.#failed = true;
    }
  }

  #isWhole(): boolean {
    return !this.#failed;
  }

  /** Ends the file; one that is incomplete is removed. @returns whether it is there */
  async close(): Promise<boolean> {
    await this.#last;
    await this.#file?.sync().catch(() => (this.#failed = true));
    await this.#file?.close();
    if (this.#failed) await rm(this.#path, { force: true });
    return this.#file !== undefined && this.#isWhole();
  }
}

/** Open files by their paths, in this thread: datasets of one folder share them. */
const opened = new Map<string, number>();
const MOST_OPEN = 64;

/** Fills a buffer from a file of pixels; false where that cannot be done. */
export function readPixels(path: string, offset: number, target: Uint8Array): boolean {
  try {
    let file = opened.get(path);
    if (file === undefined) {
      file = openSync(path, 'r');
      if (opened.size === MOST_OPEN) {
        const [[oldest, descriptor]] = opened;
        opened.delete(oldest);
        closeSync(descriptor);
      }
      opened.set(path, file);
    }
    for (let done = 0; done < target.length;) {
      const read = readSync(file, target, done, target.length - done, offset + done);
      if (read === 0) return false;
      done += read;
    }
    return true;
  } catch {
    return false;
  }
}
