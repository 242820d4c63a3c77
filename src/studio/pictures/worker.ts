/** The worker that takes pictures in and gives them out again. */
import { serve, tell } from '../rpc.js';
import { removeStored, storedNames } from '../storage.js';
import { type Catalog, testPictures } from './catalog.js';
import { commandEnding } from './format.js';
import { type GivenFile, type ImportResult, importFiles } from './import.js';
import { PACKS, PictureBytes } from './packs.js';
import { bitmapOf, drawn, encoded } from './pixels.js';
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

  /**
   * All pictures as a zip file of folders, as the command reads them: train and test, a folder for each class. What it
   * does not read is written as PNG.
   */
  async zip(catalog: Catalog): Promise<File> {
    const zip = await ZipFile.create('pictures.zip');
    try {
      const test = testPictures(catalog);
      const kept = new PictureBytes();
      const digits = String(catalog.pictures.length).length;
      for (const [i, picture] of catalog.pictures.entries()) {
        const blob = await kept.blobOf(picture);
        let bytes = new Uint8Array(await blob.arrayBuffer());
        let ending = commandEnding(bytes);
        if (ending === undefined) {
          bytes = new Uint8Array(await (await encoded(drawn(await bitmapOf(blob)), 'png')).arrayBuffer());
          ending = 'png';
        }
        const folder = `${test[i] ? 'test' : 'train'}/${catalog.classNames[picture.label]}`;
        const stem = picture.name.replace(/\.[a-z0-9]{2,5}$/i, '');
        zip.add(`${folder}/${String(i + 1).padStart(digits, '0')}-${stem}.${ending}`, bytes);
      }
      return await zip.finish();
    } catch (error) {
      zip.abandon();
      throw error;
    }
  },
};

export type PicturesCalls = typeof handlers;

serve(handlers);
