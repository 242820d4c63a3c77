/**
 * Tensors of foreign `.onnx` files: any of the ways ONNX stores elements, in the file or beside it. Element types that
 * this project does not compute with become the next wider one it does: float16 and bfloat16 become float32.
 */
import { quote } from '../../tensor/shorten.js';
import { type DType, type Tensor, allocate, elementCount, formatShape } from '../../tensor/tensor.js';
import { MAXIMUM_RANK } from '../file-node.js';
import { GraphError } from '../graph.js';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type TensorProto,
} from '../onnx_pb.js';
import type { ExternalData } from './foreign-values.js';

/** How elements are stored, and what they become. */
interface Stored {
  readonly dtype: DType;
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number | bigint;
  /** Where they are kept that are not raw bytes. */
  readonly field: 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';
  /** What an element of such a list stands for. */
  readonly fromField?: (element: number) => number;
}

const halfBits = new DataView(new ArrayBuffer(4));

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16: the upper half of a float32. */
function bfloat16ToNumber(bits: number): number {
  halfBits.setUint32(0, (bits & 0xffff) << 16);
  return halfBits.getFloat32(0);
}

const stored: ReadonlyMap<number, Stored> = new Map<number, Stored>([
  [
    DataType.FLOAT,
    { dtype: 'float32', bytes: 4, field: 'floatData', read: (view, at) => view.getFloat32(at, true) },
  ],
  [
    DataType.DOUBLE,
    { dtype: 'float64', bytes: 8, field: 'doubleData', read: (view, at) => view.getFloat64(at, true) },
  ],
  [
    DataType.FLOAT16,
    {
      dtype: 'float32',
      bytes: 2,
      field: 'int32Data',
      fromField: halfToNumber,
      read: (view, at) => halfToNumber(view.getUint16(at, true)),
    },
  ],
  [
    DataType.BFLOAT16,
    {
      dtype: 'float32',
      bytes: 2,
      field: 'int32Data',
      fromField: bfloat16ToNumber,
      read: (view, at) => bfloat16ToNumber(view.getUint16(at, true)),
    },
  ],
  [
    DataType.INT64,
    { dtype: 'int64', bytes: 8, field: 'int64Data', read: (view, at) => view.getBigInt64(at, true) },
  ],
  [
    DataType.UINT64,
    { dtype: 'int64', bytes: 8, field: 'uint64Data', read: (view, at) => view.getBigInt64(at, true) },
  ],
  [
    DataType.UINT32,
    {
      dtype: 'int64',
      bytes: 4,
      field: 'uint64Data',
      read: (view, at) => BigInt(view.getUint32(at, true)),
    },
  ],
  [
    DataType.INT32,
    { dtype: 'int32', bytes: 4, field: 'int32Data', read: (view, at) => view.getInt32(at, true) },
  ],
  [
    DataType.INT16,
    { dtype: 'int32', bytes: 2, field: 'int32Data', read: (view, at) => view.getInt16(at, true) },
  ],
  [
    DataType.UINT16,
    { dtype: 'int32', bytes: 2, field: 'int32Data', read: (view, at) => view.getUint16(at, true) },
  ],
  [DataType.INT8, { dtype: 'int32', bytes: 1, field: 'int32Data', read: (view, at) => view.getInt8(at) }],
  [DataType.UINT8, { dtype: 'uint8', bytes: 1, field: 'int32Data', read: (view, at) => view.getUint8(at) }],
  [DataType.BOOL, { dtype: 'bool', bytes: 1, field: 'int32Data', read: (view, at) => view.getUint8(at) }],
]);

/** The element type that values of ONNX's number become here; undefined for text, complex and quantised numbers. */
export function readAs(number: number): DType | undefined {
  return stored.get(number)?.dtype;
}

/** ONNX's name of an element type, for people. */
export function elementTypeName(number: number): string {
  return (DataType[number] as string | undefined)?.toLowerCase() ?? `type ${number}`;
}

/** The shape that a file claims of a tensor. @throws GraphError for one that is none */
function shapeOf({ dims }: TensorProto, what: string): number[] {
  if (dims.length > MAXIMUM_RANK)
    throw new GraphError(`${what} has ${dims.length} dimensions, and ${MAXIMUM_RANK} is the limit`);
  const shape = dims.map(Number);
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0))
    throw new GraphError(`${what} has the shape ${formatShape(shape)}, which is none`);
  return shape;
}

