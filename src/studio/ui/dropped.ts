/** Files that were dropped on the page or chosen, with where they lay. */
import type { GivenFile } from '../pictures/import.js';

/** Files of a file chooser; of a folder with their paths in it. */
export function chosen(files: readonly File[]): GivenFile[] {
  return files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** All files that were dropped, those in folders too. */
export async function dropped({ items }: DataTransfer): Promise<GivenFile[]> {
  // Taken at once: the list is empty as soon as the event is over.
  const found: GivenFile[] = [];
  const entries = [...items].flatMap((item) => {
    const entry = item.webkitGetAsEntry();
    const file = entry ? null : item.getAsFile();
    if (file) found.push({ path: file.name, file });
    return entry ?? [];
  });
  for (const entry of entries) await collect(entry, '', found);
  return found;
}

async function collect(entry: FileSystemEntry, prefix: string, found: GivenFile[]): Promise<void> {
  const path = `${prefix}${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    found.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // Some at a time; none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return;
    for (const one of some) await collect(one, `${path}/`, found);
  }
}
