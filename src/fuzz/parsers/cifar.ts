/** The binary files of CIFAR-10 and the names of its classes. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cifar10 } from '../../data/cifar.js';
import { cifar10Names } from '../../data/cifar-names.js';
import { DataError } from '../../data/data-error.js';
import { mutateBytes, pick } from '../mutate-bytes.js';
import { type FuzzedParser, encode, expect } from '../parser.js';

const RECORD = 3073;

/** Records of grey images. */
const records = (...labels: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(RECORD * labels.length).fill(128);
  labels.forEach((label, i) => (bytes[i * RECORD] = label));
  return bytes;
};

const names = encode(`${cifar10Names.join('\n')}\n`);
const files = [
  'data_batch_1.bin',
  'data_batch_2.bin',
  'data_batch_3.bin',
  'data_batch_4.bin',
  'data_batch_5.bin',
];

/** Writes a complete dataset with one of its files replaced, and reads it. */
async function read(folder: string, file: string, input: Uint8Array): Promise<void> {
  if (!existsSync(join(folder, 'test_batch.bin'))) {
    for (const name of [...files, 'test_batch.bin']) writeFileSync(join(folder, name), records(3));
    writeFileSync(join(folder, 'batches.meta.txt'), names);
  }
  writeFileSync(join(folder, file), input);
  const { train, test, classNames } = await cifar10({ dir: folder });
  expect(classNames.length === 10, `${classNames.length} classes`);
  for (const { images, labels } of [train, test]) {
    expect(images.length === labels.length * 3072, `${images.length} bytes of ${labels.length} images`);
    expect(
      Array.from(labels).every((label) => label < 10),
      'a label is out of range',
    );
  }
}

const documented = (error: unknown): boolean => error instanceof DataError;

export const cifar: FuzzedParser = {
  name: 'cifar',
  seeds: () => Promise.resolve([records(0, 9), records(1), records(2, 3, 4)]),
  mutate(input, random, seeds) {
    if (random.integer(2) === 0) return mutateBytes(input, random, pick(random, seeds));
    // A label, most bytes of a file being pixels.
    const bytes = new Uint8Array(input);
    bytes[RECORD * random.integer(bytes.length / RECORD)] = random.integer(256);
    return random.integer(2) === 0 ? bytes : bytes.slice(0, RECORD * random.integer(4));
  },
  read: (input, folder) => read(folder, 'data_batch_1.bin', input),
  documented,
};

export const classNames: FuzzedParser = {
  name: 'class-names',
  seeds: () => Promise.resolve([names, encode(cifar10Names.join('\r\n\r\n'))]),
  mutate: (input, random, seeds) => mutateBytes(input, random, pick(random, seeds)),
  read: (input, folder) => read(folder, 'batches.meta.txt', input),
  documented,
};
