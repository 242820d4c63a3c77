/**
 * A folder that one process alone writes to. The file `.lock` in it names the owner; a lock whose owner is gone (killed,
 * crashed, lost to a power failure) is recognised and taken over.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { lstat, mkdir, readFile, readdir, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutputError, isTemporary, outputError } from '../data/atomic-write.js';
import { type ProcessIdentity, bootTime, isMachineName, stateOf, thisProcess } from './process-identity.js';

const LOCK = '.lock';

/** The owner says so often, in milliseconds, that it is still there: by the time of the lock's last change. */
const SIGN_OF_LIFE = 15_000;
/** After so many milliseconds without, an owner that cannot be asked counts as gone. A step blocks the event loop. */
const SILENCE = 5 * 60_000;
/** A folder that another process has. */
export class FolderInUseError extends OutputError {}

/** What takes no longer than a moment counts as given up after so many milliseconds. */
const MOMENT = 10_000;

export class ExclusiveFolder {
  readonly path: string;
  /** What the lock holds while it is ours. */
  readonly #text: string;
  /** The folders that were made for it, the innermost first. */
  readonly #made: readonly string[];
  readonly #signs: NodeJS.Timeout;

  private constructor(path: string, text: string, made: readonly string[]) {
    this.path = path;
    this.#text = text;
    this.#made = made;
    const lock = join(path, LOCK);
    held.set(lock, text);
    this.#signs = setInterval(() => {
      const now = new Date();
      utimes(lock, now, now).catch(() => undefined);
    }, SIGN_OF_LIFE);
    this.#signs.unref();
  }

  /**
   * Takes a folder, and makes it if it is missing. What a process that was killed left half written in it is removed.
   *
   * @throws OutputError when another process has it, or where it cannot be written to
   */
  static async open(path: string): Promise<ExclusiveFolder> {
    const made: string[] = [];
    try {
      // Whoever had the folder before may remove it, empty, at the same time.
      for (let attempt = 1; ; attempt++) {
        try {
          made.unshift(...(await makeFolder(path)));
          const text = await lock(path);
          await removeTemporaries(path).catch((error: unknown) => {
            unlock(join(path, LOCK), text);
            throw error;
          });
          return new ExclusiveFolder(path, text, made);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 10) throw error;
        }
      }
    } catch (error) {
      await removeEmpty(made);
      throw outputError(error, path);
    }
  }

  /** Whether the folder was not there before. */
  get isNew(): boolean {
    return this.#made.length > 0;
  }

  /**
   * Makes sure that the folder still belongs to this process: it may have been asleep for so long that another took it
   * for dead.
   *
   * @throws OutputError
   */
  async confirm(): Promise<void> {
    const path = join(this.path, LOCK);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined || text === this.#text) return;
    const owner = parseOwner(text);
    throw new OutputError(
      `${this.path} was taken over by ${owner ? `process ${owner.pid}` : 'another process'}; this one stops, so that their files do not mix`,
    );
  }

  /** Lets go of the folder; where it was made for this, and nothing is in it, it is removed. */
  async close(): Promise<void> {
    clearInterval(this.#signs);
    unlock(join(this.path, LOCK), this.#text);
    await removeEmpty(this.#made);
  }
}

/** The locks of this process, and what they hold. */
const held = new Map<string, string>();

// However it ends, short of a signal that nobody handles, a process leaves no lock behind.
process.once('exit', () => {
  for (const [path, text] of held) unlock(path, text);
});

function unlock(path: string, text: string): void {
  held.delete(path);
  try {
    if (readFileSync(path, 'utf8') === text) unlinkSync(path);
  } catch {
    // It is gone already.
  }
}

/** @returns what the lock holds */
async function lock(folder: string): Promise<string> {
  const path = join(folder, LOCK);
  const text = `${JSON.stringify({ ...thisProcess(), token: randomBytes(16).toString('hex') })}\n`;
  for (;;) {
    if (createFile(path, text)) return text;
    const found = await lockAt(path);
    if (!found) continue;
    const reason = await whyInUse(found);
    if (reason !== undefined) throw new FolderInUseError(`${folder} is in use by ${reason}`);
    await removeStale(path, found);
  }
}

/** Makes a file; false where there is one, or a link. */
function createFile(path: string, text: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(file, text);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
  return true;
}

interface FoundLock {
  readonly path: string;
  readonly text: string;
  /** When its owner last gave a sign of life, in milliseconds since 1970. */
  readonly seen: number;
}

/** A lock is smaller, in bytes. */
const LARGEST_LOCK = 10_000;

/** Undefined where there is none any more. */
async function lockAt(path: string): Promise<FoundLock | undefined> {
  try {
    const found = await lstat(path);
    if (!found.isFile()) throw new OutputError(`${path} is no file: remove it`);
    const text = found.size > LARGEST_LOCK ? '' : await readFile(path, 'utf8');
    return { path, text, seen: found.mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Who has the folder, and the way out; undefined where nobody does. */
async function whyInUse({ path, text, seen }: FoundLock): Promise<string | undefined> {
  const silence = Date.now() - seen;
  const owner = parseOwner(text);
  if (!owner) {
    // It is about to be written, or was when the power went off.
    return silence < MOMENT ? `another process: try again in ${MOMENT / 1000} seconds` : undefined;
  }
  const { pid, host, started } = owner;
  const wayOut = 'wait until it has ended, end it, or choose another folder';
  switch (await stateOf(owner)) {
    case 'ended':
      return undefined;
    case 'running':
      return `process ${pid} (started ${new Date(started).toLocaleString('sv')}): ${wayOut}`;
    case 'unknown':
      if (silence > SILENCE || (host === thisProcess().host && seen < bootTime())) return undefined;
      return `process ${pid} on ${host}, which gave a sign of life ${Math.round(silence / 1000)} seconds ago: ${wayOut}; if you know that it has ended, delete ${path}`;
  }
}

/** Undefined for what is not written by this program. */
function parseOwner(text: string): ProcessIdentity | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, host, started, place, ticks } = value as Record<string, unknown>;
  const whole = (number: unknown): number is number => Number.isSafeInteger(number) && (number as number) > 0;
  if (!whole(pid) || !whole(started) || typeof host !== 'string' || !isMachineName(host)) return undefined;
  return {
    pid,
    host,
    started,
    ...(typeof place === 'string' && { place }),
    ...(whole(ticks) && { ticks }),
  };
}

/**
 * Removes a lock whose owner is gone. Of several processes that have seen it one does so at a time, and looks again
 * before: in between another may have put its own lock in the place.
 */
async function removeStale(path: string, stale: FoundLock): Promise<void> {
  const guard = `${path}.removal`;
  if (!createFile(guard, '')) {
    const other = await stat(guard).catch(() => undefined);
    // Killed between the two lines below.
    if (other && Date.now() - other.mtimeMs > MOMENT) await rm(guard, { force: true });
    else await sleep(20);
    return;
  }
  try {
    const now = await lockAt(path);
    if (now?.text === stale.text && now.seen === stale.seen) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** Removes what is half written in a folder of ours: whoever wrote it is gone. */
export async function removeTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (isTemporary(name)) await rm(join(folder, name), { force: true });
  }
}

/**
 * Makes a folder and those around it. Not Node's recursive mkdir: it never ends in a place like /proc, where a folder
 * exists but takes none.
 *
 * @returns the folders that were not there, the innermost first
 */
async function makeFolder(path: string): Promise<string[]> {
  try {
    await mkdir(path);
    return [path];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return [];
    const parent = dirname(path);
    const found = await stat(parent).catch(() => undefined);
    if (code !== 'ENOENT' || parent === path || found) throw error;
  }
  const around = await makeFolder(dirname(path));
  return [...(await makeFolder(path)), ...around];
}

/** Removes folders from the innermost on, up to the first that holds anything. */
async function removeEmpty(folders: readonly string[]): Promise<void> {
  // Refused by the system where a folder holds anything.
  for (const folder of folders) await rmdir(folder).catch(() => undefined);
}
