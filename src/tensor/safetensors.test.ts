import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Safetensors, SafetensorsError, fromSafetensors, toSafetensors } from './safetensors.js';
import { tensor } from './tensor.js';

/** A file of a header and as many bytes of tensors. */
function file(json: string, body: Uint8Array = new Uint8Array()): Uint8Array {
  const header = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + header.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(body, 8 + header.length);
  return bytes;
}

const refused = (bytes: Uint8Array, message: RegExp): void => {
  assert.throws(
    () => fromSafetensors(bytes),
    (error) => {
      assert.ok(error instanceof SafetensorsError, String(error));
      assert.match(error.message, message);
      assert.ok(error.message.length < 1000, `a message of ${error.message.length} characters`);
      return true;
    },
  );
};

const empty = (name: string): string =>
  `${JSON.stringify(name)}:{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`;
const entry = (dtype: string, shape: string, offsets: string): Uint8Array =>
  file(`{"a":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}}`, new Uint8Array(4));
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('what is written', () => {
  test('is read as it was, whatever the names are', () => {
    const tensors = Object.fromEntries(
      ['conv1.weight', '__proto__', 'constructor', '7', '', '猫 🐈', '"\\\n'].map((name, i) => [
        name,
        tensor('float32', [2, 1], [i, -i]),
      ]),
    );
    const metadata = Object.fromEntries([
      ['__proto__', 'a text'],
      ['toString', ''],
    ]);
    const read = fromSafetensors(toSafetensors({ tensors, metadata }));
    assert.deepEqual(Object.entries(read.tensors), Object.entries(tensors));
    assert.deepEqual(Object.entries(read.metadata), Object.entries(metadata));
  });

  test('holds every element type', () => {
    const tensors = {
      a: tensor('float64', [1], [1e-300]),
      b: tensor('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
      c: tensor('int32', [], [-7]),
      d: tensor('uint8', [3], [0, 128, 255]),
      e: tensor('bool', [2], [0, 1]),
      f: tensor('float32', [0, 3], []),
    };
    assert.deepEqual({ ...fromSafetensors(toSafetensors({ tensors, metadata: {} })).tensors }, tensors);
  });

  test('can be read: more than that is refused', () => {
    const one = tensor('uint8', [0], []);
    const many = (count: number): Record<string, typeof one> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, one]));
    const cases: [Safetensors, RegExp][] = [
      [{ tensors: many(100_001), metadata: {} }, /^100001 tensors are above the limit of 100000$/],
      [{ tensors: { __metadata__: one }, metadata: {} }, /^no tensor can have the name __metadata__$/],
      [{ tensors: {}, metadata: { a: 'x'.repeat(16e6) } }, /^a header of 16000\d+ bytes is above the limit/],
    ];
    for (const [content, message] of cases)
      assert.throws(() => toSafetensors(content), { name: 'SafetensorsError', message });
    const bytes = toSafetensors({ tensors: many(100_000), metadata: { a: 'x'.repeat(1e6) } });
    assert.equal(Object.keys(fromSafetensors(bytes).tensors).length, 100_000);
  });
});

describe('a name that objects inherit', () => {
  test('is a tensor like any other, and none where the file has none', () => {
    const { tensors, metadata } = fromSafetensors(file(`{${empty('__proto__')}}`));
    assert.deepEqual(Object.keys(tensors), ['__proto__']);
    assert.deepEqual(tensors.__proto__.shape, [0]);
    const lookup: Readonly<Record<string, unknown>> = tensors;
    assert.equal(lookup.dtype, undefined);
    assert.equal(lookup.constructor, undefined);
    assert.ok(!('toString' in metadata));
  });
});

