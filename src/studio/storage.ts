/** Files in the origin's private file system: where the Studio keeps pictures and runs, on this machine alone. */

/** A file that one worker has for itself, read and written at once. Declared here, because it is not in the page's types. */
export interface SyncFile {
  read(target: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

const ROOT = 'tract-studio';
const ATTEMPTS = 30;

/** @throws Error where the browser has no such file system for this page */
async function rootFolder(): Promise<FileSystemDirectoryHandle> {
  // Declared as if it were everywhere.
  const { storage } = navigator as { readonly storage?: Partial<StorageManager> };
  if (!storage?.getDirectory)
    throw new Error(
      'This browser gives the page no place to keep pictures. Open it from https or from localhost, in a recent Chrome, Edge, Firefox or Safari, outside of a private window.',
    );
  return (await storage.getDirectory()).getDirectoryHandle(ROOT, { create: true });
}

async function folderOf(
  path: string,
  create: boolean,
): Promise<{ readonly folder: FileSystemDirectoryHandle; readonly name: string }> {
  const parts = path.split('/');
  const name = parts.pop()!;
  let folder = await rootFolder();
  for (const part of parts) folder = await folder.getDirectoryHandle(part, { create });
  return { folder, name };
}

const isMissing = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'NotFoundError';

/** A file as it is now; undefined where there is none. Its bytes stay on the disk until they are read. */
export async function storedFile(path: string): Promise<File | undefined> {
  try {
    const { folder, name } = await folderOf(path, false);
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Replaces a file as a whole: until it is complete, the one before is there. */
export async function writeStored(path: string, content: Uint8Array | string): Promise<void> {
  const { folder, name } = await folderOf(path, true);
  const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
  try {
    await stream.write(content as Uint8Array<ArrayBuffer>);
    await stream.close();
  } catch (error) {
    await stream.abort().catch(() => undefined);
    throw outOfSpace(error);
  }
}

/** A file of this worker's own; nobody else reads or writes it before it is closed. */
export async function openStored(path: string): Promise<SyncFile> {
  const { folder, name } = await folderOf(path, true);
  const handle = (await folder.getFileHandle(name, { create: true })) as FileSystemFileHandle & {
    createSyncAccessHandle(): Promise<SyncFile>;
  };
  // A page that was reloaded may find the file in the hands of the one before it, for a moment.
  for (let attempt = 1; ; attempt++) {
    try {
      return await handle.createSyncAccessHandle();
    } catch (error) {
      const taken = error instanceof DOMException && error.name === 'NoModificationAllowedError';
      if (!taken || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Removes a file or a folder with all that is in it; what is not there is removed already. */
export async function removeStored(path: string): Promise<void> {
  try {
    const { folder, name } = await folderOf(path, false);
    await folder.removeEntry(name, { recursive: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** The names in a folder; none where there is no folder. */
export async function storedNames(path: string): Promise<string[]> {
  try {
    const { folder, name } = await folderOf(path, false);
    const names: string[] = [];
    const entries = (await folder.getDirectoryHandle(name)) as FileSystemDirectoryHandle & {
      keys(): AsyncIterable<string>;
    };
    for await (const entry of entries.keys()) names.push(entry);
    return names;
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The error for a disk that is full, with a way out. */
export function outOfSpace(error: unknown): unknown {
  if (!(error instanceof DOMException && error.name === 'QuotaExceededError')) return error;
  return new Error(
    'The browser gives the page no more room on the disk. Delete some pictures here, or free disk space, and try again; what was saved is kept.',
    { cause: error },
  );
}
