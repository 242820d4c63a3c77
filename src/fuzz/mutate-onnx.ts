/** Changes of an `.onnx` file: bytes, messages, and what goes wrong in a graph although every message is a valid one. */
import { WireType } from '@bufbuild/protobuf/wire';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProtoSchema,
} from '../graph/onnx_pb.js';
import type { Random } from '../random/random.js';
import { boundaries, mutateBytes, pick } from './mutate-bytes.js';
import { type Field, fieldsOf, mutateProtobuf, writeFields } from './mutate-protobuf.js';
import { decode, encode } from './parser.js';

const graphField = GraphProtoSchema.field;
const nodeField = NodeProtoSchema.field;
const tensorField = TensorProtoSchema.field;
const entryField = StringStringEntryProtoSchema.field;

const of = (fields: readonly Field[], { number }: { readonly number: number }): Field[] =>
  fields.filter((field) => field.number === number);
const messages = (fields: readonly Field[], descriptor: { readonly number: number }): Field[][] =>
  of(fields, descriptor).flatMap(({ value }) => (Array.isArray(value) ? [value] : []));
const text = ({ number }: { readonly number: number }, value: string): Field => ({
  number,
  wire: WireType.LengthDelimited,
  value: encode(value),
});
const whole = ({ number }: { readonly number: number }, value: bigint): Field => ({
  number,
  wire: WireType.Varint,
  value,
});

/** Where tensors must not be looked for, and where there are none. */
const locations = [
  '../outside.bin',
  '/etc/passwd',
  'none.bin',
  'weights.bin/../../outside.bin',
  './weights.bin',
  'link.bin',
  '.',
  '',
  'weights.bin\0',
  'C:\\weights.bin',
];

/** What a terminal would obey. */
const controls = ['\u001b[2J', '\r', '\0', '\b\b\b', '\u001b]0;title\u0007'];

type Edit = (graph: Field[], random: Random) => void;

const nodeEdit =
  (edit: (node: Field[], random: Random, nodes: readonly Field[][]) => void): Edit =>
  (graph, random) => {
    const nodes = messages(graph, graphField.node);
    if (nodes.length > 0) edit(pick(random, nodes), random, nodes);
  };

const tensorEdit =
  (edit: (tensor: Field[], random: Random) => void): Edit =>
  (graph, random) => {
    const tensors = messages(graph, graphField.initializer);
    if (tensors.length > 0) edit(pick(random, tensors), random);
  };

/** Every name that is this one, in nodes, tensors, inputs and outputs. */
function rename(fields: readonly Field[], name: string, other: Uint8Array): void {
  for (const field of fields) {
    if (Array.isArray(field.value)) rename(field.value, name, other);
    else if (field.value instanceof Uint8Array && decode(field.value) === name) field.value = other;
  }
}

const edits: readonly Edit[] = [
  // A cycle: an input is what the same node or any other gives.
  nodeEdit((node, random, nodes) => {
    const inputs = of(node, nodeField.input);
    const outputs = nodes.flatMap((other) => of(other, nodeField.output));
    if (inputs.length > 0 && outputs.length > 0) pick(random, inputs).value = pick(random, outputs).value;
  }),
  // Another operator.
  nodeEdit((node, random, nodes) => {
    const [other] = of(pick(random, nodes), nodeField.opType);
    for (const own of of(node, nodeField.opType)) own.value = other.value;
  }),
  // Another element type.
  tensorEdit((tensor, random) => {
    for (const type of of(tensor, tensorField.dataType)) type.value = BigInt(random.integer(24));
  }),
  // A shape that is absurd, or only one that the elements do not fill.
  tensorEdit((tensor, random) => {
    const dims = of(tensor, tensorField.dims);
    const length = random.integer(2) === 0 ? pick(random, boundaries) : BigInt(random.integer(100) - 2);
    // One number, or several in bytes: both are how a list is written.
    if (dims.length > 0)
      Object.assign(pick(random, dims), whole(tensorField.dims, BigInt.asUintN(64, length)));
  }),
  // Elements in another file.
  tensorEdit((tensor, random) => {
    const kept = tensor.filter(({ number }) => number !== tensorField.externalData.number);
    const entries: [string, string][] = [
      ['location', random.integer(3) === 0 ? 'weights.bin' : pick(random, locations)],
    ];
    for (const key of ['offset', 'length'])
      if (random.integer(3) === 0)
        entries.push([key, String(random.integer(3) === 0 ? -1 : pick(random, boundaries))]);
    const external = entries.map(([key, value]): Field => ({
      number: tensorField.externalData.number,
      wire: WireType.LengthDelimited,
      value: [text(entryField.key, key), text(entryField.value, value)],
    }));
    tensor.splice(
      0,
      tensor.length,
      ...kept.filter(({ number }) => number !== tensorField.rawData.number || random.integer(4) === 0),
      ...external,
      whole(tensorField.dataLocation, BigInt(DataLocation.EXTERNAL)),
    );
  }),
  // A name with control characters: everywhere, so that the graph stays as it is, or at one place.
  nodeEdit((node, random) => {
    const field = pick(random, node);
    if (!(field.value instanceof Uint8Array)) return;
    const name = decode(field.value);
    field.value = encode(`${pick(random, controls)}${name}`);
  }),
  (graph, random) => {
    const tensors = messages(graph, graphField.initializer).flatMap((one) => of(one, tensorField.name));
    if (tensors.length === 0) return;
    const name = decode(pick(random, tensors).value as Uint8Array);
    rename(graph, name, encode(`${name}${pick(random, controls)}`));
  },
];

/** A changed copy of a file of a model. */
export function mutateOnnx(input: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  switch (random.integer(8)) {
    case 0:
      return mutateBytes(input, random, pick(random, others));
    case 1:
      return input.slice(0, random.integer(input.length));
    case 2:
    case 3:
    case 4: {
      const root = fieldsOf(ModelProtoSchema, input);
      const [graph] = messages(root, ModelProtoSchema.field.graph);
      pick(random, edits)(graph, random);
      return writeFields(root);
    }
    default: {
      const mutated = mutateProtobuf(ModelProtoSchema, input, random);
      return random.integer(20) === 0 ? mutateBytes(mutated, random) : mutated;
    }
  }
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x09\x0b-\x1f]/;

/** Whether an error's sentence shows what is in a file without its control characters. */
export const isPrintable = (error: Error): boolean => !CONTROL.test(error.message);
