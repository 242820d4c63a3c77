import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type MessageInitShape, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { tensor } from '../tensor/tensor.js';
import { randomTensor } from '../testing/run.js';
import { Graph, GraphError } from './graph.js';
import {
  AttributeProto_AttributeType as AttributeType,
  type GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
} from './onnx_pb.js';
import * as op from './ops.js';
import { fromOnnx } from './parse.js';
import { toOnnx } from './serialize.js';

/** A small model with constants of two types, attributes and folded nodes in reach. */
function example(): Uint8Array {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);
  const weight = graph.constant(tensor('float32', [3, 2], [1, 2, 3, 4, 5, 6]));
  const y = graph.inScope('layer', () => op.relu(op.matMul(x, weight)));
  graph.output('y', op.reduceSum(op.softmax(y), [1]));
  return toOnnx(graph, { metadata: { key: 'value' } });
}

/** The model with something changed. */
function damaged(
  change: (model: ModelProto & { graph: NonNullable<ModelProto['graph']> }) => void,
): Uint8Array {
  const model = fromBinary(ModelProtoSchema, example());
  assert.ok(model.graph);
  change(model as Parameters<typeof change>[0]);
  return toBinary(ModelProtoSchema, model);
}

/** A model of the given parts, without the care that `toOnnx` takes. */
function written(graph: MessageInitShape<typeof GraphProtoSchema>): Uint8Array {
  const opsetImport = [{ domain: '', version: 20n }];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport, graph }));
}

/** Parsing either works or fails with a GraphError. */
function assertHarmless(bytes: Uint8Array): void {
  try {
    fromOnnx(bytes);
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
  }
}

const refused = (bytes: Uint8Array, message: string | RegExp): void => {
  assert.throws(() => fromOnnx(bytes), { name: 'GraphError', message });
};

const vector = (name: string, length: number, elemType: number = DataType.FLOAT) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: { elemType, shape: { dim: [{ value: { case: 'dimValue' as const, value: BigInt(length) } }] } },
    },
  },
});

describe('a file that is cut or changed', () => {
  test('at any length is refused, or is still a model', () => {
    const bytes = example();
    let refusals = 0;
    for (let length = 0; length < bytes.length; length++) {
      try {
        // A copy, so that nothing can be read behind the end.
        fromOnnx(bytes.slice(0, length));
      } catch (error) {
        assert.ok(error instanceof GraphError, `${length} bytes: ${String(error)}`);
        refusals++;
      }
    }
    // Only the metadata behind the graph may be missing without harm.
    assert.ok(refusals > bytes.length * 0.9, `${refusals} of ${bytes.length} were refused`);
  });

  test('in any byte never fails with anything but a GraphError', () => {
    const bytes = example();
    for (let at = 0; at < bytes.length; at++)
      for (const value of [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at] ^ 8]) {
        const changed = bytes.slice();
        changed[at] = value;
        assertHarmless(changed);
      }
  });

  test('in several bytes, or made of random ones, never fails with anything but a GraphError', () => {
    const bytes = example();
    const edits = fc.array(
      fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255), remove: fc.boolean() }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(edits, (list) => {
        const changed = [...bytes];
        for (const { at, value, remove } of list) changed.splice(at, 1, ...(remove ? [] : [value]));
        assertHarmless(Uint8Array.from(changed));
      }),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), assertHarmless), { numRuns: 1000 });
  });

  test('nested too deeply is refused', () => {
    // An attribute that holds a graph that holds a node that holds an attribute, and so on.
    const wrap = (tag: number, inner: Uint8Array): Uint8Array => {
      const length: number[] = [];
      let rest = inner.length;
      for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
      return Uint8Array.from([tag, ...length, rest, ...inner]);
    };
    let bytes = new Uint8Array();
    for (let depth = 0; depth < 1500; depth++)
      bytes = wrap(0x0a, wrap(0x2a, wrap(0x32, bytes))) as typeof bytes;
    assertHarmless(wrap(0x3a, bytes));
  });

  test('that is no model is refused in a sentence', () => {
    refused(new TextEncoder().encode('<!DOCTYPE html><html></html>'), /^not an ONNX model: /);
    refused(new Uint8Array(), 'not an ONNX model: it holds no graph');
  });

  test('of another operator set is refused', () => {
    const bytes = damaged(({ opsetImport }) => (opsetImport[0].version = 13n));
    refused(bytes, 'the model uses operator set 13 of ONNX; tract-ts reads 20');
    refused(
      damaged((model) => (model.opsetImport = [])),
      'the model uses operator set none of ONNX; tract-ts reads 20',
    );
  });
});

