/** Changes of a protobuf file that leave it one: fields that go, come twice, change places, types and values. */
import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { Random } from '../random/random.js';
import { boundaries, mutateBytes, pick } from './mutate-bytes.js';

export interface Field {
  number: number;
  wire: WireType;
  /** A number, bytes, or the fields of a message. */
  value: bigint | Uint8Array | Field[];
}

function read(schema: DescMessage | undefined, bytes: Uint8Array): Field[] {
  const reader = new BinaryReader(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const message = schema?.fields.find((field) => field.number === number)?.message;
    const data = reader.skip(wire, number);
    if (wire === WireType.Varint)
      fields.push({ number, wire, value: new BinaryReader(data).uint64() as bigint });
    else if (wire === WireType.LengthDelimited) {
      const inner = new BinaryReader(data).bytes();
      fields.push({ number, wire, value: message ? read(message, inner) : inner });
    } else fields.push({ number, wire, value: data });
  }
  return fields;
}

/** Whole numbers as they are written, in 7 bits a byte; those of lengths and tags are no bigints, which are slow. */
function sizeOfVarint(value: number | bigint): number {
  let size = 1;
  if (typeof value === 'number') for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  else for (let rest = value >> 7n; rest > 0n; rest >>= 7n) size++;
  return size;
}

function putVarint(bytes: Uint8Array, at: number, value: number | bigint): number {
  const end = at + sizeOfVarint(value) - 1;
  if (typeof value === 'number')
    for (let i = at, rest = value; i <= end; i++, rest >>>= 7) bytes[i] = (rest & 127) | 128;
  else for (let i = at, rest = value; i <= end; i++, rest >>= 7n) bytes[i] = Number(rest & 127n) | 128;
  bytes[end] &= 127;
  return end + 1;
}

function sizeOf(fields: readonly Field[]): number {
  let size = 0;
  for (const { number, wire, value } of fields) {
    size += sizeOfVarint((number << 3) | wire);
    if (typeof value === 'bigint') size += sizeOfVarint(BigInt.asUintN(64, value));
    else {
      const inner = Array.isArray(value) ? sizeOf(value) : value.length;
      size += inner + (wire === WireType.LengthDelimited ? sizeOfVarint(inner) : 0);
    }
  }
  return size;
}

/** Puts fields into bytes, and gives the position behind them. */
function put(bytes: Uint8Array, at: number, fields: readonly Field[]): number {
  let position = at;
  for (const { number, wire, value } of fields) {
    position = putVarint(bytes, position, (number << 3) | wire);
    if (typeof value === 'bigint') {
      position = putVarint(bytes, position, BigInt.asUintN(64, value));
      continue;
    }
    if (wire === WireType.LengthDelimited)
      position = putVarint(bytes, position, Array.isArray(value) ? sizeOf(value) : value.length);
    if (Array.isArray(value)) position = put(bytes, position, value);
    else {
      bytes.set(value, position);
      position += value.length;
    }
  }
  return position;
}

/** The bytes of fields: several times faster than a BinaryWriter for each message. */
export function writeFields(fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(sizeOf(fields));
  put(bytes, 0, fields);
  return bytes;
}

/** A copy in which fields can be changed; bytes are never changed in place. */
const copyOf = (field: Field): Field => ({
  ...field,
  value: Array.isArray(field.value) ? field.value.map(copyOf) : field.value,
});

const parsed = new WeakMap<Uint8Array, readonly Field[]>();

/** The fields of a valid message. They are kept: the same few are asked for again and again. */
export function fieldsOf(schema: DescMessage, bytes: Uint8Array): Field[] {
  let fields = parsed.get(bytes);
  if (!fields) parsed.set(bytes, (fields = read(schema, bytes)));
  return fields.map(copyOf);
}

/** A list of fields, all of them with those inside. */
function lists(fields: Field[], found: Field[][] = []): Field[][] {
  found.push(fields);
  for (const { value } of fields) if (Array.isArray(value)) lists(value, found);
  return found;
}

function edit(root: Field[], random: Random): void {
  const all = lists(root).filter(({ length }) => length > 0);
  if (all.length === 0) return;
  const fields = pick(random, all);
  const at = random.integer(fields.length);
  const field = fields[at];
  const other = pick(random, pick(random, all));
  switch (random.integer(10)) {
    case 0:
      fields.splice(at, 1);
      break;
    case 1:
      fields.splice(at, 0, ...Array.from({ length: pick(random, [1, 1, 1, 2, 50]) }, () => copyOf(field)));
      break;
    case 2:
      // Another place in the same message.
      fields.splice(at, 1);
      fields.splice(random.integer(fields.length + 1), 0, field);
      break;
    case 3:
      // A field of anywhere, such as a node of another graph or the name of another value.
      fields.splice(at, random.integer(2), copyOf(other));
      break;
    case 4:
      field.value = copyOf(other).value;
      field.wire = other.wire;
      break;
    case 5:
      field.number = pick(random, [field.number + 1, Math.max(field.number - 1, 1), 1 + random.integer(30)]);
      break;
    case 6:
      field.wire = pick(random, [WireType.Varint, WireType.Bit64, WireType.LengthDelimited, WireType.Bit32]);
      break;
    default:
      if (typeof field.value === 'bigint') {
        const near = [field.value + 1n, field.value - 1n, field.value * 2n, -field.value];
        field.value = random.integer(2) === 0 ? pick(random, near) : pick(random, boundaries);
      } else if (!Array.isArray(field.value)) field.value = mutateBytes(field.value, random);
      else fields.splice(at, 1);
  }
}

/**
 * A changed copy of a message: one to three edits.
 *
 * @param bytes a valid message
 */
export function mutateProtobuf(schema: DescMessage, bytes: Uint8Array, random: Random): Uint8Array {
  const root = fieldsOf(schema, bytes);
  const count = pick(random, [1, 1, 2, 3]);
  for (let i = 0; i < count; i++) edit(root, random);
  return writeFields(root);
}
