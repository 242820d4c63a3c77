/** Downloads that survive an interruption and are checked before anyone uses them. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { DataError } from './data-error.js';

export interface DownloadOptions {
  /** The expected MD5 checksum, 32 hexadecimal digits. */
  readonly md5: string;
  /** The most bytes that the file may have; a download that goes beyond them is ended, and nothing of it is kept. */
  readonly largest: number;
  /** Called as data arrive, with the bytes there are and the bytes in all where the server says so. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  /** Ends the download; what has arrived stays for the next attempt. */
  readonly signal?: AbortSignal;
}

/**
 * Downloads a file.
 *
 * Data go to `<file>.part`, and a later call goes on where an earlier one stopped, if the server supports ranges.
 * The file appears under its own name only when it is complete and its checksum is right.
 *
 * @param file - where the file is written; its folder is made
 * @throws DataError when the network, the server or the disk fails (what has arrived stays), or when the file is too
 *   large or the checksum is wrong (the partial file is deleted)
 * @throws the signal's reason when it is aborted
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<void> {
  const part = `${file}.part`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await fetchRest(url, part, options);
    const md5 = await md5Of(part);
    if (md5 !== options.md5) {
      await rm(part, { force: true });
      throw new DataError(
        `What was downloaded from ${url} has the MD5 checksum ${md5} instead of ${options.md5} and has been deleted. Try again; if that does not help, download the file by another way.`,
      );
    }
    await rename(part, file);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof TooLargeError) await rm(part, { force: true });
    throw fileError(error, part) ?? error;
  }
}

class TooLargeError extends DataError {
  constructor(url: string, largest: number) {
    super(
      `What ${url} gives is larger than the ${largest / 1e6} MB that the file may have, and has been deleted. Download the file by another way.`,
    );
  }
}

/** Appends to `part` what is missing of it. */
async function fetchRest(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { largest, onProgress, signal } = options;
  let have = await stat(part).then(
    ({ size }) => size,
    () => 0,
  );
  if (have > largest) {
    // Not a part of this file.
    await rm(part);
    have = 0;
  }
  const response = await request(url, have, signal);
  if (have > 0 && response.status === 416) {
    await response.body?.cancel();
    // Nothing lies beyond the end: either all of it is there, or the part is not of this file.
    if ((await md5Of(part)) === options.md5) return;
    await rm(part);
    return fetchRest(url, part, options);
  }
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new DataError(
      `The server answered ${response.status} ${response.statusText} to a request for ${url}. Try again later, or download the file by another way.`,
    );
  }
  const resumed = response.status === 206;
  if (resumed && !response.headers.get('content-range')?.startsWith(`bytes ${have}-`)) {
    await response.body.cancel();
    await rm(part, { force: true });
    if (have > 0) return fetchRest(url, part, options);
    throw new DataError(`The server sent another part of ${url} than was asked for. Try again later.`);
  }
  const length = Number(response.headers.get('content-length') ?? NaN);
  let received = resumed ? have : 0;
  const total = Number.isNaN(length) ? undefined : received + length;
  if (total !== undefined && total > largest) {
    await response.body.cancel();
    throw new TooLargeError(url, largest);
  }
  onProgress?.(received, total);
  const meter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      received += chunk.length;
      // The server may have told no length.
      if (received > largest) {
        done(new TooLargeError(url, largest));
        return;
      }
      onProgress?.(received, total);
      done(null, chunk);
    },
  });
  const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  try {
    await pipeline(body, meter, createWriteStream(part, { flags: resumed ? 'a' : 'w' }), { signal });
  } catch (error) {
    if (isFileError(error) || error instanceof TooLargeError) throw error;
    throw new DataError(
      `The download of ${url} broke off after ${received} of ${total ?? 'an unknown number of'} bytes (${reason(error)}). Start it again: it goes on from there.`,
      { cause: error },
    );
  }
}

async function request(url: string, from: number, signal: AbortSignal | undefined): Promise<Response> {
  // Without `identity` the body may be decompressed on the way, and its bytes would not be the file's.
  const headers = { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) };
  try {
    return await fetch(url, { headers, signal: signal ?? null });
  } catch (error) {
    throw new DataError(
      `${new URL(url).host} cannot be reached to download ${url} (${reason(error)}). Check the network, or download the file by another way.`,
      { cause: error },
    );
  }
}

async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** What the file system reports that a user can do something about, as a sentence; undefined for other errors. */
export function fileError(error: unknown, path: string): DataError | undefined {
  if (!isFileError(error)) return undefined;
  const explanation =
    error.code === 'ENOSPC' || error.code === 'EDQUOT'
      ? `The disk is full: ${path} could not be written. Make room and start again`
      : `${path} could not be written (${error.code}). Choose another folder with the environment variable TRACT_DATA_DIR`;
  return new DataError(`${explanation}.`, { cause: error });
}

function isFileError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  const codes = [
    'ENOSPC',
    'EDQUOT',
    'EACCES',
    'EPERM',
    'EROFS',
    'ENOTDIR',
    'EEXIST',
    'EISDIR',
    'EMFILE',
    'EIO',
  ];
  const { code, syscall } = error as NodeJS.ErrnoException;
  // A refused connection is reported by the same class of errors, of the system call `connect`.
  return code !== undefined && codes.includes(code) && syscall !== 'connect';
}

/** fetch reports "fetch failed"; what failed is in the cause. */
function reason(error: unknown): string {
  const { cause, message } = error as Error;
  const inner = cause as (Error & { code?: string }) | undefined;
  return inner ? inner.message || (inner.code ?? message) : message;
}
