/**
 * The safetensors format (huggingface/safetensors): an 8-byte little-endian length, a JSON header, then the bytes of
 * all tensors.
 *
 * Files are treated as hostile: every length and offset is checked against the bytes that are there before anything
 * is allocated.
 */
import { type DType, type Tensor, bytesPerElement, elementCount, formatShape } from './tensor.js';
import { quote } from './shorten.js';

const names: Record<DType, string> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  bool: 'BOOL',
};

/**
 * The longest header that is read or written, in bytes. The format allows 100 MB, for which JSON.parse can take
 * gigabytes; the header of a model of 5,000 tensors has half a megabyte.
 */
const MAXIMUM_HEADER = 16_000_000;
/** The most tensors, and the most texts beside them, that one file may hold. */
const MAXIMUM_TENSORS = 100_000;
/** The most dimensions of a tensor. */
const MAXIMUM_RANK = 32;
/** A header is an object of entries (1), an entry is an object (2) with lists of numbers (3). */
const MAXIMUM_DEPTH = 3;

/** Not a safetensors file, or a damaged one; the message says what is wrong. */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError';
}

/** What a safetensors file holds. */
export interface Safetensors {
  /** What is read has no prototype: a name such as `constructor` is there only if the file has it. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Text stored in the header under `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The file's bytes; tensors come in the order of the object, each aligned to 8 bytes.
 *
 * @throws SafetensorsError for more tensors or a longer header than is read, or a tensor of the name `__metadata__`
 */
export function toSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  const header = dictionary<unknown>();
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    if (name === '__metadata__') throw new SafetensorsError('no tensor can have the name __metadata__');
    header[name] = { dtype: names[dtype], shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  checkCount(Object.keys(tensors).length, 'tensors');
  checkCount(Object.keys(metadata).length, 'texts in __metadata__');
  if (length > MAXIMUM_HEADER)
    throw new SafetensorsError(`a header of ${length} bytes is above the limit of ${MAXIMUM_HEADER}`);
  const bytes = new Uint8Array(8 + length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  // The format pads its header with spaces.
  bytes.fill(0x20, 8 + json.length, 8 + length);
  let position = 8 + length;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a file's bytes. Tensors are copies, so the bytes may be let go.
 *
 * At most 100,000 tensors of at most 32 dimensions, and as many texts, in a header of at most 16 MB.
 *
 * @throws SafetensorsError naming what is wrong
 */
export function fromSafetensors(bytes: Uint8Array): Safetensors {
  if (bytes.length < 8)
    throw new SafetensorsError(`${bytes.length} bytes are too few for a safetensors file`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) {
    throw new SafetensorsError(
      `the header claims ${length} bytes, but ${bytes.length - 8} follow: the file is truncated or is no safetensors file`,
    );
  }
  if (length > MAXIMUM_HEADER)
    throw new SafetensorsError(`the header of ${length} bytes is above the limit of ${MAXIMUM_HEADER}`);
  const header = parseHeader(bytes.subarray(8, 8 + length));
  const body = bytes.subarray(8 + length);
  const tensors = dictionary<Tensor>();
  let metadata = dictionary<string>();
  let expected = 0;
  for (const [name, entry] of header) {
    if (name === '__metadata__') {
      metadata = parseMetadata(entry);
      continue;
    }
    const { dtype, shape, begin, end } = parseEntry(name, entry);
    // The format leaves no holes and no overlaps: each tensor begins where the one before ends.
    if (begin !== expected || end > body.length) {
      throw new SafetensorsError(
        `tensor ${quote(name)} lies at bytes ${begin} to ${end}, but ${expected} was due and ${body.length} is the end`,
      );
    }
    expected = end;
    const data = copy(dtype, body.subarray(begin, end));
    if (dtype === 'bool' && data.some((element) => element > 1))
      throw new SafetensorsError(`tensor ${quote(name)} of bool holds a byte that is neither 0 nor 1`);
    tensors[name] = { dtype, shape, data };
  }
  if (expected !== body.length) {
    throw new SafetensorsError(`${body.length - expected} bytes follow the last tensor: the file is damaged`);
  }
  return { tensors, metadata };
}

/** An object for names from a file: without a prototype, `__proto__` is a name like any other. */
function dictionary<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

function checkCount(count: number, what: string): void {
  if (count > MAXIMUM_TENSORS)
    throw new SafetensorsError(`${count} ${what} are above the limit of ${MAXIMUM_TENSORS}`);
}

/** The entries in the order of what they describe. */
function parseHeader(bytes: Uint8Array): [string, unknown][] {
  const members = countMembers(bytes);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new SafetensorsError('the header is not JSON: this is no safetensors file, or a damaged one');
  }
  if (!isRecord(header)) throw new SafetensorsError('the header is no JSON object');
  const entries = Object.entries(header);
  checkCount(entries.length - ('__metadata__' in header ? 1 : 0), 'tensors');
  const inner = entries.reduce(
    (sum, [, entry]) => sum + (isRecord(entry) ? Object.keys(entry).length : 0),
    0,
  );
  // JSON.parse keeps the last of several; other programs keep the first.
  if (entries.length !== members[1] || inner !== members[2])
    throw new SafetensorsError('the header has the same name twice');
  const begin = (entry: unknown): number => {
    const first: unknown = isRecord(entry) && Array.isArray(entry.data_offsets) ? entry.data_offsets[0] : -1;
    return typeof first === 'number' ? first : -1;
  };
  return entries.sort(([, a], [, b]) => begin(a) - begin(b));
}

/**
 * How many members the objects at each depth of a JSON text have, told by the colons outside of strings; everything
 * that would cost much to parse is refused.
 */
function countMembers(json: Uint8Array): number[] {
  if (json[0] !== OPENING_BRACE) throw new SafetensorsError('the header is no JSON object');
  const members = Array.from({ length: MAXIMUM_DEPTH + 1 }, () => 0);
  let depth = 0;
  let containers = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTATION_MARK) inString = false;
    } else if (byte === QUOTATION_MARK) inString = true;
    else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
      if (++depth > MAXIMUM_DEPTH)
        throw new SafetensorsError(`the header is nested more than ${MAXIMUM_DEPTH} levels deep`);
      containers++;
    } else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) depth = Math.max(depth - 1, 0);
    else if (byte === COLON) members[depth]++;
  }
  // One of them may be __metadata__.
  if (members[1] > MAXIMUM_TENSORS + 1) checkCount(members[1], 'tensors');
  // An entry is one object of three members, two of which are lists; beside the entries there are the texts.
  const most = 4 * MAXIMUM_TENSORS;
  if (containers > most || members[2] > most) {
    throw new SafetensorsError(
      `the entries of the header hold ${members[2]} members, objects and lists are ${containers}, and ${most} is the limit`,
    );
  }
  return members;
}

