/** Changes of a file that know nothing of its format: bits, bytes, cuts, splices, numbers that may be lengths. */
import type { Random } from '../random/random.js';

/** One of several things. */
export function pick<T>(random: Random, things: readonly T[]): T {
  return things[random.integer(things.length)];
}

/** Numbers at which lengths, counts and offsets go wrong. */
export const boundaries: readonly bigint[] = [
  0n,
  1n,
  2n,
  7n,
  8n,
  127n,
  128n,
  255n,
  256n,
  32_767n,
  65_535n,
  65_536n,
  100_000n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

type Edit = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    result.set(part, position);
    position += part.length;
  }
  return result;
};

/** A place in the bytes; their end is one, too. */
const place = (bytes: Uint8Array, random: Random): number => random.integer(bytes.length + 1);

/** A short range: most formats have what matters within a few bytes. */
const range = (bytes: Uint8Array, random: Random): [number, number] => {
  const start = place(bytes, random);
  const longest = random.integer(4) === 0 ? bytes.length : 16;
  return [start, Math.min(bytes.length, start + random.integer(longest + 1))];
};

/** The bytes with those at `position` replaced in place. */
const over = (bytes: Uint8Array, position: number, put: Uint8Array): Uint8Array => {
  // Not slice(), which gives a view where they are a Buffer of Node.
  const result = new Uint8Array(bytes);
  result.set(put.subarray(0, Math.max(bytes.length - position, 0)), Math.min(position, bytes.length));
  return result;
};

const edits: readonly Edit[] = [
  // One bit.
  (bytes, random) => {
    const at = place(bytes, random);
    return over(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.integer(8))));
  },
  // One byte.
  (bytes, random) => over(bytes, place(bytes, random), Uint8Array.of(random.integer(256))),
  (bytes, random) => over(bytes, place(bytes, random), Uint8Array.of(pick(random, [0, 1, 0x7f, 0x80, 0xff]))),
  // A number of 2, 4 or 8 bytes, of either order, anywhere or where the file begins.
  (bytes, random) => {
    const size = pick(random, [2, 4, 8]);
    const little = random.integer(2) === 0;
    const number = pick(random, boundaries);
    const put = Uint8Array.from({ length: size }, (_, i) =>
      Number((number >> BigInt(8 * (little ? i : size - 1 - i))) & 255n),
    );
    return over(bytes, random.integer(3) === 0 ? 0 : place(bytes, random), put);
  },
  // Cut off.
  (bytes, random) => bytes.slice(0, place(bytes, random)),
  // A range taken out, doubled, or moved.
  (bytes, random) => {
    const [start, end] = range(bytes, random);
    return concat(bytes.subarray(0, start), bytes.subarray(end));
  },
  (bytes, random) => {
    const [start, end] = range(bytes, random);
    const copies = Array.from({ length: 1 + random.integer(4) }, () => bytes.subarray(start, end));
    return concat(bytes.subarray(0, end), ...copies, bytes.subarray(end));
  },
  (bytes, random) => {
    const [start, end] = range(bytes, random);
    const at = place(bytes, random);
    return concat(bytes.subarray(0, at), bytes.subarray(start, end), bytes.subarray(at));
  },
  // Random bytes put in.
  (bytes, random) => {
    const at = place(bytes, random);
    const put = Uint8Array.from({ length: random.integer(32) }, () => random.integer(256));
    return concat(bytes.subarray(0, at), put, bytes.subarray(at));
  },
  // The beginning of this file and the end of another.
  (bytes, random, other) =>
    concat(bytes.subarray(0, place(bytes, random)), other.subarray(place(other, random))),
];

/**
 * A changed copy of a file: one to four edits.
 *
 * @param other another valid file, to be spliced in
 */
export function mutateBytes(bytes: Uint8Array, random: Random, other: Uint8Array = bytes): Uint8Array {
  let result = bytes;
  const count = 1 + random.integer(4);
  for (let i = 0; i < count; i++) result = pick(random, edits)(result, random, other);
  return result;
}