describe('a constant', () => {
  /** The example with its weight of float32 [3, 2] changed. */
  const withWeight = (change: (weight: TensorProto) => void): Uint8Array =>
    damaged(({ graph }) => {
      change(graph.initializer.find(({ dataType }) => dataType === (DataType.FLOAT as number))!);
    });

  test('whose shape does not fit its data is refused before anything is allocated', () => {
    for (const dims of [
      [3n],
      [3n, 3n],
      [],
      [-3n, -2n],
      [-1n, -6n],
      [2n ** 40n, 2n ** 40n],
      [2n ** 62n],
      [-(2n ** 63n)],
      [0n, 6n],
    ]) {
      const bytes = withWeight((weight) => (weight.dims = dims));
      refused(
        bytes,
        /^constant "constant_\d" of type float32 \[.*\] needs -?[\d.e+]+ bytes inside the file, but has 24$/,
      );
    }
  });

  test('without elements but with an impossible dimension is refused', () => {
    const bytes = withWeight((weight) => {
      weight.dims = [0n, 2n ** 60n];
      weight.rawData = new Uint8Array();
    });
    refused(bytes, /^constant .* needs 0 bytes inside the file, but has 0$/);
  });

  test('of bool holds nothing but 0 and 1', () => {
    const initializer = [{ name: 'c', dims: [2n], dataType: DataType.BOOL, rawData: Uint8Array.of(1, 2) }];
    refused(written({ initializer }), 'constant "c" of bool holds a byte that is neither 0 nor 1');
  });

  test('with fewer or more bytes than its shape needs is refused', () => {
    for (const length of [0, 23, 25, 48]) {
      const bytes = withWeight((weight) => (weight.rawData = new Uint8Array(length)));
      refused(bytes, new RegExp(`needs 24 bytes inside the file, but has ${length}$`));
    }
  });

  test('that lies in another file is refused', () => {
    refused(
      withWeight((weight) => (weight.dataLocation = DataLocation.EXTERNAL)),
      /inside the file/,
    );
  });

  test('of an unknown type is refused', () => {
    for (const dataType of [DataType.UNDEFINED, DataType.STRING, DataType.FLOAT16, 99]) {
      refused(
        withWeight((weight) => (weight.dataType = dataType)),
        /^constant "constant_\d" is of an element type that tract-ts does not know$/,
      );
    }
  });

  test('is read from a Node buffer, wherever in it the bytes lie', () => {
    const graph = new Graph();
    const constant = randomTensor('float32', [100]);
    graph.output('y', graph.constant(constant));
    const bytes = toOnnx(graph);
    for (let offset = 0; offset < 8; offset++) {
      const buffer = Buffer.alloc(bytes.length + 8);
      buffer.set(bytes, offset);
      const read = fromOnnx(buffer.subarray(offset, offset + bytes.length)).graph.outputs.get('y');
      // The output is an Identity of a constant, which is folded.
      assert.deepEqual(read?.constant, constant);
    }
  });
});

