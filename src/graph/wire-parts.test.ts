import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from './onnx_pb.js';
import { countParts } from './wire-parts.js';

const count = (bytes: Uint8Array | readonly number[], most = 1e6): number =>
  countParts(ModelProtoSchema, Uint8Array.from(bytes), most);

/** A field of the given number that holds bytes. */
const wrap = (number: number, inner: readonly number[]): number[] => {
  assert.ok(inner.length < 128);
  return [(number << 3) | 2, inner.length, ...inner];
};
/** `graph` in ModelProto, `node` in GraphProto, `attribute` in NodeProto. */
const attribute = (inner: readonly number[]): number[] => wrap(7, wrap(1, wrap(5, inner)));

test('messages and elements of lists are counted', () => {
  const model = create(ModelProtoSchema, {
    opsetImport: [{ version: 20n }],
    graph: {
      name: 'g',
      node: [
        { opType: 'A', input: ['x', 'y'], output: ['z'] },
        {
          opType: 'B',
          attribute: [
            { name: 'a', ints: [1n, 300n, -1n] },
            { floats: [1, 2], strings: [new Uint8Array(9)] },
          ],
        },
      ],
      initializer: [{ dims: [2n, 3n], rawData: new Uint8Array(24), floatData: [1], doubleData: [1, 2] }],
    },
  });
  // Opset, graph; a node with three names; a node with two attributes of three elements each; a tensor of five.
  // A message in a list is two parts: itself, and an element of the list.
  assert.equal(count(toBinary(ModelProtoSchema, model)), 2 + 1 + 2 + 3 + 2 + 2 * (2 + 3) + 2 + 5);
  assert.equal(count([]), 0);
});

test('a list may be packed or not', () => {
  const [varint, packed] = [8 << 3, (8 << 3) | 2];
  assert.equal(count(attribute([varint, 1, varint, 2])), count(attribute([packed, 2, 1, 2])));
});

test('counting ends at the limit', () => {
  assert.ok(count(Array.from({ length: 10_000 }, () => wrap(8, [])).flat(), 10) < 20);
});

test('bytes that the decoder could read in another way are refused', () => {
  for (const [bytes, message] of [
    // `graph` as a number.
    [[7 << 3, 1], /field 7 of ModelProto is of another type/],
    // A node that ends behind its graph.
    [[(7 << 3) | 2, 2, (1 << 3) | 2, 5, 0, 0, 0, 0, 0], /longer than what it is in/],
    [[(7 << 3) | 2, 2, 1 << 3], /longer than what it is in/],
    // A number that ends behind its message.
    [[...wrap(7, [15 << 3]), 1], /ends in the middle of a field|premature|another type/],
    [[3], /illegal tag|group/],
    [[(7 << 3) | 3, (7 << 3) | 4], /group/],
    [[((99 << 3) & 0x7f) | 0x80 | 3, (99 << 3) >> 7], /group/],
    [attribute([(7 << 3) | 2, 3, 0, 0, 0]), /ends in the middle of an element/],
    [attribute([(8 << 3) | 2, 2, 1, 0x80]), /ends in the middle of an element/],
  ] as const)
    assert.throws(() => count(bytes), message, JSON.stringify(bytes));
});
