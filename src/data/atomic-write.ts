/** Files that are either there as a whole or as they were before. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file or folder that cannot be written; the message is a sentence for the user with the way out. */
export class OutputError extends Error {
  override name = 'OutputError';
}

/** What the file system reports about `path` as a sentence; errors of another kind come back as they are. */
export function outputError(error: unknown, path: string): unknown {
  if (error instanceof OutputError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error;
  const sentence = (reason: string, wayOut: string): OutputError =>
    new OutputError(`${path} cannot be written: ${reason} (${code}); ${wayOut}`, { cause: error });
  const another = 'choose another place';
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return sentence('the disk is full', 'make room, or choose another disk');
    case 'EFBIG':
      return sentence('the file would be larger than this system allows', another);
    case 'EACCES':
    case 'EPERM':
      return sentence('it may not be written to', `allow it, or ${another}`);
    case 'EROFS':
      return sentence('the disk is read-only', another);
    case 'ENOTDIR':
    case 'EEXIST':
      return sentence('something on the way to it is a file, not a folder', another);
    case 'EISDIR':
      return sentence('it is a folder, not a file', another);
    case 'ENOENT':
      return sentence('a folder on the way to it is missing', another);
    default:
      return sentence(message.replace(/^[A-Z0-9]+: /, ''), another);
  }
}

/** What of the file system is used, so that tests can let it fail. */
export interface FileSystem {
  readonly open: (path: string, flags: string) => Promise<FileHandle>;
  readonly rename: (from: string, to: string) => Promise<void>;
}

/** A name that nobody else chooses; the one who wrote it can be told from it. */
const temporaryOf = (path: string): string => `${path}.${process.pid}-${randomBytes(8).toString('hex')}.tmp`;

/** Whether a file's name is one that `writeAtomically` writes to first. */
export function isTemporary(name: string): boolean {
  return /\.\d+-[0-9a-f]{16}\.tmp$/.test(name);
}

/**
 * Writes a file so that neither an error nor a crash loses what was there before: the bytes go to a new file beside it,
 * whose name ends in `.tmp`, are forced to disk, and the file takes the place of the old one in one move. No symbolic
 * link is followed: one at `path` is replaced. Of two processes that write the same file one wins as a whole.
 *
 * @throws OutputError naming the path and the way out; the temporary file is removed
 */
export async function writeAtomically(
  path: string,
  bytes: Uint8Array | string,
  files: FileSystem = { open, rename },
): Promise<void> {
  const temporary = temporaryOf(path);
  // Fails where there is a file or a link of this name.
  const file = await files.open(temporary, 'wx').catch((error: unknown) => {
    throw outputError(error, path);
  });
  try {
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw outputError(error, path);
  }
  await syncFolder(dirname(path));
}

/** Makes the move itself last; not all systems let a folder be opened, and then there is nothing to be done. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows, some network disks.
  }
}