describe('the types of values', () => {
  test('have to be there', () => {
    refused(
      damaged(({ graph }) => (graph.valueInfo = [])),
      /^the model does not store the type of "layer\/MatMul_\d"$/,
    );
    refused(
      damaged(({ graph }) => (graph.input[0].type = undefined)),
      '"x" is of an element type that tract-ts does not know',
    );
  });

  test('have to be known', () => {
    for (const elemType of [0, 8, 10, 1000, -1]) {
      const bytes = written({ input: [vector('x', 1, elemType)] });
      refused(bytes, '"x" is of an element type that tract-ts does not know');
    }
  });

  test('have to have a static shape', () => {
    const type = (shape: object | undefined) => ({
      name: 'x',
      type: { value: { case: 'tensorType' as const, value: { elemType: DataType.FLOAT, shape } } },
    });
    const batch = { dim: [{ value: { case: 'dimParam' as const, value: 'batch' } }] };
    for (const shape of [undefined, batch, { dim: [{}] }])
      refused(written({ input: [type(shape)] }), '"x" has no static shape');
  });

  test('have to have possible dimensions', () => {
    for (const length of [0n, -1n, 2n ** 62n, -(2n ** 63n)]) {
      const dim = [{ value: { case: 'dimValue' as const, value: length } }];
      const type = { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim } } } };
      refused(
        written({ input: [{ name: 'x', type }] }),
        /^input x: every dimension must be a positive whole number, not \[.*\]$/,
      );
    }
    const dim = [1, 2, 3].map(() => ({ value: { case: 'dimValue' as const, value: 2n ** 20n } }));
    const type = { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim } } } };
    refused(written({ input: [{ name: 'x', type }] }), /^input x: .* is too large$/);
  });

  test('have to be what the operators give', () => {
    const node = [{ opType: 'Relu', name: 'n', input: ['x'], output: ['y'] }];
    for (const [claim, words] of [
      [vector('y', 3), 'float32 [3]'],
      [vector('y', 2, DataType.INT64), 'int64 [2]'],
    ] as const) {
      refused(
        written({ input: [vector('x', 2)], node, output: [claim] }),
        `the model says that "y" is ${words}, but it is float32 [2]`,
      );
    }
    // Those of values between, of constants, and of inputs that are outputs, too.
    const more = [...node, { opType: 'Exp', input: ['y'], output: ['z'] }];
    refused(
      written({ input: [vector('x', 2)], node: more, valueInfo: [vector('y', 9)], output: [vector('z', 2)] }),
      'the model says that "y" is float32 [9], but it is float32 [2]',
    );
    const initializer = [{ name: 'c', dims: [1n], dataType: DataType.FLOAT, rawData: new Uint8Array(4) }];
    refused(
      written({ initializer, output: [vector('c', 2)] }),
      'the model says that "c" is float32 [2], but it is float32 [1]',
    );
  });

  test('have at most 32 dimensions', () => {
    const type = (rank: number) => {
      const dim = Array.from({ length: rank }, () => ({ value: { case: 'dimValue' as const, value: 1n } }));
      return { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim } } } };
    };
    const { graph } = fromOnnx(written({ input: [{ name: 'x', type: type(32) }] }));
    assert.equal(graph.inputs[0].shape.length, 32);
    refused(
      written({ input: [{ name: 'x', type: type(100_000) }] }),
      '"x" has 100000 dimensions, and 32 is the limit',
    );
    const initializer = [
      {
        name: 'c',
        dims: new Array<bigint>(100_000).fill(1n),
        dataType: DataType.FLOAT,
        rawData: new Uint8Array(4),
      },
    ];
    refused(written({ initializer }), 'constant "c" has 100000 dimensions, and 32 is the limit');
  });

  test('of lengths 0 and 1 broadcast to length 0, which no value has', () => {
    const initializer = [0, 1].map((length) => ({
      name: `c${length}`,
      dims: [BigInt(length)],
      dataType: DataType.FLOAT,
      rawData: new Uint8Array(4 * length),
    }));
    const node = [{ opType: 'Add', name: 'n', input: ['c0', 'c1'], output: ['y'] }];
    refused(
      written({ initializer, node, output: [vector('y', 1)] }),
      'node "n" (Add): Add: every dimension must be a positive whole number, not [0]',
    );
  });
});

