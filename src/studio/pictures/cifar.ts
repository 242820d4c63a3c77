/** CIFAR's binary files (see src/data/cifar.ts): records of one or two labels and 3072 bytes of pixels. */
import { cifar10Names, cifar100Names } from '../../data/cifar-names.js';
import { toPng } from './png.js';

const PIXELS = 3072;
/** No official file has more records. */
const MOST_RECORDS = 50_000;

/** The bytes of labels before the pixels, by the length of a file; undefined for one of another kind. */
export function cifarLabelBytes(name: string, size: number): 1 | 2 | undefined {
  if (!/\.bin$/i.test(name) || size === 0) return undefined;
  // CIFAR-100's files are called train.bin and test.bin; a length may fit both.
  const order = /^(?:train|test)\.bin$/i.test(name) ? ([2, 1] as const) : ([1, 2] as const);
  return order.find((bytes) => size % (PIXELS + bytes) === 0 && size / (PIXELS + bytes) <= MOST_RECORDS);
}

export interface CifarPicture {
  readonly className: string;
  readonly name: string;
  readonly part: 'train' | 'test';
  readonly png: Uint8Array;
}

/** The pictures in a file, one after the other. @throws Error for a label that names no class */
export function* cifarPictures(name: string, bytes: Uint8Array, labelBytes: 1 | 2): Generator<CifarPicture> {
  const names = labelBytes === 1 ? cifar10Names : cifar100Names;
  const size = PIXELS + labelBytes;
  const stem = name.replace(/\.bin$/i, '');
  for (let record = 0; record * size < bytes.length; record++) {
    const start = record * size;
    const label = bytes[start + labelBytes - 1];
    if (label >= names.length)
      throw new Error(
        `the label of record ${record} is ${label}, but there are ${names.length} classes; it is no file of CIFAR`,
      );
    yield {
      className: names[label],
      name: `${stem}-${String(record).padStart(5, '0')}.png`,
      part: /test/i.test(stem) ? 'test' : 'train',
      png: toPng(bytes.subarray(start + labelBytes, start + size), 32, 32),
    };
  }
}
