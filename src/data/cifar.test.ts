import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cifar10, cifar100 } from './cifar.js';
import { DataError } from './data-error.js';

const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tract-cifar-'));
  folders.push(folder);
  return folder;
}

/** A record whose pixels are `first`, `first + 1` and so on. */
const record = (labels: readonly number[], first: number): Buffer =>
  Buffer.concat([
    Buffer.from(labels),
    Buffer.from(Array.from({ length: 3072 }, (_, i) => (first + i) % 256)),
  ]);

/** A small CIFAR-10: two records in each training file, three in the test file. */
async function smallCifar10(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (let file = 1; file <= 5; file++) {
    const records = [record([file], file), record([file + 4], 100 + file)];
    await writeFile(join(folder, `data_batch_${file}.bin`), Buffer.concat(records));
  }
  const records = [record([7], 7), record([8], 8), record([0], 9)];
  await writeFile(join(folder, 'test_batch.bin'), Buffer.concat(records));
  return folder;
}

describe('CIFAR files', () => {
  after(async () => {
    for (const folder of folders) await rm(folder, { recursive: true });
  });

  it('are read from their folder and from the one around it', async () => {
    const parent = await temporaryFolder();
    const folder = await smallCifar10(join(parent, 'cifar-10-batches-bin'));
    for (const dir of [parent, folder]) {
      const { train, test, classNames, imageShape } = await cifar10({ dir });
      assert.deepEqual(imageShape, [3, 32, 32]);
      assert.equal(classNames[9], 'truck');
      assert.deepEqual(Array.from(train.labels), [1, 5, 2, 6, 3, 7, 4, 8, 5, 9]);
      assert.deepEqual(Array.from(test.labels), [7, 8, 0]);
      assert.equal(train.images.length, 10 * 3072);
      assert.deepEqual(Buffer.from(train.images.slice(3 * 3072, 4 * 3072)), record([], 102));
      assert.ok(train.images.buffer instanceof SharedArrayBuffer);
    }
  });

  it('of CIFAR-100 give the fine labels', async () => {
    const dir = await temporaryFolder();
    await writeFile(join(dir, 'train.bin'), Buffer.concat([record([3, 99], 0), record([4, 0], 1)]));
    await writeFile(join(dir, 'test.bin'), record([19, 42], 2));
    const { train, test, classNames } = await cifar100({ dir });
    assert.deepEqual(Array.from(train.labels), [99, 0]);
    assert.deepEqual(Array.from(test.labels), [42]);
    assert.deepEqual(Buffer.from(test.images), record([], 2));
    assert.deepEqual(
      [classNames.length, classNames[0], classNames[42], classNames[99]],
      [100, 'apple', 'leopard', 'worm'],
    );
    assert.deepEqual(classNames, [...classNames].sort());
  });

  it('name the classes', async () => {
    const dir = await smallCifar10(await temporaryFolder());
    await writeFile(join(dir, 'batches.meta.txt'), 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n');
    assert.deepEqual((await cifar10({ dir })).classNames, 'abcdefghij'.split(''));
    await writeFile(join(dir, 'batches.meta.txt'), 'a\nb\n');
    await assert.rejects(
      cifar10({ dir }),
      /batches\.meta\.txt names 2 classes, one a line, but there are 10/,
    );
  });

  it('have a file of names that is a file, and small', async () => {
    const dir = await smallCifar10(await temporaryFolder());
    const file = join(dir, 'batches.meta.txt');
    const refused = (message: RegExp): Promise<void> =>
      assert.rejects(cifar10({ dir }), (error) => error instanceof DataError && message.test(error.message));

    await mkdir(file);
    await refused(/batches\.meta\.txt is not a file\. Replace the folder by that of https:/);
    await rm(file, { recursive: true });
    await writeFile(file, '');
    // A hole: the size counts, nothing of it is read.
    await truncate(file, 2 ** 40);
    await refused(/batches\.meta\.txt has 1099511627776 bytes, but a file of class names has at most 65536/);
    await rm(file);
    if (process.platform === 'win32') return;
    // A pipe that nobody writes to would be waited for.
    execFileSync('mkfifo', [file]);
    await refused(/batches\.meta\.txt is not a file/);
  });

  it('are refused with a sentence when they are damaged', async () => {
    const dir = await smallCifar10(await temporaryFolder());
    const file = join(dir, 'data_batch_3.bin');
    const refused = (message: RegExp): Promise<void> =>
      assert.rejects(cifar10({ dir }), (error) => error instanceof DataError && message.test(error.message));

    await truncate(file, 3073 + 100);
    await refused(/data_batch_3\.bin has 3173 bytes, .* records of 3073 bytes \(100 bytes are left over\)/);
    await truncate(file, 0);
    await refused(/data_batch_3\.bin has 0 bytes/);
    await truncate(file, 3073 * 10_001);
    await refused(/data_batch_3\.bin has 30733073 bytes, 10001 records .* at most 10000/);
    await writeFile(file, Buffer.concat([record([3], 0), record([10], 0)]));
    await refused(/data_batch_3\.bin: the label of record 1 is 10, but there are 10 classes/);
    await appendFile(file, 'x');
    await refused(/data_batch_3\.bin has 6147 bytes/);
    await rm(file);
    await refused(/data_batch_3\.bin is missing; CIFAR-10 consists of data_batch_1\.bin, .*https:/);
    await mkdir(file);
    await refused(/data_batch_3\.bin is not a file/);
  });

  it('are asked for where there are none', async () => {
    const dir = await temporaryFolder();
    await assert.rejects(
      cifar10({ dir }),
      /There is no CIFAR-10 in .*data_batch_1\.bin.*leave it out to have them/,
    );
    await assert.rejects(cifar100({ dir: join(dir, 'nowhere') }), DataError);
  });

  it('of the real CIFAR-10', async (t) => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const dir = join(dirname(root), 'shared', 'data');
    const present = await stat(join(dir, 'cifar-10-batches-bin')).catch(() => undefined);
    if (!present) {
      t.skip('there is no ../shared/data beside the project');
      return;
    }
    const { train, test, classNames, mean } = await cifar10({ dir });
    assert.deepEqual([train.labels.length, test.labels.length, classNames[0]], [50_000, 10_000, 'airplane']);
    for (let label = 0; label < 10; label++) {
      assert.equal(Array.from(test.labels).filter((other) => other === label).length, 1_000);
    }
    let sum = 0;
    for (let image = 0; image < 5_000; image++) {
      for (let pixel = 0; pixel < 1024; pixel++) sum += train.images[image * 3072 + pixel];
    }
    assert.ok(Math.abs(sum / 5_000 / 1024 / 255 - mean[0]) < 0.01);
  });
});
