import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type MessageInitShape, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { portable } from '../engine/lowering/portable.js';
import { Program } from '../engine/session.js';
import { onnxFile } from '../fuzz/onnx-file.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { gradientCases } from '../testing/gradient-cases/all.js';
import type { GradientCase } from '../testing/gradient-cases/case.js';
import { type WithoutGradient, withoutGradient } from '../testing/gradient-cases/without.js';
import { randomTensor, runGraph } from '../testing/run.js';
import { fileOperators } from './file-operators.js';
import { Graph, GraphError } from './graph.js';
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
} from './onnx_pb.js';
import * as op from './ops.js';
import { fromOnnx } from './parse.js';
import { rewrite } from './rewrite.js';
import { toOnnx } from './serialize.js';

/** A model of one operator, as a file's parts. */
interface Parts {
  readonly opType: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** int64 lists that are constants; their names come after those of the inputs, '' leaves one out. */
  readonly constants?: readonly (readonly [string, readonly bigint[]] | null)[];
  readonly attributes?: readonly MessageInitShape<typeof AttributeProtoSchema>[];
  readonly output: readonly number[];
}

function written({ opType, inputs, constants = [], attributes = [], output }: Parts): Uint8Array {
  const lists = constants.flatMap((entry) => (entry ? [entry] : []));
  return onnxFile({
    inputs: Object.entries(inputs).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    initializers: Object.fromEntries(
      lists.map(([name, values]) => [name, tensor('int64', [values.length], BigInt64Array.from(values))]),
    ),
    nodes: [
      create(NodeProtoSchema, {
        opType,
        name: 'n',
        input: [...Object.keys(inputs), ...constants.map((entry) => (entry === null ? '' : entry[0]))],
        output: ['y'],
        attribute: [...attributes],
      }),
    ],
    outputs: [{ name: 'y', dtype: opType === 'ArgMax' ? 'int64' : 'float32', shape: output }],
  });
}

const int = (name: string, i: bigint) => ({ name, type: AttributeType.INT, i });
const ints = (name: string, ...values: bigint[]) => ({ name, type: AttributeType.INTS, ints: values });
const text = (name: string, value: string) => ({
  name,
  type: AttributeType.STRING,
  s: new TextEncoder().encode(value),
});
const float = (name: string, f: number) => ({ name, type: AttributeType.FLOAT, f });

const [least, greatest] = [-(2n ** 63n), 2n ** 63n - 1n];

/** What the operator computes is the same before reading and after. */
async function agrees(parts: Parts): Promise<void> {
  const bytes = written(parts);
  const program = await Program.load(bytes, { provider: 'cpu', threads: 1 });
  const before = (await program.run(parts.inputs)).y;
  await program.release();
  const { graph } = fromOnnx(bytes);
  const after = (await runGraph(graph, parts.inputs)).y;
  assert.deepEqual(after.shape, before.shape);
  assert.deepEqual(toNumbers(after), toNumbers(before));
}

const refused = (parts: Parts, message: RegExp): void => {
  assert.throws(
    () => fromOnnx(written(parts)),
    (error) => error instanceof GraphError && message.test(error.message.replace(/^node "n" \(\w+\): /, '')),
    `${parts.opType} ${message}`,
  );
};