describe('a header is refused', () => {
  test('with an element type that is no text', () => {
    for (const dtype of ['7', 'null', '[["F32"]]', '[]', '["F32"]', 'true'])
      refused(entry(dtype, '[1]', '[0,4]'), /^the (element type of tensor "a" is no text|header is nested)/);
    refused(
      entry('"BF16"', '[2]', '[0,4]'),
      /^tensor "a" has the element type "BF16", which tract-ts does not/,
    );
    refused(entry(`"${'x'.repeat(1e6)}"`, '[1]', '[0,4]'), /has the element type "x+…x+", which/);
  });

  test('with shapes or offsets that are no lists of whole numbers', () => {
    for (const wrong of [
      '{}',
      '{"0":0,"1":4}',
      '[[0],4]',
      '[0]',
      '[0,4,4]',
      '["0","4"]',
      '[-4,0]',
      '[0,4.5]',
      '[0,1e300]',
      'null',
      '"04"',
    ])
      refused(
        entry('"F32"', '[1]', wrong),
        /^(the shape or the offsets of tensor "a" are not|the header is nested)/,
      );
    for (const wrong of [
      '{}',
      '[[1]]',
      '[1.5]',
      '[-1]',
      '[-0]',
      '["1"]',
      '[null]',
      '[9007199254740993]',
      '1',
    ])
      refused(
        entry('"F32"', wrong, '[0,4]'),
        /^(the shape or the offsets of tensor "a" are not|the header is nested)/,
      );
  });

  test('with sizes that do not fit', () => {
    refused(entry('"F32"', '[2]', '[0,4]'), /needs 8 bytes, but has 4$/);
    refused(entry('"F32"', '[1]', '[4,8]'), /lies at bytes 4 to 8, but 0 was due and 4 is the end$/);
    refused(entry('"F32"', '[9007199254740991,9007199254740991]', '[0,4]'), /needs \S+ bytes, but has 4$/);
    refused(entry('"U8"', '[1]', '[0,1]'), /^3 bytes follow the last tensor/);
    refused(
      entry('"F32"', `[${Array.from({ length: 33 }, () => 1).join()}]`, '[0,4]'),
      /has 33 dimensions, above the limit of 32$/,
    );
  });

  test('with bytes that are no bool', () => {
    const json = '{"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}';
    refused(file(json, Uint8Array.of(1, 2)), /holds a byte that is neither 0 nor 1$/);
    assert.deepEqual(fromSafetensors(file(json, Uint8Array.of(1, 0))).tensors.a.data, Uint8Array.of(1, 0));
  });

  test('that is nested deeply, anywhere', () => {
    for (const depth of [3, 100, 1_000_000]) {
      refused(file(`{"a":${nested(depth)}}`), /nested more than 3 levels deep$/);
      refused(
        file(`{"__metadata__":{"a":${nested(depth)}}}`),
        /nested more than 3 levels deep$|nothing but texts$/,
      );
      refused(entry(nested(depth), '[1]', '[0,4]'), /nested more than 3 levels deep$/);
    }
    // Brackets in texts nest nothing.
    const text = '[{'.repeat(10) + '\\"[';
    assert.equal(
      fromSafetensors(file(`{"__metadata__":{"a":"${text}"}}`)).metadata.a,
      text.replace('\\', ''),
    );
  });

  test('with other things than texts in __metadata__', () => {
    for (const wrong of ['7', '[]', '{"a":7}', '{"a":null}', '{"a":[]}', '"text"'])
      refused(file(`{"__metadata__":${wrong}}`), /^__metadata__ must hold nothing but texts$/);
  });

  test('with a name that stands there twice', () => {
    refused(file(`{${empty('a')},${empty('a')}}`), /same name twice$/);
    refused(file('{"a":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}}'), /same name twice$/);
    refused(file('{"__metadata__":{"a":"1","a":"2"}}'), /same name twice$/);
    refused(file(`{${empty('a')},${empty('\u0061')}}`.replace('"a"', '"\\u0061"')), /same name twice$/);
  });

  test('with too much in it, before it is parsed', () => {
    const many = Array.from({ length: 100_001 }, (_, i) => empty(`t${i}`)).join();
    refused(file(`{${many}}`), /^100001 tensors are above the limit of 100000$/);
    refused(file(`{${many},${empty('one more')}}`), /^100002 tensors are above the limit of 100000$/);
    refused(
      file(`{"a":[${'[],'.repeat(400_000)}[]]}`),
      /objects and lists are 400003, and 400000 is the limit$/,
    );
    const members = Array.from({ length: 400_001 }, (_, i) => `"${i.toString(36)}":0`).join();
    refused(file(`{"a":{${members}}}`), /hold 400001 members, .* and 400000 is the limit$/);
    const texts = Array.from({ length: 100_001 }, (_, i) => `"${i}":""`).join();
    refused(file(`{"__metadata__":{${texts}}}`), /^100001 texts in __metadata__ are above/);
    refused(
      file(`{"__metadata__":{"a":"${'x'.repeat(16e6)}"}}`),
      /^the header of 16\d{6} bytes is above the limit/,
    );
  });

  test('that is no JSON object', () => {
    for (const json of ['', '[]', '7', 'null', '\ufeff{}', ' {}']) refused(file(json), /is no JSON object$/);
    for (const json of ['{', '{}}', '{"a"}', '{"a":}', '{]', '{"\ud800', '{"a":"\n"}'])
      refused(file(json), /is not JSON/);
    const broken = file('{"a":7}');
    broken[10] = 0xff;
    refused(broken, /is not JSON/);
  });

  test('that lies outside of the file', () => {
    refused(new Uint8Array(7), /^7 bytes are too few/);
    for (const claim of [3n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      const bytes = file('{}');
      new DataView(bytes.buffer).setBigUint64(0, claim, true);
      refused(bytes, /^the header claims \d+ bytes, but 2 follow/);
    }
  });
});

test('a long name from a file is shortened in messages, and its control characters are escaped', () => {
  const name = `\\u001b[31m${'x'.repeat(1e6)}end`;
  refused(file(`{"${name}":7}`), /^the entry of tensor "\\u001b\[31mx+…x+end" is no JSON object$/);
});
