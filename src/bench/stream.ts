/**
 * `npm run stream`: what many pictures cost. Writes small pictures to a folder, and reads them as a run does: the first
 * pass, the next start, an epoch of kept pixels, and an epoch that decodes; each in a process of its own, with its memory.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { imageFolder } from '../data/folder/image-folder.js';
import { loaderOf } from '../train/loaders.js';
import { Random } from '../random/random.js';

const SIDE = 24;
const CLASSES = 10;

/** A PNG file of noise in a few shades. */
function noise(random: Random): Buffer {
  const rows = Buffer.alloc(SIDE * (1 + 3 * SIDE));
  for (let i = 0; i < rows.length; i++) rows[i] = i % (1 + 3 * SIDE) === 0 ? 0 : (random.bits() & 7) * 30;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  // 8 bits, red, green and blue.
  header.set([8, 2, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function writePictures(folder: string, count: number): void {
  const random = Random.fromSeed(0, 'stream');
  for (let label = 0; label < CLASSES; label++) mkdirSync(join(folder, `class${label}`), { recursive: true });
  for (let i = 0; i < count; i++) {
    writeFileSync(join(folder, `class${i % CLASSES}`, `${i}.png`), noise(random));
  }
}

/** What one process has measured. */
interface Measured {
  readonly seconds: number;
  /** Resident set in MB, at the end of each tenth of what was read. */
  readonly memory: readonly number[];
  readonly peak: number;
  readonly images: number;
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

/** Opens the folder, and reads an epoch of it where that is asked for. */
async function measure(folder: string, cacheDir: string, kept: boolean, epoch: boolean): Promise<Measured> {
  const memory: number[] = [];
  let tenth = 0;
  const note = (done: number, total: number): void => {
    const now = Math.floor((10 * done) / total);
    if (now > tenth) memory.push(megabytes(process.memoryUsage.rss()));
    tenth = Math.max(tenth, now);
  };
  let began = performance.now();
  const dataset = await imageFolder(folder, {
    cacheDir,
    ...(!epoch && { onProgress: note }),
    // The first pass has been made; what it kept of pixels is not looked at.
    ...(!kept && { cacheBytes: 0 }),
  });
  let images = dataset.report.pictures;
  if (epoch) {
    began = performance.now();
    images = 0;
    const { train, augmentation } = dataset;
    const loader = loaderOf(dataset, train);
    const random = Random.fromSeed(0).state;
    const total = 'count' in train ? train.count : train.labels.length;
    const plan = { batchSize: 100, shuffle: true, last: 'drop' as const, random, augmentation };
    for await (const { count } of loader.epoch(plan)) note((images += count), total);
    await loader.close();
  }
  const seconds = (performance.now() - began) / 1000;
  return { seconds, memory, peak: megabytes(process.resourceUsage().maxRSS * 1024), images };
}

function report(name: string, { seconds, memory, peak, images }: Measured): void {
  const rate = `${Math.round(images / seconds)} pictures/s`;
  console.log(`${name}: ${images} pictures in ${seconds.toFixed(1)} s (${rate}), peak ${peak} MB`);
  if (memory.length > 0) console.log(`  resident MB after each tenth: ${memory.join(', ')}`);
}

const [first, ...others] = process.argv.slice(2);
if (first === '--measure') {
  const [folder, cacheDir, kept, epoch] = others;
  console.log(JSON.stringify(await measure(folder, cacheDir, kept === 'true', epoch === 'true')));
} else {
  const count = process.argv.length > 2 ? Number(first) : 100_000;
  if (!Number.isSafeInteger(count) || count < 1000) {
    console.error('stream: give a whole number of pictures, 1000 at least');
    process.exit(2);
  }
  const folder = mkdtempSync(join(tmpdir(), 'tract-stream-'));
  try {
    const [pictures, cache] = [join(folder, 'pictures'), join(folder, 'cache')];
    writePictures(pictures, count);
    const phase = (name: string, kept: boolean, epoch: boolean): void => {
      const script = fileURLToPath(import.meta.url);
      const line = execFileSync(
        process.execPath,
        [script, '--measure', pictures, cache, String(kept), String(epoch)],
        { encoding: 'utf8' },
      );
      report(name, JSON.parse(line) as Measured);
    };
    phase('first pass', true, false);
    phase('next start', true, false);
    phase('epoch of kept pixels', true, true);
    phase('epoch that decodes (after a first pass of its own)', false, true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
