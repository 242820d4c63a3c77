/**
 * Reads zip files (PKWARE's APPNOTE 6.3) without taking them into memory: the list at the end of the file, then each entry
 * when it is wanted. Files are treated as hostile: lengths are checked against the bytes that are there before anything is
 * allocated for them.
 */
import { inflateSync } from 'fflate';

/** Bytes that can be read in parts: a `File`, a `Blob`. */
export interface Sliceable {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** A file in a zip file. */
export interface ZipEntry {
  readonly path: string;
  /** Bytes of its content. */
  readonly size: number;
  /** @throws ZipError for content that is damaged */
  read(): Promise<Uint8Array>;
}

/** Not a zip file, a damaged one, or one of a kind that is not read; the message says what to do. */
export class ZipError extends Error {
  override name = 'ZipError';
}

const END = 0x06054b50;
const LISTED = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LISTED_BYTES = 46;
const LOCAL_BYTES = 30;
const LONGEST_COMMENT = 65_535;
/** Of the list of entries; one of 65,535 entries with long names has 15 MB. */
const LARGEST_LIST = 64e6;
/** Of one entry. */
const LARGEST_ENTRY = 1e9;
/** Deflate makes nothing smaller than this. */
const BEST_RATIO = 1032;

/** The files in a zip file, folders left out. @throws ZipError */
export async function zipEntries(file: Sliceable): Promise<ZipEntry[]> {
  const tail = await bytesOf(file, Math.max(0, file.size - END_BYTES - LONGEST_COMMENT), file.size);
  let at = tail.byteLength - END_BYTES;
  while (at >= 0 && tail.getUint32(at, true) !== END) at--;
  if (at < 0) throw new ZipError('it is no zip file, or its end is missing; download it again');
  const [count, length, start] = [
    tail.getUint16(at + 10, true),
    tail.getUint32(at + 12, true),
    tail.getUint32(at + 16, true),
  ];
  if (count === 0xffff || length === 0xffffffff || start === 0xffffffff)
    throw new ZipError('it has more than 65,534 files or 4 GB; unpack it, and choose its folder');
  if (length > LARGEST_LIST || start + length > file.size) throw damaged();
  const list = await bytesOf(file, start, start + length);
  const entries: ZipEntry[] = [];
  let place = 0;
  for (let i = 0; i < count; i++) {
    if (place + LISTED_BYTES > length || list.getUint32(place, true) !== LISTED) throw damaged();
    const [name, extra, comment] = [28, 30, 32].map((offset) => list.getUint16(place + offset, true));
    const next = place + LISTED_BYTES + name + extra + comment;
    if (next > length) throw damaged();
    const path = new TextDecoder()
      .decode(new Uint8Array(list.buffer, place + LISTED_BYTES, name))
      .replaceAll('\\', '/');
    const entry = {
      path,
      encrypted: (list.getUint16(place + 8, true) & 1) === 1,
      method: list.getUint16(place + 10, true),
      crc: list.getUint32(place + 16, true),
      packed: list.getUint32(place + 20, true),
      size: list.getUint32(place + 24, true),
      offset: list.getUint32(place + 42, true),
    };
    if (!path.endsWith('/')) entries.push({ path, size: entry.size, read: () => contentOf(file, entry) });
    place = next;
  }
  return entries;
}

interface Listed {
  readonly path: string;
  readonly encrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

async function contentOf(file: Sliceable, entry: Listed): Promise<Uint8Array> {
  const { encrypted, method, crc, packed, size, offset } = entry;
  if (encrypted) throw new ZipError('it is encrypted; unpack it, and choose its folder');
  if (method !== 0 && method !== 8)
    throw new ZipError(
      `it is compressed by method ${method}, which is not read; unpack it, and choose its folder`,
    );
  const possible = method === 0 ? size === packed : size <= packed * BEST_RATIO;
  if (!possible || size > LARGEST_ENTRY || offset + LOCAL_BYTES > file.size) throw damaged();
  const head = await bytesOf(file, offset, offset + LOCAL_BYTES);
  if (head.getUint32(0, true) !== LOCAL) throw damaged();
  const start = offset + LOCAL_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
  if (start + packed > file.size) throw damaged();
  const { buffer } = await bytesOf(file, start, start + packed);
  const bytes = new Uint8Array(buffer);
  let content: Uint8Array = bytes;
  if (method === 8) {
    try {
      content = inflateSync(bytes, { out: new Uint8Array(size) });
    } catch (cause) {
      throw new ZipError(damaged().message, { cause });
    }
  }
  if (content.length !== size || crc32(content) !== crc) throw damaged();
  return content;
}

const damaged = (): ZipError => new ZipError('it is damaged; download or pack it again');

async function bytesOf(file: Sliceable, start: number, end: number): Promise<DataView<ArrayBuffer>> {
  return new DataView(await file.slice(start, end).arrayBuffer());
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

/** CRC-32, as zip and PNG files have it. */
export function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = table[(value ^ byte) & 0xff] ^ (value >>> 8);
  return ~value >>> 0;
}
