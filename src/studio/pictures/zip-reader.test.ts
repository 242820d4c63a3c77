import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { strToU8, zipSync } from 'fflate';
import { type Sliceable, ZipError, zipEntries } from './zip-reader.js';

const blobOf = (bytes: Uint8Array): Sliceable => new Blob([bytes as Uint8Array<ArrayBuffer>]);
const text = strToU8('the same again and again and again and again');
const zip = zipSync({
  'a/packed.txt': text,
  'a/plain.txt': [text, { level: 0 }],
  'folder/': new Uint8Array(0),
});

describe('zip files', () => {
  it('are read entry by entry, compressed or not, without folders', async () => {
    const entries = await zipEntries(blobOf(zip));
    assert.deepEqual(
      entries.map(({ path, size }) => [path, size]),
      [
        ['a/packed.txt', text.length],
        ['a/plain.txt', text.length],
      ],
    );
    for (const entry of entries) assert.deepEqual(await entry.read(), text);
  });

  it('that are none, or cut short, are refused with a way out', async () => {
    await assert.rejects(zipEntries(blobOf(text)), /no zip file, or its end is missing/);
    await assert.rejects(zipEntries(blobOf(zip.subarray(0, -30))), ZipError);
  });

  it('with a changed byte are found out, and take no more memory than they say that they have', async () => {
    for (let at = 0; at < zip.length; at++) {
      const changed = zip.slice();
      changed[at] ^= 0x55;
      try {
        for (const entry of await zipEntries(blobOf(changed))) {
          const read = await entry.read();
          // A folder whose name was changed is an empty file.
          if (read.length > 0) assert.deepEqual(read, text, `byte ${at}`);
        }
      } catch (error) {
        assert.ok(error instanceof ZipError, String(error));
      }
    }
  });
});
