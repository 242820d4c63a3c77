/** The CIFAR archives of the University of Toronto, downloaded, checked and unpacked. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { extract, type ReadEntry } from 'tar';
import { DataError } from './data-error.js';
import { download, type DownloadOptions, fileError } from './download.js';

/** One archive and what is taken from it. */
export interface Archive {
  readonly url: string;
  /** Its MD5 checksum, 32 hexadecimal digits. */
  readonly md5: string;
  /** The folder inside the archive. */
  readonly folder: string;
  /** The files wanted from it. */
  readonly files: readonly string[];
}

/** No file of an archive is larger; CIFAR-100's train.bin has 153.7 MB. */
const largestFile = 200e6;

/**
 * Downloads an archive into `directory` and unpacks its folder there. The folder appears complete or not at all,
 * and the archive is deleted once it is unpacked.
 *
 * @throws DataError when the download fails (see `download`) or the archive does not hold the files
 */
export async function fetchArchive(
  archive: Archive,
  directory: string,
  options: Omit<DownloadOptions, 'md5'> = {},
): Promise<void> {
  const file = join(directory, `${archive.folder}.tar.gz`);
  await download(archive.url, file, { ...options, md5: archive.md5 });
  try {
    await extractArchive(file, archive, directory);
  } finally {
    await rm(file, { force: true });
  }
}

/**
 * Unpacks the wanted files of a .tar.gz file into `directory/folder`.
 *
 * Only regular files that stand in the archive under exactly the expected names are written. Everything else is
 * passed over: links, absolute paths, paths with `..`, other files.
 *
 * @throws DataError when the archive is damaged, lacks a wanted file, or holds one above 200 MB
 */
export async function extractArchive(
  file: string,
  { folder, files }: Pick<Archive, 'folder' | 'files'>,
  directory: string,
): Promise<void> {
  const wanted = new Set(files.map((name) => `${folder}/${name}`));
  const temporary = join(directory, `.${folder}-${randomUUID()}`);
  const sizes = new Map<string, number>();
  try {
    await mkdir(temporary, { recursive: true });
    // Synchronously: when an error ends it, nothing else is still being written.
    extract({
      file,
      sync: true,
      cwd: temporary,
      strict: true,
      noMtime: true,
      preserveOwner: false,
      filter: (path, entry) => {
        const { type, size } = entry as ReadEntry;
        const take = wanted.has(path) && (type === 'File' || type === 'OldFile') && size <= largestFile;
        if (take) sizes.set(path, size);
        return take;
      },
    });
    for (const path of wanted) {
      const written = await stat(join(temporary, path)).catch(() => undefined);
      if (!written?.isFile() || written.size !== sizes.get(path)) {
        throw new DataError(
          `${file} does not hold the file ${path}, or not as a regular file of at most ${largestFile / 1e6} MB. Delete it and download it anew.`,
        );
      }
    }
    await replaceFolder(join(temporary, folder), join(directory, folder));
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw (
      fileError(error, join(directory, folder)) ??
      new DataError(
        `${file} is not a complete .tar.gz file (${(error as Error).message}). Delete it and download it anew.`,
        { cause: error },
      )
    );
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Puts a folder in the place of another, incomplete one or of none. */
async function replaceFolder(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}