/**
 * Reads a tensor. What is allocated is no larger than what is there to read.
 *
 * @param what how messages call it
 * @throws GraphError for an element type that is not read, or bytes that do not fit the shape
 */
export function readTensor(proto: TensorProto, what: string, external?: ExternalData): Tensor {
  const type = stored.get(proto.dataType);
  if (!type)
    throw new GraphError(`${what} holds ${elementTypeName(proto.dataType)} elements, which are not read`);
  const shape = shapeOf(proto, what);
  const count = elementCount(shape);
  const raw = rawBytes(proto, what, count * type.bytes, external);
  if (raw) return { dtype: type.dtype, shape, data: fromBytes(raw, type, count, what) };
  const list = proto[type.field] as readonly (number | bigint)[];
  if (list.length !== count)
    throw new GraphError(
      `${what} of shape ${formatShape(shape)} has ${count} elements, but the file holds ${list.length} of them`,
    );
  const data = allocate(type.dtype, count);
  const { fromField } = type;
  list.forEach((element, i) => {
    if (data instanceof BigInt64Array) data[i] = BigInt.asIntN(64, BigInt(element));
    else data[i] = fromField ? fromField(Number(element)) : Number(element);
  });
  checkBooleans(data, type, what);
  return { dtype: type.dtype, shape, data };
}

/** The raw bytes of a tensor; undefined where its elements are a list. */
function rawBytes(
  proto: TensorProto,
  what: string,
  wanted: number,
  external: ExternalData | undefined,
): Uint8Array | undefined {
  if (proto.dataLocation === DataLocation.EXTERNAL) return externalBytes(proto, what, external);
  const listed =
    proto.floatData.length +
    proto.int32Data.length +
    proto.int64Data.length +
    proto.doubleData.length +
    proto.uint64Data.length;
  if (proto.rawData.length === 0 && (wanted > 0 || listed > 0)) return undefined;
  if (proto.rawData.length === wanted) return proto.rawData;
  throw new GraphError(`${what} needs ${wanted} bytes in the file, but has ${proto.rawData.length}`);
}

/**
 * The bytes of a tensor that is kept in another file.
 *
 * @throws GraphError where they are not there, or are not as many as its shape needs
 */
export function externalBytes(
  proto: TensorProto,
  what: string,
  external: ExternalData | undefined,
): Uint8Array {
  const type = stored.get(proto.dataType);
  if (!type)
    throw new GraphError(`${what} holds ${elementTypeName(proto.dataType)} elements, which are not read`);
  const wanted = elementCount(shapeOf(proto, what)) * type.bytes;
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (location === undefined)
    throw new GraphError(`${what} is kept outside the file, which does not say where`);
  const where = ` in ${quote(location)}`;
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined || text === '') return undefined;
    const value = Number(text);
    if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value)) return value;
    throw new GraphError(`${what} has the ${key} ${quote(text)}${where}, which is no number of bytes`);
  };
  const length = number('length');
  if (length !== undefined && length !== wanted)
    throw new GraphError(`${what} needs ${wanted} bytes${where}, but the file says that it has ${length}`);
  if (!external)
    throw new GraphError(
      `${what} is kept outside the file${where}; give the bytes of that file too (externalData)`,
    );
  const bytes = external(location, number('offset') ?? 0, wanted);
  if (bytes.length === wanted) return bytes;
  throw new GraphError(`${what} needs ${wanted} bytes${where}, but has ${bytes.length}`);
}

function fromBytes(raw: Uint8Array, type: Stored, count: number, what: string): Tensor['data'] {
  const data = allocate(type.dtype, count);
  if (data.BYTES_PER_ELEMENT === type.bytes && littleEndian) {
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(raw);
  } else {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    for (let i = 0; i < count; i++) {
      const element = type.read(view, i * type.bytes);
      if (data instanceof BigInt64Array) data[i] = element as bigint;
      else data[i] = element as number;
    }
  }
  checkBooleans(data, type, what);
  return data;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function checkBooleans(data: Tensor['data'], { dtype }: Stored, what: string): void {
  if (dtype === 'bool' && (data as Uint8Array).some((element) => element > 1))
    throw new GraphError(`${what} of bool holds a byte that is neither 0 nor 1`);
}
