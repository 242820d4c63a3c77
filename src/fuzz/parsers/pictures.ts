/** Tables of pictures, and what is kept of the first pass over them. */
import { DataError } from '../../data/data-error.js';
import { type KeptScan, fromKeptScan, toKeptScan } from '../../data/folder/kept-scan.js';
import { parsePictureTable } from '../../data/folder/picture-table.js';
import { Scan } from '../../data/folder/scan.js';
import { packTexts, textAt } from '../../data/folder/texts.js';
import { mutateBytes, pick } from '../mutate-bytes.js';
import { type FuzzedParser, decode, encode, expect } from '../parser.js';

const documented = (error: unknown): boolean => error instanceof DataError;

const tables = [
  'path,label,split\ncat/1.jpg,cat,train\n"dog, 1.jpg",dog,train\r\ncat/2.jpg,cat,val\ndog/2.jpg,"the ""dog""",test\n',
  '\uFEFFid;class;file\n1;cat;a.png\n2;dog;b.png\n\n3;cat;"c\nd.png"',
  'a.png\tx\nb.png\ty\n',
];

/** What stands between cells, and what looks like it. */
const pieces = [',', ';', '\t', '\n', '\r\n', '\r', '"', '""', '\0', ' ', 'train', 'label', '\uFEFF', 'é'];

export const pictureTable: FuzzedParser = {
  name: 'picture-table',
  seeds: () => Promise.resolve(tables.map(encode)),
  mutate(input, random, seeds) {
    if (random.integer(4) === 0) return mutateBytes(input, random, pick(random, seeds));
    let text = decode(input);
    for (let times = random.integer(3); times >= 0; times--) {
      const at = random.integer(text.length + 1);
      text = text.slice(0, at) + pick(random, pieces) + text.slice(at + random.integer(3));
    }
    return encode(text);
  },
  read(input) {
    const rows = parsePictureTable(decode(input), 'pictures.csv');
    expect(rows.length > 0 && rows.length <= input.length, `${rows.length} rows of ${input.length} bytes`);
    for (const { path, label, split } of rows) {
      expect(path !== '' && !path.includes('\0') && label !== '', 'a path or a label is none');
      expect(['train', 'validation', 'test'].includes(split), `a split is ${split}`);
    }
  },
  documented,
};

/** Three pictures, one of which cannot be read. */
function example(): KeptScan {
  const scan = new Scan(3, 3);
  scan.stamps.set([100, 1e12, 200, 1e12 + 0.5, 3, 1e12]);
  scan.sizes.set([8, 8, 16, 16, 8, 12, 20, 30]);
  scan.hashes.forEach((_, i) => (scan.hashes[i] = i < 32 ? i : 0));
  scan.sums.set([640, 640, 640, 6400, 6400, 6400, 960, 960, 960, 9600, 9600, 9600]);
  scan.stores.set([0, 1, -1]);
  scan.offsets.set([0, 192, 0]);
  scan.problems.set(2, 'is not an image that can be read');
  const stores = ['pixels-0123456789abcdef.bin', 'pixels-fedcba9876543210.bin'];
  return { scan, paths: packTexts(['cat/1.jpg', 'cat/é.jpg', 'dog/1.jpg']), stores };
}

export const keptScan: FuzzedParser = {
  name: 'kept-scan',
  seeds: () => Promise.resolve([toKeptScan(example())]),
  mutate(input, random) {
    if (random.integer(2) === 0) return mutateBytes(input, random);
    // The columns, most of what is in the header being refused by the format.
    const bytes = new Uint8Array(input);
    const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    bytes[start + random.integer(bytes.length - start)] = random.integer(256);
    return bytes;
  },
  read(input) {
    const kept = fromKeptScan(input, 3);
    const { scan, stores, paths } = kept;
    for (let i = 0; i < scan.count; i++) {
      expect(typeof textAt(paths, i) === 'string', `path ${i} is none`);
      expect(scan.stores[i] < stores.length, `picture ${i} is in file ${scan.stores[i]} of ${stores.length}`);
      expect(!scan.isGood(i) || scan.size(i).every((side) => side > 0), `picture ${i} has no size`);
    }
    expect(
      stores.every((name) => /^[\w.-]+$/.test(name)),
      'a file of pixels is in another folder',
    );
    const again = toKeptScan(kept);
    expect(
      Buffer.compare(toKeptScan(fromKeptScan(again, 3)), again) === 0,
      'written and read again it is another',
    );
  },
  documented,
};