const QUOTATION_MARK = 0x22;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

function parseMetadata(entry: unknown): Record<string, string> {
  if (!isRecord(entry) || Object.values(entry).some((value) => typeof value !== 'string')) {
    throw new SafetensorsError('__metadata__ must hold nothing but texts');
  }
  checkCount(Object.keys(entry).length, 'texts in __metadata__');
  return Object.assign(dictionary<string>(), entry);
}

function parseEntry(
  name: string,
  entry: unknown,
): { dtype: DType; shape: number[]; begin: number; end: number } {
  if (!isRecord(entry)) throw new SafetensorsError(`the entry of tensor ${quote(name)} is no JSON object`);
  const { dtype: written, shape, data_offsets: offsets } = entry;
  if (typeof written !== 'string')
    throw new SafetensorsError(`the element type of tensor ${quote(name)} is no text`);
  const dtype = (Object.keys(names) as DType[]).find((key) => names[key] === written);
  if (!dtype)
    throw new SafetensorsError(
      `tensor ${quote(name)} has the element type ${quote(written)}, which tract-ts does not know`,
    );
  if (!areWhole(shape) || !areWhole(offsets) || offsets.length !== 2) {
    throw new SafetensorsError(`the shape or the offsets of tensor ${quote(name)} are not whole numbers`);
  }
  if (shape.length > MAXIMUM_RANK)
    throw new SafetensorsError(
      `tensor ${quote(name)} has ${shape.length} dimensions, above the limit of ${MAXIMUM_RANK}`,
    );
  const [begin, end] = offsets;
  const wanted = elementCount(shape) * bytesPerElement(dtype);
  if (end - begin !== wanted) {
    throw new SafetensorsError(
      `tensor ${quote(name)} of ${dtype} ${formatShape(shape)} needs ${wanted} bytes, but has ${end - begin}`,
    );
  }
  return { dtype, shape, begin, end };
}

function areWhole(values: unknown): values is number[] {
  const isWhole = (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
  return Array.isArray(values) && values.every(isWhole);
}

/** The elements of a tensor as an array of their own, since those in the file need not be aligned. */
function copy(dtype: DType, bytes: Uint8Array): Tensor['data'] {
  // Not slice(), which gives a view where the bytes are a Buffer of Node.
  const { buffer } = new Uint8Array(bytes);
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
