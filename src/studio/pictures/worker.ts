/** The worker that takes pictures in and gives them out again. */
import { serve, tell } from '../rpc.js';
import { removeStored, storedNames } from '../storage.js';
import { type Catalog, testPictures } from './catalog.js';
import { type GivenFile, type ImportResult, importFiles } from './import.js';
import { PACKS, PictureBytes } from './packs.js';
import { ZipFile } from './zip-writer.js';

const handlers = {
  /** @param into the class of pictures that lie in no folder; with `forced`, of all */
  add: (
    files: readonly GivenFile[],
    where: { readonly into: string; readonly forced: boolean },
  ): Promise<ImportResult> => importFiles(files, where, tell),

  /** Removes the files that no picture is in any more. */
  async sweep(used: readonly string[]): Promise<void> {
    const known = new Set(used);
    for (const name of await storedNames(PACKS)) if (!known.has(name)) await removeStored(`${PACKS}/${name}`);
  },

  /** All pictures as a zip file of folders, as the command reads them: train and test, a folder for each class. */
  async zip(catalog: Catalog): Promise<File> {
    const zip = await ZipFile.create('pictures.zip');
    try {
      const test = testPictures(catalog);
      const kept = new PictureBytes();
      const digits = String(catalog.pictures.length).length;
      for (const [i, picture] of catalog.pictures.entries()) {
        const bytes = new Uint8Array(await (await kept.blobOf(picture)).arrayBuffer());
        const folder = `${test[i] ? 'test' : 'train'}/${catalog.classNames[picture.label]}`;
        const stem = picture.name.replace(/\.[a-z0-9]{2,5}$/i, '');
        zip.add(`${folder}/${String(i + 1).padStart(digits, '0')}-${stem}.${ending(bytes)}`, bytes);
      }
      return await zip.finish();
    } catch (error) {
      zip.abandon();
      throw error;
    }
  },
};

/** By the first bytes of a file. */
function ending(bytes: Uint8Array): string {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  if (head.startsWith('\x89PNG')) return 'png';
  if (head.startsWith('\xff\xd8')) return 'jpg';
  if (head.startsWith('GIF8')) return 'gif';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'webp';
  return head.slice(4, 8) === 'ftyp' ? 'avif' : 'bmp';
}

export type PicturesCalls = typeof handlers;

serve(handlers);