/** One model of each operator that is written, by the operators in it. */
function models(): ModelProto[] {
  const withoutGradients: readonly WithoutGradient[] = Object.values(withoutGradient);
  const cases: readonly Pick<GradientCase, 'build' | 'shapes' | 'dtype'>[] = [
    ...gradientCases,
    ...withoutGradients,
  ];
  const graphs = cases.map(({ build, shapes, dtype = 'float64' }) => {
    const graph = new Graph();
    const results = build(...shapes.map((shape, i) => graph.input(`x${i}`, dtype, shape)));
    [results].flat().forEach((value, i) => {
      graph.output(`y${i}`, value);
    });
    return rewrite(graph, portable);
  });
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1, 2, 5, 5]);
  const weight = graph.input('w', 'float32', [4, 2, 3, 3]);
  const geometry = op.geometry({ stride: [2, 2], padding: [1, 1, 1, 1] });
  graph.output('conv', op.convTranspose(op.conv(x, weight, null, geometry), weight, x.shape, geometry));
  graph.output('argMax', op.argMax(x, 1));
  graph.output('argMin', op.argMin(x, 1, true));
  graph.output('range', op.range(graph, 0, 3, 1));
  graph.output('max', op.reduceMax(x, [2]));
  graph.output('abs', op.abs(x));
  graph.output('equal', op.equal(x, 1));
  graph.output('greater', op.greater(x, 1));
  graph.output('cast', op.cast(x, 'int32'));
  graph.output('scatter', op.scatterAdd(9, op.int64s(graph, [3, 4]), graph.input('u', 'float32', [2])));
  graph.output('gather', op.gather(x, [0, 0]));
  graph.output(
    'gemm',
    op.gemm(graph.input('a', 'float32', [2, 3]), graph.input('b', 'float32', [4, 3]), null),
  );
  const rows = [x, graph.input('c', 'float32', [2]), graph.input('d', 'float32', [2])] as const;
  graph.output('norm', op.batchNormalization(...rows, rows[1], rows[2]));
  return [...graphs, graph].map((each) => fromBinary(ModelProtoSchema, toOnnx(each)));
}

/** Those that are read as others; the tests in file-operators/ compare what they compute. */
const readAsOthers = [
  'Attention',
  'CastLike',
  'CumProd',
  'DepthToSpace',
  'Dropout',
  'Flatten',
  'GlobalAveragePool',
  'GlobalLpPool',
  'GlobalMaxPool',
  'GroupNormalization',
  'InstanceNormalization',
  'LRN',
  'LpNormalization',
  'LpPool',
  'Mean',
  'OneHot',
  'RMSNormalization',
  'SpaceToDepth',
  'Squeeze',
  'Swish',
  'Unsqueeze',
];

describe('every operator that is read', () => {
  const all = models();

  test('is written by a builder, or read as others', () => {
    const found = new Set(all.flatMap(({ graph }) => graph!.node.map(({ opType }) => opType)));
    assert.deepEqual([...fileOperators.keys()].filter((name) => !found.has(name)).sort(), readAsOthers);
    assert.deepEqual(
      [...found].filter((name) => !fileOperators.has(name)),
      [],
    );
  });

  test('refuses absurd numbers in every attribute, attributes of another type, twice, and unknown ones', () => {
    const seen = new Set<string>();
    let refusals = 0;
    for (const model of all) {
      for (const node of model.graph!.node) {
        const kind = `${node.opType} ${node.attribute.map(({ name }) => name).join()}`;
        if (seen.has(kind)) continue;
        seen.add(kind);
        const refuses = (change: () => () => void): void => {
          const undo = change();
          try {
            assert.throws(() => fromOnnx(toBinary(ModelProtoSchema, model)), GraphError, kind);
            refusals++;
          } finally {
            undo();
          }
        };
        refuses(() => {
          node.attribute.push(
            create(ModelProtoSchema, { graph: { node: [{ attribute: [int('no such', 1n)] }] } }).graph!
              .node[0].attribute[0],
          );
          return () => node.attribute.pop();
        });
        refuses(() => {
          node.input.push('', node.input[0]);
          return () => node.input.splice(-2);
        });
        for (const attribute of node.attribute) {
          const { type, i, ints: list } = attribute;
          refuses(() => {
            attribute.type = type === AttributeType.INT ? AttributeType.FLOAT : AttributeType.INT;
            return () => (attribute.type = type);
          });
          refuses(() => {
            node.attribute.push(attribute);
            return () => node.attribute.pop();
          });
          for (const absurd of [least, greatest]) {
            if (type === AttributeType.INT)
              refuses(() => {
                attribute.i = absurd;
                return () => (attribute.i = i);
              });
            if (type === AttributeType.INTS)
              list.forEach((element, at) => {
                refuses(() => {
                  list[at] = absurd;
                  return () => (list[at] = element);
                });
              });
          }
          if (type === AttributeType.INTS) {
            refuses(() => {
              list.push(1n);
              return () => list.pop();
            });
          }
        }
      }
    }
    assert.ok(refusals > 200, String(refusals));
  });
});

