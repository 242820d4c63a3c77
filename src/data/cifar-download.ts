/** The CIFAR archives of the University of Toronto, downloaded, checked and unpacked. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Header, type ReadEntry, UnpackSync } from 'tar';
import { DataError } from './data-error.js';
import { download, type DownloadOptions, fileError } from './download.js';

/** One archive and what is taken from it. */
export interface Archive {
  readonly url: string;
  /** Its MD5 checksum, 32 hexadecimal digits. */
  readonly md5: string;
  /** The most bytes that it may have. */
  readonly largest: number;
  /** The folder inside the archive. */
  readonly folder: string;
  /** The files wanted from it. */
  readonly files: readonly string[];
}

/** No file of an archive is larger; CIFAR-100's train.bin has 153.7 MB. */
const largestFile = 200e6;
/** No archive unpacks to more; both of CIFAR hold 184.4 MB. */
const largestContent = 300e6;
/** No archive has more entries; those of CIFAR have nine at most. */
const mostEntries = 1000;

/**
 * Downloads an archive into `directory` and unpacks its folder there. The folder appears complete or not at all,
 * and the archive is deleted once it is unpacked.
 *
 * @throws DataError when the download fails (see `download`) or the archive does not hold the files
 */
export async function fetchArchive(
  archive: Archive,
  directory: string,
  options: Omit<DownloadOptions, 'md5' | 'largest'> = {},
): Promise<void> {
  const file = join(directory, `${archive.folder}.tar.gz`);
  await download(archive.url, file, { ...options, md5: archive.md5, largest: archive.largest });
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
 * passed over: links, absolute paths, paths with `..`, other files. It is decompressed piece by piece, and no further
 * than an archive of CIFAR goes.
 *
 * @throws DataError when the archive is damaged, lacks a wanted file, holds one above 200 MB, unpacks to more than
 *   300 MB, or has more than 1000 entries
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
    // Its writes are synchronous: when an error ends it, nothing else is still being written.
    const unpack = new UnpackSync({
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
    await unpackWithin(file, unpack);
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

/** Feeds an archive to the unpacker, as long as it stays within the limits. */
async function unpackWithin(file: string, unpack: UnpackSync): Promise<void> {
  let [content, entries] = [0, 0];
  for (const event of ['entry', 'ignoredEntry', 'meta'] as const) unpack.on(event, () => entries++);
  // The unpacker takes what begins like compressed data for that and decompresses it again, without our limits; after
  // an entry of our own, which it passes over, it does not look for that.
  const first = Buffer.alloc(512);
  new Header({ path: '.', type: 'File', size: 0, mode: 0o644 }).encode(first);
  unpack.write(first);
  const gunzip = createGunzip();
  pipeline(createReadStream(file), gunzip, () => {
    // Whatever goes wrong is thrown where the chunks are read.
  });
  for await (const chunk of gunzip as AsyncIterable<Buffer>) {
    content += chunk.length;
    if (content > largestContent || entries > mostEntries) {
      throw new DataError(
        `${file} holds more than ${largestContent / 1e6} MB or ${mostEntries} files, which no archive of CIFAR does. Delete it and download it anew.`,
      );
    }
    unpack.write(chunk);
  }
  unpack.end();
}

/** Puts a folder in the place of another, incomplete one or of none. */
async function replaceFolder(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rm(to, { recursive: true, force: true });
  await rename(from, to);
}
