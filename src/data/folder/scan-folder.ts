/** Where scans and the pixels of pictures are kept: a folder for each folder of pictures, bounded in all. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isTemporary, writeAtomically } from '../atomic-write.js';
import { cacheFolder } from '../cache-folder.js';
import { DataError } from '../data-error.js';
import { type KeptScan, fromKeptScan, toKeptScan } from './kept-scan.js';
import { isPixelFile } from './pixel-files.js';

/** What decoded pictures may take on the disk, unless told otherwise, in bytes. */
export const DEFAULT_CACHE = 4e9;
const SCAN_FILE = 'scan.safetensors';
/** Files of pixels that one scan may be spread over; then it is written anew. */
const MOST_FILES = 32;
/** What nothing points to is removed after so many milliseconds: another process may be writing it. */
const FORGOTTEN = 24 * 60 * 60_000;

export class ScanFolder {
  readonly path: string;
  readonly #all: string;
  readonly #limit: number;
  /** Of pixels that the kept scan points to. */
  #used = 0;

  private constructor(all: string, name: string, limit: number) {
    this.#all = all;
    this.path = join(all, name);
    this.#limit = limit;
  }

  /**
   * @param description of the pictures and of what they are decoded to: other words, another folder
   * @param limit bytes that all folders of pixels may take together
   * @param dir default: in the folder for downloaded data
   * @returns undefined where nothing can be written
   */
  static async open(
    description: unknown,
    limit: number,
    dir = join(cacheFolder(), 'pictures'),
  ): Promise<ScanFolder | undefined> {
    const name = createHash('sha256').update(JSON.stringify(description)).digest('hex').slice(0, 32);
    const folder = new ScanFolder(dir, name, limit);
    try {
      await mkdir(folder.path, { recursive: true });
      return folder;
    } catch {
      return undefined;
    }
  }

  /** The scan that was kept; undefined where there is none that can be used. */
  async read(channels: number): Promise<KeptScan | undefined> {
    let kept: KeptScan;
    try {
      kept = fromKeptScan(await readFile(join(this.path, SCAN_FILE)), channels);
    } catch (error) {
      const missing = typeof (error as NodeJS.ErrnoException).code === 'string';
      if (missing || error instanceof DataError) return undefined;
      throw error;
    }
    const sizes = await this.#pixelFiles(this.path);
    const { scan, stores } = kept;
    const many = stores.length >= MOST_FILES;
    for (let i = 0; i < scan.count; i++) {
      const length = scan.channels * scan.sizes[4 * i] * scan.sizes[4 * i + 1];
      const file = scan.stores[i] < 0 ? undefined : sizes.get(stores[scan.stores[i]]);
      if (many || !file || scan.offsets[i] + length > file.size) scan.stores[i] = -1;
    }
    const used = new Set(Array.from(new Set(scan.stores), (store) => stores[store]));
    for (const [name, { size, changed }] of sizes) {
      if (used.has(name)) this.#used += size;
      else if (stores.includes(name) || Date.now() - changed > FORGOTTEN) {
        await rm(join(this.path, name), { force: true });
      }
    }
    if (!many) return kept;
    return { ...kept, stores: [] };
  }

  /** Keeps a scan. What cannot be written costs the next start some time, and nothing else. */
  async write(kept: KeptScan): Promise<void> {
    await writeAtomically(join(this.path, SCAN_FILE), toKeptScan(kept)).catch(() => undefined);
  }

  /** Says that the scan was used. */
  async touch(): Promise<void> {
    const now = new Date();
    await utimes(join(this.path, SCAN_FILE), now, now).catch(() => undefined);
  }

  /** Makes room for pixels by removing those that were not used for the longest time; returns how many bytes there are. */
  async makeRoom(wanted: number): Promise<number> {
    const own = this.#limit - this.#used;
    if (own <= 0) return 0;
    const others: { path: string; size: number; used: number }[] = [];
    for (const name of await readdir(this.#all).catch(() => [])) {
      const path = join(this.#all, name);
      if (path === this.path || !/^[0-9a-f]{32}$/.test(name)) continue;
      const files = await this.#pixelFiles(path);
      const size = [...files.values()].reduce((sum, file) => sum + file.size, 0);
      const used = await stat(join(path, SCAN_FILE)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      );
      others.push({ path, size, used });
    }
    others.sort((a, b) => a.used - b.used);
    let taken = others.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of others) {
      if (taken + Math.min(wanted, own) <= own) break;
      for (const name of (await this.#pixelFiles(path)).keys()) await rm(join(path, name), { force: true });
      taken -= size;
    }
    return Math.max(0, own - taken);
  }

  /** The files of pixels in a folder; what was left half written is removed. */
  async #pixelFiles(path: string): Promise<Map<string, { readonly size: number; readonly changed: number }>> {
    const files = new Map<string, { readonly size: number; readonly changed: number }>();
    for (const name of await readdir(path).catch(() => [])) {
      const found = await stat(join(path, name)).catch(() => undefined);
      if (!found?.isFile()) continue;
      if (isPixelFile(name)) files.set(name, { size: found.size, changed: found.mtimeMs });
      else if (isTemporary(name) && Date.now() - found.mtimeMs > FORGOTTEN) {
        await rm(join(path, name), { force: true });
      }
    }
    return files;
  }
}
