/** Archives of a dataset, .tar.gz. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { extractArchive } from '../../data/cifar-download.js';
import { DataError } from '../../data/data-error.js';
import type { Random } from '../../random/random.js';
import { mutateBytes, pick } from '../mutate-bytes.js';
import { type FuzzedParser, expect } from '../parser.js';

const BLOCK = 512;
const files = ['a.bin', 'b.txt'];

type EntryType = 'File' | 'Directory' | 'SymbolicLink' | 'Link';

function entry(path: string, type: EntryType, content: string): Buffer {
  const header = Buffer.alloc(BLOCK);
  const link = type === 'SymbolicLink' || type === 'Link';
  const size = link ? 0 : content.length;
  new Header({ path, type, size, mode: 0o644, ...(link && { linkpath: content }) }).encode(header);
  const body = Buffer.alloc(Math.ceil(size / BLOCK) * BLOCK);
  if (!link) body.write(content);
  return Buffer.concat([header, body]);
}

const good = [
  entry('data', 'Directory', ''),
  entry('data/a.bin', 'File', 'a'.repeat(700)),
  entry('data/b.txt', 'File', 'names'),
];

/** Entries that must not be followed, each valid by itself. */
const bad = [
  entry('../outside', 'File', 'bad'),
  entry('data/../../outside', 'File', 'bad'),
  entry('/tmp/tract-fuzz-outside', 'File', 'bad'),
  entry('data', 'SymbolicLink', '..'),
  entry('data/a.bin', 'SymbolicLink', '../../outside'),
  entry('data/a.bin', 'Link', 'data/b.txt'),
  entry('data/a.bin/b', 'File', 'bad'),
  entry('data/c.bin', 'File', 'more'),
];

const archive = (...entries: readonly Uint8Array[]): Uint8Array =>
  gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]), { level: 1 });

/** The checksum of each block that looks like a header set right, so that what was changed is read. */
function withChecksums(tar: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(tar);
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    if (Buffer.from(block.subarray(257, 262)).toString('latin1') !== 'ustar') continue;
    block.fill(0x20, 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `, 'latin1'), 148);
  }
  return bytes;
}

function mutate(input: Uint8Array, random: Random): Uint8Array {
  switch (random.integer(4)) {
    case 0:
      return mutateBytes(input, random);
    case 1: {
      const entries = [...good];
      const count = 1 + random.integer(3);
      for (let i = 0; i < count; i++)
        entries.splice(
          random.integer(entries.length + 1),
          random.integer(2),
          pick(random, [...bad, ...good]),
        );
      return archive(...entries);
    }
    default: {
      const tar = mutateBytes(gunzipSync(input), random);
      return gzipSync(random.integer(4) > 0 ? withChecksums(tar) : tar, { level: 1 });
    }
  }
}

export const tarArchive: FuzzedParser = {
  name: 'archive',
  seeds: () => Promise.resolve([archive(...good), archive(...bad, ...good)]),
  mutate,
  async read(input, folder) {
    const directory = join(folder, 'inner', 'unpacked');
    rmSync(join(folder, 'inner'), { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(folder, 'file.tar.gz'), input);
    try {
      await extractArchive(join(folder, 'file.tar.gz'), { folder: 'data', files }, directory);
      const found = readdirSync(join(directory, 'data')).sort();
      expect(found.join() === files.join(), `${found.join(', ')} came out of an archive`);
    } finally {
      // Whether it was refused or not.
      const around = [
        ...readdirSync(folder),
        ...readdirSync(join(folder, 'inner')),
        ...readdirSync(directory),
      ];
      const extra = around.filter((name) => !['file.tar.gz', 'inner', 'unpacked', 'data'].includes(name));
      expect(extra.length === 0, `${extra.join(', ')} was left beside the folder`);
    }
  },
  documented: (error) => error instanceof DataError,
};
