import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, Header } from 'tar';
import { cifar10 } from './cifar.js';
import { extractArchive } from './cifar-download.js';
import { DataError } from './data-error.js';
import { download } from './download.js';

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');
const names = [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`).concat('test_batch.bin');

describe('downloading CIFAR', { timeout: 60_000 }, () => {
  let folder: string;
  let dir: string;
  let archive: Buffer;
  let respond: (request: IncomingMessage, response: ServerResponse) => void;
  let ranges: (string | undefined)[];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    respond(request, response);
  });
  let url: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tract-download-'));
    dir = join(folder, 'cache');
    ranges = [];
    await mkdir(join(folder, 'cifar-10-batches-bin'));
    for (const name of names) {
      const records = Array.from({ length: 20 }, (_, i) =>
        Buffer.concat([Buffer.of(i % 10), randomBytes(3072)]),
      );
      await writeFile(join(folder, 'cifar-10-batches-bin', name), Buffer.concat(records));
    }
    await writeFile(
      join(folder, 'cifar-10-batches-bin', 'batches.meta.txt'),
      'abcdefghij'.split('').join('\n'),
    );
    await writeFile(join(folder, 'cifar-10-batches-bin', 'readme.html'), 'not wanted');
    await create({ gzip: true, cwd: folder, file: join(folder, 'good.tar.gz') }, ['cifar-10-batches-bin']);
    archive = await readFile(join(folder, 'good.tar.gz'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cifar.tar.gz`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });

  /** Serves the archive, ranges and all, as a web server does. */
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= archive.length) {
      response.writeHead(416, { 'content-range': `bytes */${archive.length}` }).end();
      return;
    }
    const headers = { 'content-length': archive.length - from };
    const range = `bytes ${from}-${archive.length - 1}/${archive.length}`;
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...headers, 'content-range': range } : headers);
    response.end(archive.subarray(from));
  };
  /** Breaks off after some bytes. */
  const breakOff =
    (after: number) =>
    (_request: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, after));
      // A real line breaks after something has arrived, not in the same instant: wait until the file has it.
      const part = join(dir, 'cifar-10-batches-bin.tar.gz.part');
      const timer = setInterval(() => {
        const size = statSync(part, { throwIfNoEntry: false })?.size ?? 0;
        if (size === 0) return;
        clearInterval(timer);
        response.destroy();
      }, 5);
    };
  const load = (options: Partial<Parameters<typeof cifar10>[0]> = {}): ReturnType<typeof cifar10> =>
    cifar10({ dir, download: { url, md5: md5(archive) }, ...options });

  it('fetches, checks and unpacks the whole, once', async () => {
    respond = serve;
    const progress: [number, number | undefined][] = [];
    const { train, classNames } = await load({ onProgress: (...now) => progress.push(now) });
    assert.equal(train.labels.length, 100);
    assert.equal(classNames[0], 'a');
    assert.deepEqual(progress[0], [0, archive.length]);
    assert.deepEqual(progress.at(-1), [archive.length, archive.length]);
    assert.deepEqual(await readdir(dir), ['cifar-10-batches-bin']);
    assert.deepEqual((await readdir(join(dir, 'cifar-10-batches-bin'))).sort(), [
      'batches.meta.txt',
      ...names,
    ]);
    await load();
    assert.equal(ranges.length, 1);
  });

  it('goes on where it was interrupted', async () => {
    respond = breakOff(50_000);
    await assert.rejects(
      load(),
      (error) => error instanceof DataError && /broke off after \d+ of/.test(error.message),
    );
    const [part] = await readdir(dir);
    assert.equal(part, 'cifar-10-batches-bin.tar.gz.part');
    const { length } = await readFile(join(dir, part));
    assert.ok(length > 0 && length <= 50_000);
    respond = serve;
    const first: number[] = [];
    assert.equal((await load({ onProgress: (received) => first.push(received) })).train.labels.length, 100);
    assert.deepEqual(ranges, [undefined, `bytes=${length}-`]);
    assert.equal(first[0], length);
  });

  it('starts over where the server knows no ranges', async () => {
    respond = breakOff(50_000);
    await assert.rejects(load());
    respond = (_request, response) => response.end(archive);
    assert.equal((await load()).train.labels.length, 100);
  });

  it('takes a part that is complete, and throws away one that is too long', async () => {
    respond = serve;
    await mkdir(dir);
    const part = join(dir, 'cifar-10-batches-bin.tar.gz.part');
    await writeFile(part, archive);
    assert.equal((await load()).train.labels.length, 100);
    await rm(join(dir, 'cifar-10-batches-bin'), { recursive: true });
    await writeFile(part, Buffer.concat([archive, Buffer.from('more')]));
    assert.equal((await load()).train.labels.length, 100);
    assert.deepEqual(ranges, [`bytes=${archive.length}-`, `bytes=${archive.length + 4}-`, undefined]);
  });

  it('refuses what has another checksum, and keeps nothing of it', async () => {
    const expected = md5(archive);
    archive = Buffer.from(archive);
    archive[archive.length >> 1] ^= 1;
    respond = serve;
    await assert.rejects(
      load({ download: { url, md5: expected } }),
      (error) =>
        error instanceof DataError && error.message.includes(`instead of ${expected} and has been deleted`),
    );
    assert.deepEqual(await readdir(dir), []);
  });

  it('ends a download that is larger than the file may be, and keeps nothing of it', async () => {
    const file = join(dir, 'file.bin');
    const tooLarge = async (options: { respond: typeof respond; largest: number }): Promise<void> => {
      respond = options.respond;
      await assert.rejects(
        download(url, file, { md5: md5(archive), largest: options.largest }),
        (error) => error instanceof DataError && /is larger than the .* MB .*deleted/.test(error.message),
      );
      assert.deepEqual(await readdir(dir), []);
    };
    const largest = archive.length - 1;
    // The server says how much it will be.
    await tooLarge({ respond: serve, largest });
    // It does not, and does not end.
    const endless = (_request: IncomingMessage, response: ServerResponse): void => {
      const timer = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
      response.on('close', () => {
        clearInterval(timer);
      });
    };
    await tooLarge({ respond: endless, largest });
    // The rest of a file that was begun counts with what is there.
    await writeFile(`${file}.part`, archive.subarray(0, 50_000));
    ranges = [];
    await tooLarge({ respond: serve, largest });
    assert.deepEqual(ranges, ['bytes=50000-']);
    // What is there is too much by itself: it is not of this file, which is fetched anew.
    await writeFile(`${file}.part`, Buffer.alloc(archive.length + 1));
    ranges = [];
    respond = serve;
    await download(url, file, { md5: md5(archive), largest: archive.length });
    assert.deepEqual(ranges, [undefined]);
    assert.ok((await readFile(file)).equals(archive));
  });

  it('says what the server and the network said', async () => {
    respond = (_request, response) => response.writeHead(404).end();
    await assert.rejects(load(), /The server answered 404 Not Found to a request for http/);
    respond = (request) => request.socket.destroy();
    await assert.rejects(load(), /127\.0\.0\.1:\d+ cannot be reached/);
    const nobody = { url: 'http://127.0.0.1:1/cifar.tar.gz', md5: md5(archive) };
    await assert.rejects(load({ download: nobody }), DataError);
  });

  it('says that a folder cannot be written to', async () => {
    respond = serve;
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(
      load({ dir: join(folder, 'file', 'inner') }),
      (error) =>
        error instanceof DataError && /could not be written \(ENOTDIR\).*TRACT_DATA_DIR/.test(error.message),
    );
  });

  it('says that the disk is full', async (t) => {
    if (!(await stat('/dev/full').catch(() => undefined))) {
      t.skip('there is no /dev/full on this platform');
      return;
    }
    respond = serve;
    await mkdir(dir);
    await symlink('/dev/full', join(dir, 'cifar-10-batches-bin.tar.gz.part'));
    await assert.rejects(
      load(),
      (error) => error instanceof DataError && /^The disk is full: .*Make room/.test(error.message),
    );
  });

  it('ends when it is aborted, and keeps what it has', async () => {
    respond = (_request, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 50_000));
    };
    const controller = new AbortController();
    const onProgress = (received: number): void => {
      if (received > 0) controller.abort();
    };
    await assert.rejects(load({ signal: controller.signal, onProgress }), { name: 'AbortError' });
    respond = serve;
    assert.equal((await load()).train.labels.length, 100);
  });

  it('refuses archives that are damaged or lack a file', async () => {
    const full = archive;
    archive = full.subarray(0, full.length >> 1);
    respond = serve;
    await assert.rejects(load(), DataError);
    archive = Buffer.from('this is not an archive, whatever its name says');
    await assert.rejects(load(), DataError);
    assert.deepEqual(await readdir(dir), []);
  });

  const entry = (
    path: string,
    type: 'File' | 'SymbolicLink' | 'Link' | 'Directory',
    content: string,
  ): Buffer => {
    const block = Buffer.alloc(512);
    const link = type === 'SymbolicLink' || type === 'Link';
    const size = link ? 0 : content.length;
    new Header({ path, type, size, mode: 0o644, ...(link && { linkpath: content }) }).encode(block);
    const body = Buffer.alloc(Math.ceil(size / 512) * 512);
    if (!link) body.write(content);
    return Buffer.concat([block, body]);
  };

  it('refuses an archive that unpacks to more than any of CIFAR', async () => {
    const file = join(folder, 'bomb.tar.gz');
    const good = entry('good/a.bin', 'File', 'good');
    const refused = async (bytes: Buffer, message: RegExp): Promise<void> => {
      await writeFile(file, bytes);
      await assert.rejects(
        extractArchive(file, { folder: 'good', files: ['a.bin'] }, dir),
        (error) => error instanceof DataError && message.test(error.message),
      );
      assert.deepEqual(await readdir(dir), []);
    };
    const pieces = 101;
    // A file that is passed over, in a hundred gzip members of 3 MB each: 300 kB.
    const header = Buffer.alloc(512);
    new Header({ path: 'other.bin', type: 'File', size: pieces * 3e6, mode: 0o644 }).encode(header);
    const zeros = gzipSync(Buffer.alloc(3e6));
    const bomb = Buffer.concat([
      gzipSync(header),
      ...Array.from({ length: pieces }, () => zeros),
      gzipSync(good),
    ]);
    assert.ok(bomb.length < 400_000);
    await refused(bomb, /more than 300 MB or 1000 files/);
    // Many empty files.
    const empty = Array.from({ length: 1100 }, (_, i) => entry(`good/${i}`, 'File', ''));
    await refused(
      gzipSync(Buffer.concat([...empty, good, Buffer.alloc(1024)])),
      /more than 300 MB or 1000 files/,
    );
    // Compressed twice, which would go around the limits.
    const large = entry('good/b.bin', 'File', randomBytes(2000).toString('hex'));
    const twice = gzipSync(gzipSync(Buffer.concat([large, good, Buffer.alloc(1024)])));
    await refused(twice, /is not a complete \.tar\.gz file/);
  });

  it('writes nothing but the expected regular files', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    const file = join(folder, 'bad.tar.gz');
    const extractWith = async (...entries: Buffer[]): Promise<void> => {
      await writeFile(file, gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)])));
      await extractArchive(file, { folder: 'good', files: ['a.bin'] }, dir);
    };
    const good = entry('good/a.bin', 'File', 'good');
    await extractWith(
      entry('../outside/traversal', 'File', 'bad'),
      entry(join(outside, 'absolute'), 'File', 'bad'),
      entry('good/../../outside/hidden', 'File', 'bad'),
      entry('good/link', 'SymbolicLink', outside),
      entry('good/link/through', 'File', 'bad'),
      entry('good/other.bin', 'File', 'bad'),
      good,
    );
    assert.deepEqual(await readdir(outside), []);
    assert.deepEqual(await readdir(dir), ['good']);
    assert.deepEqual(await readdir(join(dir, 'good')), ['a.bin']);

    // A folder that is a link, and wanted files that are links.
    await extractWith(entry('good', 'SymbolicLink', outside), good);
    assert.deepEqual(await readdir(outside), []);
    await writeFile(join(outside, 'secret'), 'secret');
    for (const type of ['SymbolicLink', 'Link'] as const) {
      const link = entry('good/a.bin', type, join(outside, 'secret'));
      await assert.rejects(extractWith(link), /does not hold the file good\/a\.bin/);
    }
    assert.deepEqual(await readdir(outside), ['secret']);
    assert.equal(await readFile(join(dir, 'good', 'a.bin'), 'utf8'), 'good');

    // What stands in the place of the folder is replaced, not followed.
    await rm(join(dir, 'good'), { recursive: true });
    await symlink(outside, join(dir, 'good'), 'dir');
    await extractWith(good);
    assert.deepEqual(await readdir(outside), ['secret']);
  });
});
