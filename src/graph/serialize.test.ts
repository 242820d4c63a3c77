import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { resnet18 } from '../models/resnet.js';
import { vit } from '../models/vit.js';
import { adam } from '../optim/adam.js';
import { trainingGraph } from '../train/training-graph.js';
import { tract } from '../tract/tract.js';
import { portable } from '../engine/lowering/portable.js';
import { Program } from '../engine/session.js';
import { Random } from '../random/random.js';
import { type DType, type Tensor, elementCount, tensor, toNumbers } from '../tensor/tensor.js';
import { gradientCases } from '../testing/gradient-cases/all.js';
import { normal } from '../testing/gradients.js';
import { assertClose, randomTensor, runGraph } from '../testing/run.js';
import { float, int, ints, string } from './attributes.js';
import { Graph, GraphError } from './graph.js';
import { ModelProtoSchema } from './onnx_pb.js';
import * as op from './ops.js';
import { fromOnnx } from './parse.js';
import { rewrite } from './rewrite.js';
import { toOnnx } from './serialize.js';

describe('written and read back, a graph', () => {
  for (const [index, { name, build, shapes, dtype = 'float64', draw = normal }] of gradientCases.entries()) {
    // One case of each kind is enough here.
    if (gradientCases[index - 1]?.name.split(' ')[0] === name.split(' ')[0]) continue;
    test(`with ${name} computes the same bits`, async () => {
      const graph = new Graph();
      const results = [build(...shapes.map((shape, i) => graph.input(`x${i}`, dtype, shape)))].flat();
      results.forEach((value, i) => {
        graph.output(`y${i}`, value);
      });
      const feeds: Record<string, Tensor> = {};
      const random = Random.fromSeed(0, name);
      shapes.forEach((shape, i) => {
        const drawn = (typeof draw === 'function' ? draw : draw[i])(random, elementCount(shape));
        feeds[`x${i}`] = tensor(dtype, shape, drawn);
      });
      const lowered = rewrite(graph, portable);
      const read = fromOnnx(toOnnx(lowered)).graph;
      const [before, after] = [await runGraph(lowered, feeds), await runGraph(read, feeds)];
      for (const [output, value] of Object.entries(before)) {
        assert.ok(toNumbers(value).every(Number.isFinite));
        assertClose(after[output], value, 0);
      }
    });
  }

  test('that is a training step is the same step, and written once more the same bytes', () => {
    for (const model of [tract(resnet18({ width: 4 })), tract(vit({ width: 16, depth: 1, heads: 2 }))]) {
      const { graph } = trainingGraph(model, { batchSize: 2, optimizer: adam({}) });
      const lowered = rewrite(graph, portable);
      const read = fromOnnx(toOnnx(lowered)).graph;
      // But for reshapes of reshapes, of which lowerings leave some.
      const operators = ({ nodes }: Graph): string[] =>
        nodes.map(({ opType }) => opType).filter((opType) => opType !== 'Reshape');
      assert.deepEqual(operators(read), operators(lowered));
      const again = toOnnx(fromOnnx(toOnnx(read)).graph);
      assert.deepEqual(toOnnx(fromOnnx(again).graph), again);
    }
  });

  test('has the same inputs, outputs, nodes, attributes and scopes', () => {
    const graph = new Graph();
    const x = graph.input('image', 'float32', [1, 2, 4, 4]);
    const weight = graph.input('weight', 'float32', [2, 2, 3, 3]);
    const z = graph.inScope('layer1.0/conv1', () =>
      op.conv(x, weight, null, { stride: [2, 1], padding: [1, 0, 2, 1] }),
    );
    graph.output('activation', z);
    const [scale, bias] = ['scale', 'bias'].map((name) => graph.input(name, 'float32', [z.shape[3]]));
    graph.output('norm', op.layerNormalization(z, scale, bias, 0.125).y);
    const read = fromOnnx(toOnnx(graph)).graph;
    const types = (values: readonly { name: string; dtype: DType; shape: readonly number[] }[]): unknown[] =>
      values.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
    assert.deepEqual(types(read.inputs), types(graph.inputs));
    assert.deepEqual([...read.outputs.keys()], ['activation', 'norm']);
    assert.deepEqual(read.outputs.get('activation')?.shape, z.shape);
    const conv = read.nodes.find(({ opType }) => opType === 'Conv')!;
    assert.deepEqual(conv.attributes, z.producer?.attributes);
    assert.equal(conv.scope, 'layer1.0/conv1');
    assert.deepEqual(
      conv.inputs.map((value) => value?.name ?? null),
      ['image', 'weight', null],
    );
    // The bias that was left out at the end is not written.
    const { node } = fromBinary(ModelProtoSchema, toOnnx(graph)).graph!;
    assert.equal(node.find(({ opType }) => opType === 'Conv')?.input.length, 2);
    const norm = read.nodes.find(({ opType }) => opType === 'LayerNormalization')!;
    assert.deepEqual(norm.attributes, { axis: int(-1), epsilon: float(0.125) });
  });

  test('has its constants, of every type', async () => {
    const graph = new Graph();
    const constants: Record<DType, Tensor> = {
      float32: randomTensor('float32', [70]),
      float64: randomTensor('float64', [2, 3]),
      int32: tensor('int32', [2], [-(2 ** 31), 2 ** 31 - 1]),
      int64: tensor('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
      uint8: tensor('uint8', [3], [0, 128, 255]),
      bool: tensor('bool', [], [1]),
    };
    for (const [dtype, constant] of Object.entries(constants)) graph.output(dtype, graph.constant(constant));
    const read = fromOnnx(toOnnx(graph)).graph;
    for (const results of [await runGraph(graph), await runGraph(read)])
      assert.deepEqual({ ...results }, constants);
  });

  test('has its metadata', () => {
    const graph = new Graph();
    graph.output('y', graph.input('x', 'float32', []));
    const metadata = { classes: 'Katze, 猫\n🐈', 'empty value': '' };
    assert.deepEqual(fromOnnx(toOnnx(graph, { metadata })).metadata, metadata);
    assert.deepEqual(fromOnnx(toOnnx(graph)).metadata, {});
  });

  test('may have an input named like the values that are read', () => {
    const graph = new Graph();
    const x = graph.input('constant_0', 'float32', []);
    const y = graph.input('Add_1', 'float32', []);
    graph.output('Exp_0', op.exp(op.add(op.add(x, 1), y)));
    const read = fromOnnx(toOnnx(graph)).graph;
    assert.deepEqual(
      read.inputs.map(({ name }) => name),
      ['constant_0', 'Add_1'],
    );
  });
});

describe('toOnnx', () => {
  test('gives every output its name, even if it is an input, a constant, or named twice', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const y = op.exp(x);
    graph.output('the input', x);
    graph.output('a constant', graph.constant(tensor('float32', [], [7])));
    graph.output('once', y);
    graph.output('twice', y);
    const results = await runGraph(graph, { x: tensor('float32', [2], [0, 0]) });
    assert.deepEqual(toNumbers(results['the input']), [0, 0]);
    assert.deepEqual(toNumbers(results['a constant']), [7]);
    assert.deepEqual(toNumbers(results.once), [1, 1]);
    assert.deepEqual(toNumbers(results.twice), [1, 1]);
  });

  test('leaves dead nodes and constants out, and keeps unused inputs', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    graph.input('unused', 'float32', [2]);
    op.add(op.log(x), 5);
    graph.output('y', op.exp(x));
    const { graph: written } = fromBinary(ModelProtoSchema, toOnnx(graph));
    assert.deepEqual(
      written?.node.map(({ opType }) => opType),
      ['Exp'],
    );
    assert.deepEqual(written.initializer, []);
    assert.equal(written.input.length, 2);
  });

  test('names the operator sets it uses', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    graph.output('y', graph.add('FastGelu', [x, null], {}, [x], 'com.microsoft')[0]);
    const { opsetImport } = fromBinary(ModelProtoSchema, toOnnx(graph));
    assert.deepEqual(
      opsetImport.map(({ domain, version }) => [domain, version]),
      [
        ['', 20n],
        ['com.microsoft', 1n],
      ],
    );
  });

  test('writes optional inputs left out in the middle, and lists and texts as attributes', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const attributes = {
      i: int(-3),
      is: ints([1, -2]),
      none: ints([]),
      f: float(0.5),
      fs: { type: 'floats', value: [0.25, -1] },
      s: string('größe'),
    } as const;
    const [y] = graph.add('Custom', [x, null, x, null], attributes, [x], 'com.microsoft');
    graph.output('y', y);
    const { graph: written } = fromBinary(ModelProtoSchema, toOnnx(graph));
    const [{ opType, domain, input, attribute }] = written!.node;
    assert.deepEqual([opType, domain, input], ['Custom', 'com.microsoft', ['x', '', 'x']]);
    const found = Object.fromEntries(attribute.map((entry) => [entry.name, entry]));
    assert.deepEqual(Object.keys(found), Object.keys(attributes));
    assert.equal(found.i.i, -3n);
    assert.deepEqual(found.is.ints, [1n, -2n]);
    assert.deepEqual(found.none.ints, []);
    assert.equal(found.f.f, 0.5);
    assert.deepEqual(found.fs.floats, [0.25, -1]);
    assert.equal(new TextDecoder().decode(found.s.s), 'größe');
  });

  test('refuses attributes that ONNX has no number for', () => {
    for (const attribute of [
      int(2 ** 63),
      int(0.5),
      int(NaN),
      ints([1, Infinity]),
      float(1e39),
      { type: 'floats', value: [-1e39] } as const,
    ]) {
      const graph = new Graph();
      const x = graph.input('x', 'float32', [2]);
      graph.output('y', graph.add('Custom', [x], { a: attribute }, [x])[0]);
      assert.throws(() => toOnnx(graph), { name: 'GraphError', message: /^attribute "a" / });
    }
  });

  test('refuses operators that have to be lowered first', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    graph.output('y', op.linear(x, graph.input('w', 'float32', [4, 3])));
    assert.throws(
      () => toOnnx(graph),
      new GraphError('Linear is not an ONNX operator: lower the graph for an engine first'),
    );
  });

  test('writes a constant that is a view into a larger array', async () => {
    const graph = new Graph();
    const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    graph.output('y', graph.constant(tensor('float32', [2], data)));
    const program = await Program.load(toOnnx(graph), { provider: 'cpu', threads: 1 });
    assert.deepEqual(toNumbers((await program.run({})).y), [2, 3]);
    await program.release();
  });
});