const x = randomTensor('float32', [4, 5]);
const image = randomTensor('float32', [1, 2, 5, 5]);
const weight = randomTensor('float32', [4, 2, 3, 3]);

describe('ONNX forms that tract-ts does not write are read right', () => {
  test('axes that count from the back, and axes that are left out', async () => {
    await agrees({ opType: 'Softmax', inputs: { x }, attributes: [int('axis', -2n)], output: [4, 5] });
    await agrees({ opType: 'Softmax', inputs: { x }, output: [4, 5] });
    await agrees({ opType: 'ReduceSum', inputs: { x }, output: [1, 1] });
    await agrees({ opType: 'ReduceSum', inputs: { x }, constants: [['axes', [-1n]]], output: [4, 1] });
    const flag = int('noop_with_empty_axes', 1n);
    await agrees({ opType: 'ReduceMean', inputs: { x }, attributes: [flag], output: [4, 5] });
    const attributes = [int('keepdims', 0n)];
    await agrees({ opType: 'ReduceMax', inputs: { x }, constants: [['axes', []]], attributes, output: [] });
    await agrees({
      opType: 'ArgMax',
      inputs: { x },
      attributes: [...attributes, int('axis', -2n)],
      output: [5],
    });
  });

  test('slices that count from the back or lie outside', async () => {
    const slice = (ranges: bigint[][], output: number[], axes?: bigint[]): Promise<void> =>
      agrees({
        opType: 'Slice',
        inputs: { x },
        constants: [
          ['starts', ranges.map(([start]) => start)],
          ['ends', ranges.map(([, end]) => end)],
          axes ? ['axes', axes] : null,
          ranges[0].length > 2 ? ['steps', ranges.map(([, , step]) => step)] : null,
        ],
        output,
      });
    await slice([[1n, greatest]], [3, 5]);
    await slice([[-2n, greatest]], [4, 2], [-1n]);
    await slice([[least, -1n]], [3, 5]);
    await slice([[-1n, least, -1n]], [4, 5]);
    await slice([[greatest, least, -2n]], [4, 3], [1n]);
    await slice(
      [
        [0n, 4n, greatest],
        [3n, -6n, least],
      ],
      [1, 1],
    );
  });

  test('other shapes', async () => {
    await agrees({ opType: 'Transpose', inputs: { x }, output: [5, 4] });
    await agrees({
      opType: 'Reshape',
      inputs: { x },
      constants: [['shape', [0n, -1n, 1n]]],
      output: [4, 5, 1],
    });
    await agrees({
      opType: 'Expand',
      inputs: { x },
      constants: [['shape', [2n, 1n, 1n]]],
      output: [2, 4, 5],
    });
    await agrees({
      opType: 'Pad',
      inputs: { x },
      constants: [['pads', [1n, 0n, 0n, 2n]]],
      output: [5, 7],
    });
  });

  test('geometry by ONNX’s defaults', async () => {
    await agrees({ opType: 'Conv', inputs: { image, weight }, output: [1, 4, 3, 3] });
    const one = { image: randomTensor('float32', [1, 4, 3, 3]), weight };
    await agrees({
      opType: 'ConvTranspose',
      inputs: one,
      attributes: [ints('strides', 2n, 2n), ints('output_padding', 1n, 0n)],
      output: [1, 2, 8, 7],
    });
    await agrees({
      opType: 'MaxPool',
      inputs: { image },
      attributes: [ints('kernel_shape', 2n, 3n), text('auto_pad', 'NOTSET'), ints('dilations', 1n, 1n)],
      output: [1, 2, 4, 3],
    });
    const row = randomTensor('float32', [5]);
    await agrees({
      opType: 'LayerNormalization',
      inputs: { x, row, bias: row },
      attributes: [int('axis', 1n), float('epsilon', 0.25)],
      output: [4, 5],
    });
  });
});

