/**
 * The safetensors format (huggingface/safetensors): an 8-byte little-endian length, a JSON header, then the bytes of
 * all tensors.
 *
 * Files are treated as hostile: every length and offset is checked against the bytes that are there before anything
 * is allocated.
 */
import { type DType, type Tensor, bytesPerElement, elementCount, formatShape } from './tensor.js';

const names: Record<DType, string> = {
  float32: 'F32',
  float64: 'F64',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  bool: 'BOOL',
};

/** The format's own limit on the length of the header, in bytes. */
const MAXIMUM_HEADER = 100_000_000;

/** Not a safetensors file, or a damaged one; the message says what is wrong. */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError';
}

export interface Safetensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Text stored in the header under `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The file's bytes; tensors come in the order of the object, each aligned to 8 bytes. */
export function toSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: names[dtype], shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
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
 * @throws SafetensorsError naming what is wrong
 */
export function fromSafetensors(bytes: Uint8Array): Safetensors {
  if (bytes.length < 8)
    throw new SafetensorsError(`${bytes.length} bytes are too few for a safetensors file`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > MAXIMUM_HEADER || length > bytes.length - 8) {
    throw new SafetensorsError(
      `the header claims ${length} bytes, but ${bytes.length - 8} follow: the file is truncated or is no safetensors file`,
    );
  }
  const header = parseHeader(bytes.subarray(8, 8 + length));
  const body = bytes.subarray(8 + length);
  const tensors: Record<string, Tensor> = {};
  let metadata: Record<string, string> = {};
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
        `tensor "${name}" lies at bytes ${begin} to ${end}, but ${expected} was due and ${body.length} is the end`,
      );
    }
    expected = end;
    tensors[name] = { dtype, shape, data: copy(dtype, body.subarray(begin, end)) };
  }
  if (expected !== body.length) {
    throw new SafetensorsError(`${body.length - expected} bytes follow the last tensor: the file is damaged`);
  }
  return { tensors, metadata };
}

function parseHeader(bytes: Uint8Array): [string, unknown][] {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new SafetensorsError('the header is not JSON: this is no safetensors file, or a damaged one');
  }
  if (!isRecord(header)) throw new SafetensorsError('the header is no JSON object');
  const entries = Object.entries(header);
  const begin = (entry: unknown): number =>
    isRecord(entry) && Array.isArray(entry.data_offsets) ? Number(entry.data_offsets[0]) : -1;
  return entries.sort(([, a], [, b]) => begin(a) - begin(b));
}

function parseMetadata(entry: unknown): Record<string, string> {
  if (!isRecord(entry) || Object.values(entry).some((value) => typeof value !== 'string')) {
    throw new SafetensorsError('__metadata__ must hold nothing but texts');
  }
  return entry as Record<string, string>;
}

function parseEntry(
  name: string,
  entry: unknown,
): { dtype: DType; shape: number[]; begin: number; end: number } {
  if (!isRecord(entry)) throw new SafetensorsError(`the entry of tensor "${name}" is no JSON object`);
  const dtype = (Object.keys(names) as DType[]).find((key) => names[key] === entry.dtype);
  if (!dtype)
    throw new SafetensorsError(
      `tensor "${name}" has the element type ${JSON.stringify(entry.dtype)}, which tract-ts does not know`,
    );
  const { shape, data_offsets: offsets } = entry;
  const whole = (values: unknown, count?: number): values is number[] =>
    Array.isArray(values) &&
    (count === undefined || values.length === count) &&
    values.every((value) => Number.isSafeInteger(value) && (value as number) >= 0);
  if (!whole(shape) || !whole(offsets, 2)) {
    throw new SafetensorsError(`the shape or the offsets of tensor "${name}" are not whole numbers`);
  }
  const [begin, end] = offsets;
  const wanted = elementCount(shape) * bytesPerElement(dtype);
  if (end - begin !== wanted) {
    throw new SafetensorsError(
      `tensor "${name}" of ${dtype} ${formatShape(shape)} needs ${wanted} bytes, but has ${end - begin}`,
    );
  }
  return { dtype, shape, begin, end };
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
