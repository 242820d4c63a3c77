/** Changes of a protobuf file that leave it one: fields that go, come twice, change places, types and values. */
import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Random } from '../random/random.js';
import { boundaries, mutateBytes, pick } from './mutate-bytes.js';

interface Field {
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

function write(fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { number, wire, value } of fields) {
    writer.tag(number, wire);
    if (typeof value === 'bigint') writer.uint64(BigInt.asUintN(64, value));
    else if (wire === WireType.LengthDelimited) writer.bytes(Array.isArray(value) ? write(value) : value);
    else writer.raw(Array.isArray(value) ? write(value) : value);
  }
  return writer.finish();
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
      fields.splice(
        at,
        0,
        ...Array.from({ length: pick(random, [1, 1, 1, 2, 50]) }, () => structuredClone(field)),
      );
      break;
    case 2:
      // Another place in the same message.
      fields.splice(at, 1);
      fields.splice(random.integer(fields.length + 1), 0, field);
      break;
    case 3:
      // A field of anywhere, such as a node of another graph or the name of another value.
      fields.splice(at, random.integer(2), structuredClone(other));
      break;
    case 4:
      field.value = structuredClone(other.value);
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
  const root = read(schema, bytes);
  const count = pick(random, [1, 1, 2, 3]);
  for (let i = 0; i < count; i++) edit(root, random);
  return write(root);
}