describe('what is no such operation is refused', () => {
  test('a permutation that is none', () => {
    for (const perm of [
      [0n, 0n],
      [0n, 2n],
      [-1n, 0n],
    ])
      refused(
        { opType: 'Transpose', inputs: { x }, attributes: [ints('perm', ...perm)], output: [4, 5] },
        /is no permutation/,
      );
  });

  test('axes outside of the input', () => {
    for (const axis of [2n, -3n, 2n ** 31n, -(2n ** 31n), 2n ** 53n - 1n]) {
      const attributes = [int('axis', axis)];
      for (const opType of ['Softmax', 'LogSoftmax', 'Concat', 'Split'])
        refused({ opType, inputs: { x }, attributes, output: [4, 5] }, /there is no axis/);
      const argMax = [...attributes, int('keepdims', 0n)];
      refused({ opType: 'ArgMax', inputs: { x }, attributes: argMax, output: [4] }, /there is no axis/);
      refused(
        { opType: 'ReduceSum', inputs: { x }, constants: [['a', [axis]]], output: [1] },
        /there is no axis/,
      );
      const row = randomTensor('float32', [5]);
      const inputs = { x, row, bias: row };
      refused({ opType: 'LayerNormalization', inputs, attributes, output: [4, 5] }, /there is no axis/);
    }
  });

  test('convolutions of impossible geometry', () => {
    const conv = (message: RegExp, ...attributes: MessageInitShape<typeof AttributeProtoSchema>[]): void => {
      refused({ opType: 'Conv', inputs: { image, weight }, attributes, output: [1, 4, 3, 3] }, message);
      const inputs = { image: randomTensor('float32', [1, 4, 3, 3]), weight };
      refused({ opType: 'ConvTranspose', inputs, attributes, output: [1, 2, 5, 5] }, message);
    };
    conv(/"kernel_shape" does not fit/, ints('kernel_shape', 3n, 2n));
    for (const name of ['strides', 'dilations'])
      for (const wrong of [0n, -1n, 2n ** 31n + 1n]) conv(/out of range/, ints(name, 1n, wrong));
    conv(/out of range/, ints('pads', 0n, 0n, -1n, 0n));
    conv(/has 2 elements where 4 are needed/, ints('pads', 1n, 1n));
    conv(/"group" is 0, out of range/, int('group', 0n));
    conv(/do not fit/, int('group', 3n));
    conv(/"auto_pad" must be NOTSET or VALID or SAME_UPPER or SAME_LOWER, but is ""/, text('auto_pad', ''));
    const transposed = {
      opType: 'ConvTranspose',
      inputs: { image, weight: randomTensor('float32', [2, 4, 3, 3]) },
    };
    for (const wrong of [-1n, 1n])
      refused(
        { ...transposed, attributes: [ints('output_padding', wrong, 0n)], output: [1, 4, 7, 7] },
        /range|do not fit/,
      );
    const flat = { image: randomTensor('float32', [2, 5]), weight: randomTensor('float32', [4, 2]) };
    for (const opType of ['Conv', 'ConvTranspose'])
      refused({ opType, inputs: flat, output: [1, 4] }, /kernel_shape/);
  });

  test('pooling of impossible geometry', () => {
    const pool = (message: RegExp, ...attributes: MessageInitShape<typeof AttributeProtoSchema>[]): void => {
      refused({ opType: 'MaxPool', inputs: { image }, attributes, output: [1, 2, 4, 4] }, message);
    };
    const kernel = ints('kernel_shape', 2n, 2n);
    pool(/lacks the attribute "kernel_shape"/);
    pool(/out of range/, ints('kernel_shape', 0n, 1n));
    pool(/does not fit/, ints('kernel_shape', 6n, 1n));
    pool(/does not fit/, kernel, ints('pads', 2n, 0n, 0n, 0n));
    pool(/out of range/, kernel, ints('strides', 0n, 1n));
    pool(/does not fit/, kernel, ints('dilations', 5n, 1n));
    pool(/out of range/, kernel, ints('dilations', 0n, 1n));
    pool(/"ceil_mode" must be 0 or 1, but is 2/, kernel, int('ceil_mode', 2n));
  });

  test('indices outside, whether many nodes share them or not', () => {
    const vector = randomTensor('float32', [4]);
    const gather = (indices: bigint[]): void => {
      const constants: Parts['constants'] = [['i', indices]];
      refused(
        { opType: 'Gather', inputs: { x }, constants, output: [indices.length, 5] },
        /outside of the 4/,
      );
      refused(
        { opType: 'GatherElements', inputs: { vector }, constants, output: [indices.length] },
        /outside of the 4/,
      );
    };
    const elements = { i: tensor('int64', [1, 5], [0, 3, 0, 2, 1]) };
    const gathering = { opType: 'GatherElements', inputs: { x, ...elements }, output: [1, 5] };
    fromOnnx(written(gathering));
    refused({ ...gathering, attributes: [int('axis', 2n)] }, /there is no axis 2/);
    refused(
      { ...gathering, inputs: { x, i: tensor('int64', [1, 6], [0, 0, 0, 0, 0, 0]) } },
      /are no indices/,
    );
    refused({ ...gathering, inputs: { x, i: randomTensor('float32', [1, 5]) } }, /are no indices into/);
    gather([4n]);
    gather([0n, -5n]);
    gather([greatest]);
  });

  test('shapes and lists that do not fit', () => {
    const shaped = (opType: string, list: bigint[], message: RegExp): void => {
      refused({ opType, inputs: { x }, constants: [['list', list]], output: [4, 5] }, message);
    };
    for (const shape of [
      [3n, 7n],
      [-2n, -10n],
      [-1n, -1n],
      [greatest, greatest],
      [0n, 0n, 0n],
    ])
      shaped('Reshape', shape, /does not fit/);
    for (const shape of [[3n, 5n], [0n], [-1n], [greatest]])
      shaped('Expand', shape, /broadcast|positive whole number/);
    for (const pads of [[1n], [-4n, 0n, 0n, 0n], [greatest, 0n, 0n, 0n]])
      shaped('Pad', pads, /do not fit|is outside axis/);
    shaped('Reshape', new Array<bigint>(65).fill(1n), /no constant list of at most 64 int64 numbers/);
    const lists = { x, list: tensor('int64', [2], [4, 5]) };
    refused({ opType: 'Reshape', inputs: lists, output: [4, 5] }, /input 1 is no constant list/);
    const constants: Parts['constants'] = [
      ['s', [0n, 0n]],
      ['e', [1n]],
    ];
    refused({ opType: 'Slice', inputs: { x }, constants, output: [4, 5] }, /differ in number/);
    refused(
      {
        opType: 'Slice',
        inputs: { x },
        constants: [
          ['s', [3n]],
          ['e', [1n]],
        ],
        output: [4, 5],
      },
      /outside axis/,
    );
    refused(
      { opType: 'Split', inputs: { x }, constants: [['s', [1n, 3n]]], output: [4, 5] },
      /does not split into parts of \[1, 3\]|there are 2 lengths of parts for 1 results/,
    );
    refused(
      { opType: 'Split', inputs: { x }, constants: [['s', [3n]]], output: [4, 5] },
      /there are 1 lengths|does not split into parts of \[3\]/,
    );
  });

  test('numbers and words that are none', () => {
    const row = randomTensor('float32', [5]);
    for (const epsilon of [NaN, Infinity, -1e-5]) {
      const attributes = [float('epsilon', epsilon)];
      const inputs = { x, row, bias: row };
      refused(
        { opType: 'LayerNormalization', inputs, attributes, output: [4, 5] },
        /"epsilon" must be finite/,
      );
    }
    for (const word of ['', 'relu', 'none\0', 'x'.repeat(1000)])
      refused(
        { opType: 'Gelu', inputs: { x }, attributes: [text('approximate', word)], output: [4, 5] },
        /must be none or tanh, but is ".{0,80}"$/,
      );
    for (const number of [0n, 8n, 10n, 1000n])
      refused(
        { opType: 'Cast', inputs: { x }, attributes: [int('to', number)], output: [4, 5] },
        /does not know/,
      );
  });
});
