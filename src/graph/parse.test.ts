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

  test('that do not hold for a constant expression are left to ONNX Runtime', () => {
    const initializer = [1, 2].map((length) => ({
      name: `c${length}`,
      dims: [BigInt(length)],
      dataType: DataType.FLOAT,
      rawData: new Uint8Array(4 * length),
    }));
    for (const [opType, elemType] of [
      ['Add', DataType.INT64],
      ['Add', DataType.FLOAT],
      ['Reshape', DataType.DOUBLE],
      ['Transpose', DataType.FLOAT],
      ['__defineGetter__', DataType.FLOAT],
    ] as const) {
      const bytes = written({
        initializer,
        node: [{ opType, input: ['c2', 'c2'], output: ['y'] }],
        output: [vector('y', 3, elemType)],
      });
      assert.equal(fromOnnx(bytes).graph.nodes[0].opType, opType);
    }
  });
});

describe('a node', () => {
  test('of an operator that tract-ts does not know is kept as it is', () => {
    const node = [
      { opType: 'Quux', domain: 'com.example', name: 'part/of/it', input: ['x'], output: ['a', 'b'] },
    ];
    const bytes = written({
      input: [vector('x', 2)],
      node,
      valueInfo: [vector('b', 7)],
      output: [vector('a', 5)],
    });
    const { graph } = fromOnnx(bytes);
    const [quux] = graph.nodes;
    assert.deepEqual([quux.opType, quux.domain, quux.scope], ['Quux', 'com.example', 'part/of']);
    assert.deepEqual(
      quux.outputs.map(({ shape }) => shape),
      [[5], [7]],
    );
    assert.equal(graph.outputs.get('a'), quux.outputs[0]);
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

  test('with an attribute of another kind is refused', () => {
    for (const type of [AttributeType.TENSOR, AttributeType.GRAPH, AttributeType.UNDEFINED, 77]) {
      const attribute = [{ name: 'body', type }];
      const node = [{ opType: 'Loop', input: ['x'], output: ['y'], attribute }];
      refused(
        written({ input: [vector('x', 2)], node, output: [vector('y', 2)] }),
        'Loop has an attribute "body" of a type that tract-ts does not know',
      );
    }
  });

  test('with names that objects inherit is read like any other', () => {
    const attribute = ['__proto__', 'constructor'].map((name) => ({ name, type: AttributeType.INT, i: 3n }));
    const node = [{ opType: 'hasOwnProperty', input: ['__proto__'], output: ['toString'], attribute }];
    const { graph } = fromOnnx(
      written({ input: [vector('__proto__', 2)], node, output: [vector('toString', 2)] }),
    );
    assert.deepEqual(Object.keys(graph.nodes[0].attributes), ['__proto__', 'constructor']);
    assert.ok(graph.outputs.has('toString'));
  });
});

test('names that are used twice are refused', () => {
  const x = vector('x', 2);
  refused(written({ input: [x, x] }), 'the graph has a value or an output named "x" already');
  const node = [{ opType: 'Relu', input: ['x'], output: ['y'] }];
  const y = vector('y', 2);
  refused(
    written({ input: [x], node, output: [y, y] }),
    'the graph has a value or an output named "y" already',
  );
});