describe('a node', () => {
  test('of an operator that tract-ts does not write is refused, with all the others that it does not', () => {
    const node = (opType: string, domain = '') => ({ opType, domain, input: ['x'], output: [opType] });
    refused(
      written({
        input: [vector('x', 2)],
        node: [node('Quux'), node('Relu'), node('Relu', 'com.example'), node('Quux'), node('toString')],
        output: [vector('y', 2)],
      }),
      'tract-ts reads the operators that it writes, and these are none of them: "Quux" (2 nodes), "com.example.Relu" (1 node), "toString" (1 node)',
    );
    const many = Array.from({ length: 1000 }, (_, i) => node(`Operator${i}`));
    refused(written({ node: many }), /: "Operator0" \(1 node\), .*, "Operator19" \(1 node\) and 980 more$/);
    // Those of the engine's own layouts and of this project's own domain, too: they are written for one machine.
    for (const domain of ['tract', 'com.microsoft', 'com.microsoft.nchwc'])
      refused(written({ node: [node('Conv', domain)] }), new RegExp(`"${domain}\\.Conv" \\(1 node\\)$`));
  });

  test('keeps the part of the model it belongs to', () => {
    const node = [{ opType: 'Relu', name: 'part/of/it', input: ['x'], output: ['y'] }];
    const { graph } = fromOnnx(written({ input: [vector('x', 2)], node, output: [vector('y', 2)] }));
    assert.equal(graph.nodes[0].scope, 'part/of');
  });

  test('may leave results at the end out, and may not name more than there are', () => {
    const x = {
      name: 'x',
      type: {
        value: {
          case: 'tensorType' as const,
          value: {
            elemType: DataType.FLOAT,
            shape: {
              dim: [1n, 1n, 2n, 2n].map((value) => ({ value: { case: 'dimValue' as const, value } })),
            },
          },
        },
      },
    };
    const pool = (output: string[], opType = 'MaxPool') => {
      const attribute = [{ name: 'kernel_shape', type: AttributeType.INTS, ints: [1n, 1n] }];
      const node = [
        { opType, name: 'n', input: ['x'], output, attribute: opType === 'Relu' ? [] : attribute },
      ];
      return written({ input: [x], node, output: [{ ...x, name: 'y' }] });
    };
    for (const output of [['y'], ['y', '']]) {
      const [node] = fromOnnx(pool(output)).graph.nodes;
      assert.equal(node.outputs.length, 2);
    }
    refused(pool(['y', '', 'z']), 'node "n" (MaxPool): it names 3 results where there are 2');
    refused(pool(['y', 'z'], 'Relu'), 'node "n" (Relu): it names 2 results where there are 1');
  });

  test('that refers to what comes later, to itself or to nothing is refused', () => {
    const output = [vector('y', 2)];
    const relu = (input: string, result: string) => ({
      opType: 'Relu',
      name: 'n',
      input: [input],
      output: [result],
    });
    const message = (name: string): string =>
      `node "n" (Relu) refers to "${name}", which nothing before it computes`;
    refused(
      written({
        input: [vector('x', 2)],
        node: [relu('a', 'y'), relu('x', 'a')],
        output,
        valueInfo: [vector('a', 2)],
      }),
      message('a'),
    );
    refused(written({ node: [relu('y', 'y')], output }), message('y'));
    refused(written({ output }), 'the list of outputs refers to "y", which nothing before it computes');
  });

  test('with names that objects inherit is read like any other', () => {
    const node = [{ opType: 'Relu', input: ['__proto__'], output: ['toString'] }];
    const { graph } = fromOnnx(
      written({ input: [vector('__proto__', 2)], node, output: [vector('toString', 2)] }),
    );
    assert.ok(graph.outputs.has('toString'));
    assert.equal(graph.nodes[0].inputs[0], graph.inputs[0]);
  });

  test('of very many inputs is refused', () => {
    const concat = (count: number): Uint8Array =>
      written({
        input: [vector('x', 2)],
        node: [{ opType: 'Concat', name: 'n', input: new Array<string>(count).fill('x'), output: ['y'] }],
      });
    refused(concat(10_000), 'node "n" (Concat): it lacks the attribute "axis"');
    refused(concat(10_001), 'node "n" (Concat) has 10001 inputs, and 10000 is the limit');
  });

  test('with a long name, or a long name before it, is refused: values are called by their names', () => {
    const long = 'x'.repeat(257);
    const node = [{ opType: 'Relu', name: long, input: ['x'], output: ['y'] }];
    const message = /^the name "x+…x+" has 257 characters, and 256 is the limit$/;
    refused(written({ input: [vector('x', 2)], node, output: [vector('y', 2)] }), message);
    refused(written({ input: [vector(long, 2)] }), message);
    refused(written({ output: [vector(long, 2)] }), message);
  });
});

test('names that are used twice are refused', () => {
  const x = vector('x', 2);
  const y = vector('y', 2);
  const node = { opType: 'Relu', input: ['x'], output: ['y'] };
  const constant = { name: 'x', dims: [], dataType: DataType.FLOAT, rawData: new Uint8Array(4) };
  refused(written({ input: [x, x] }), 'the graph has a value or an output named "x" already');
  refused(
    written({ input: [x], node: [node], output: [y, y] }),
    'the graph has a value or an output named "y" already',
  );
  const message = (name: string): string => `the model has two values named "${name}"`;
  refused(written({ input: [x], node: [node, node], output: [y] }), message('y'));
  refused(written({ input: [x], node: [{ ...node, output: ['x'] }], output: [y] }), message('x'));
  refused(written({ initializer: [constant, constant] }), message('x'));
  refused(written({ initializer: [constant], input: [x] }), message('x'));
});

describe('a small file', () => {
  test('of chained constants does not grow: what was computed is bounded, the rest stays nodes', () => {
    const length = 4096;
    const initializer = [
      {
        name: 'v0',
        dims: [BigInt(length)],
        dataType: DataType.FLOAT,
        rawData: new Uint8Array(Float32Array.from({ length }, (_, i) => i).buffer),
      },
    ];
    const count = 5000;
    const node = Array.from({ length: count }, (_, i) => ({
      opType: 'Add',
      input: [`v${i}`, 'v0'],
      output: [`v${i + 1}`],
    }));
    const info = node.map(({ output: [name] }) => vector(name, length));
    const bytes = written({ initializer, node, valueInfo: info, output: [vector(`v${count}`, length)] });
    const { graph } = fromOnnx(bytes);
    // A million elements are 244 nodes.
    assert.equal(graph.nodes.length, count - 244);
    assert.ok(toOnnx(graph).length < 3 * bytes.length);
  });

  test('of many parts is refused before it is decoded', () => {
    const node = [{ opType: 'Concat', input: new Array<string>(1_000_001).fill('x'), output: ['y'] }];
    refused(
      written({ input: [vector('x', 2)], node, output: [vector('y', 2)] }),
      'not an ONNX model: it has more than 1000000 nodes, attributes, types and names',
    );
  });
});
