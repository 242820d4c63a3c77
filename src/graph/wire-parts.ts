/**
 * How many parts the message of a protobuf file has, counted before it is decoded: a decoded message takes hundreds
 * of bytes where the file has two.
 */
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** No message is nested deeper; as deep as the decoder itself goes. */
const MAXIMUM_DEPTH = 100;

/** What a field's values look like in the file. */
interface Field {
  readonly wire: WireType;
  /** Of fields that hold messages. */
  readonly message: DescMessage | undefined;
  readonly list: boolean;
}

const known = new WeakMap<DescMessage, ReadonlyMap<number, Field>>();

function fieldsOf(schema: DescMessage): ReadonlyMap<number, Field> {
  let fields = known.get(schema);
  if (!fields) {
    fields = new Map(schema.fields.map((field) => [field.number, fieldOf(field)]));
    known.set(schema, fields);
  }
  return fields;
}

function fieldOf(field: DescField): Field {
  const { message, scalar } = field;
  const list = field.fieldKind === 'list';
  if (message) return { wire: WireType.LengthDelimited, message, list };
  return { wire: scalar === undefined ? WireType.Varint : wireOf(scalar), message: undefined, list };
}

function wireOf(scalar: ScalarType): WireType {
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}

/**
 * The number of messages and of elements of lists in the bytes of a message.
 *
 * Stricter than the decoder, so that both see the same: every value has the wire type of its field, and no message
 * ends behind the one it is in.
 *
 * @param most where counting ends: the result is then some number above it
 * @throws Error for bytes that are no such message
 */
export function countParts(schema: DescMessage, bytes: Uint8Array, most: number): number {
  const reader = new BinaryReader(bytes);
  let parts = 0;
  const count = (message: DescMessage, end: number, depth: number): void => {
    if (depth > MAXIMUM_DEPTH) throw new Error(`it is nested more than ${MAXIMUM_DEPTH} levels deep`);
    const fields = fieldsOf(message);
    while (reader.pos < end && parts <= most) {
      const [number, wire] = reader.tag();
      const field = fields.get(number);
      if (wire === WireType.StartGroup || wire === WireType.EndGroup)
        throw new Error('it holds a group, which ONNX has none of');
      const packed = field?.list === true && wire === WireType.LengthDelimited && field.wire !== wire;
      if (field && !packed && wire !== field.wire)
        throw new Error(`field ${number} of ${message.name} is of another type`);
      if (field?.list && !packed) parts++;
      if (wire === WireType.LengthDelimited) {
        const length = reader.uint32();
        const inner = reader.pos + length;
        if (inner > end) throw new Error(`field ${number} of ${message.name} is longer than what it is in`);
        if (field?.message) {
          parts++;
          count(field.message, inner, depth + 1);
        } else if (packed) parts += elements(bytes.subarray(reader.pos, inner), field.wire);
        reader.pos = inner;
      } else reader.skip(wire);
    }
    if (reader.pos > end && parts <= most) throw new Error(`${message.name} ends in the middle of a field`);
  };
  count(schema, bytes.length, 1);
  return parts;
}

/** How many elements a packed list has. */
function elements(bytes: Uint8Array, wire: WireType): number {
  let count = 0;
  if (wire === WireType.Varint) {
    // The last byte of a varint is the one without its highest bit.
    for (const byte of bytes) if (byte < 0x80) count++;
    if (bytes.length > 0 && bytes[bytes.length - 1] >= 0x80) count = NaN;
  } else count = bytes.length / (wire === WireType.Bit64 ? 8 : 4);
  if (!Number.isInteger(count)) throw new Error('a list ends in the middle of an element');
  return count;
}
