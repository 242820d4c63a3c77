/** Zip files, as the Studio's page takes them. */
import { strToU8, zipSync } from 'fflate';
import { ZipError, zipEntries } from '../../studio/pictures/zip-reader.js';
import { mutateBytes } from '../mutate-bytes.js';
import { type FuzzedParser, expect } from '../parser.js';

const text = strToU8('the same again and again and again and again');

export const zip: FuzzedParser = {
  name: 'zip',
  seeds: () =>
    Promise.resolve([
      zipSync({ 'a/packed.png': text, 'b/plain.png': [text, { level: 0 }] }),
      zipSync({ 'one.png': new Uint8Array(3000) }),
    ]),
  mutate: (input, random) => mutateBytes(input, random),
  async read(input) {
    for (const entry of await zipEntries(new Blob([input as Uint8Array<ArrayBuffer>]))) {
      const { length } = await entry.read();
      expect(length === entry.size, `an entry of ${entry.size} bytes has ${length}`);
    }
  },
  documented: (error) => error instanceof ZipError,
};
