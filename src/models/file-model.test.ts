import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { GraphError } from '../graph/graph.js';
import { TensorProtoSchema } from '../graph/onnx_pb.js';
import { parameterKinds } from '../nn/kinds.js';
import { traceAlone } from '../nn/model.js';
import { OptionError } from '../tensor/option-error.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { relativeError } from '../testing/distance.js';
import { normalTensor, runFile, runModel } from '../testing/file-runs.js';
import {
  type OnnxFile,
  float,
  localFunction,
  node,
  onnxFile,
  subgraph,
  tensorProto,
} from '../fuzz/onnx-file.js';
import { modelFromOnnx } from './file-model.js';

const int64 = (...values: number[]): Tensor => tensor('int64', [values.length], values);

/** A small network as TorchScript exports it for training, and around it whatever a test puts there. */
function network(parts: Partial<OnnxFile> = {}): OnnxFile {
  return {
    inputs: [{ name: 'input', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: 'output', shape: ['batch', 5] }],
    initializers: {
      'conv.weight': normalTensor([4, 3, 3, 3], 1),
      'bn.weight': normalTensor([4], 2),
      'bn.bias': normalTensor([4], 3),
      'bn.running_mean': normalTensor([4], 4),
      'bn.running_var': tensor('float32', [4], [1, 2, 0.5, 1]),
      'fc.weight': normalTensor([5, 4], 5),
      'fc.bias': normalTensor([5], 6),
      axes: int64(2, 3),
    },
    nodes: [
      node('Conv', ['input', 'conv.weight'], ['z'], { pads: [1, 1, 1, 1] }),
      node('BatchNormalization', ['z', 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var'], ['n'], {
        epsilon: float(1e-3),
        momentum: float(0.8),
      }),
      node('Relu', ['n'], ['r']),
      node('ReduceMean', ['r', 'axes'], ['pooled'], { keepdims: 0 }),
      node('Gemm', ['pooled', 'fc.weight', 'fc.bias'], ['output'], { transB: 1 }),
    ],
    ...parts,
  };
}

/** The model's logits are those that ONNX Runtime computes of the file. */
async function agrees(file: OnnxFile, images: readonly number[] = [3, 3, 8, 8]): Promise<void> {
  const bytes = onnxFile(file);
  const x = normalTensor(images, 9);
  const own = await runModel(modelFromOnnx(bytes), x);
  const wanted = await runFile(bytes, { [file.inputs[0].name]: x }, file.outputs[0].name);
  assert.deepEqual(own.shape, wanted.shape);
  assert.ok(relativeError(toNumbers(own), toNumbers(wanted)) < 1e-5, 'the logits differ');
}

test('a file is a model: initializers are parameters under their names, running statistics buffers', async () => {
  await agrees(network());
  const model = modelFromOnnx(onnxFile(network()));
  assert.deepEqual([model.imageShape, model.classes, model.file.layout], [[3, 8, 8], 5, 'NCHW']);
  const { parameters, buffers, graph } = traceAlone(model, 2, true);
  assert.deepEqual(
    [...parameters].map(([name, { kind }]) => [name, kind]),
    [
      ['conv.weight', 'weight'],
      ['bn.weight', 'norm'],
      ['bn.bias', 'norm'],
      ['fc.weight', 'weight'],
      ['fc.bias', 'bias'],
    ],
  );
  assert.deepEqual([...buffers.keys()], ['bn.running_mean', 'bn.running_var']);
  assert.ok([...buffers.values()].every(({ next }) => next));
  const norm = graph.nodes.find(({ opType }) => opType === 'BatchNormTraining');
  assert.equal(norm?.attributes.epsilon.value, Math.fround(1e-3));
  // As in the file, a convolution and a linear layer are one node each, with the weights as they are.
  assert.deepEqual(
    graph.nodes.flatMap(({ opType, inputs }) =>
      ['Conv', 'Linear'].includes(opType) ? [inputs[1]?.name] : [],
    ),
    ['state/conv.weight', 'state/fc.weight'],
  );
});

test('transposed, aliased and shared weights, with their shifts, are layers with one parameter', async () => {
  const file = network({
    initializers: {
      w1: normalTensor([192, 6], 1),
      b1: normalTensor([6], 2),
      w2: normalTensor([6, 6], 3),
      shape: int64(0, -1),
    },
    nodes: [
      node('Reshape', ['input', 'shape'], ['flat']),
      node('MatMul', ['flat', 'w1'], ['p1']),
      node('Add', ['b1', 'p1'], ['a1']),
      node('Identity', ['w2'], ['alias']),
      node('Transpose', ['alias'], ['w2 transposed'], { perm: [1, 0] }),
      node('MatMul', ['a1', 'w2 transposed'], ['a2']),
      node('MatMul', ['a2', 'w2'], ['output']),
    ],
    outputs: [{ name: 'output', shape: ['batch', 6] }],
  });
  await agrees(file);
  const { parameters, graph } = traceAlone(modelFromOnnx(onnxFile(file)), 2, true);
  assert.deepEqual([...parameters.keys()], ['w1', 'b1', 'w2']);
  assert.deepEqual(
    graph.nodes.flatMap(({ opType, inputs }) =>
      opType === 'Linear' ? [inputs.length, inputs[2]?.name] : [],
    ),
    [3, 'state/b1', 3, undefined, 3, undefined],
  );
});

test('the forms of older operator sets: attributes for axes, softmax over a matrix, padding by a word', async () => {
  const nodes = [
    node('Conv', ['input', 'conv.weight'], ['z'], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
    node('Dropout', ['z'], ['d'], { ratio: float(0.5) }),
    node('Softmax', ['d'], ['s'], { axis: 2 }),
    node('ReduceMean', ['s'], ['pooled'], { axes: [3], keepdims: 0 }),
    node('ReduceSum', ['pooled'], ['summed'], { axes: [-1], keepdims: 0 }),
    node('Gemm', ['summed', 'fc.weight', 'fc.bias'], ['output'], { transB: 1 }),
  ];
  await agrees(network({ operatorSet: 11, nodes }));
});

test('shape arithmetic, If on constants and functions of the file leave nothing but what they compute', async () => {
  const nodes = [
    ...network().nodes.slice(0, 3),
    node('Shape', ['r'], ['shape']),
    node('Constant', [], ['zero'], { value: tensorProto('', tensor('int64', [], [0])) }),
    node('Gather', ['shape', 'zero'], ['count']),
    node('Constant', [], ['axis'], { value: tensorProto('', int64(0)) }),
    node('Unsqueeze', ['count', 'axis'], ['rows']),
    node('Constant', [], ['rest'], { value: tensorProto('', int64(4, 64)) }),
    node('Concat', ['rows', 'rest'], ['target'], { axis: 0 }),
    node('Reshape', ['r', 'target'], ['pixels']),
    node('Constant', [], ['three'], { value: tensorProto('', tensor('int64', [], [3])) }),
    node('Less', ['three', 'count'], ['many']),
    node('If', ['many'], ['chosen'], {
      then_branch: subgraph([node('Sqrt', ['pixels'], ['t'])], ['t']),
      else_branch: subgraph([node('Identity', ['pixels'], ['e'])], ['e']),
    }),
    node('PoolAll', ['chosen'], ['pooled'], { keep: 0 }, 'local'),
    node('Gemm', ['pooled', 'fc.weight', 'fc.bias'], ['output'], { transB: 1 }),
  ];
  const functions = [
    localFunction(
      'PoolAll',
      ['x'],
      ['y'],
      [
        node('Constant', [], ['last'], { value: tensorProto('', int64(2)) }),
        node('ReduceMean', ['x', 'last'], ['y'], { keepdims: { ref: 'keep' } }),
      ],
      ['keep'],
    ),
  ];
  const file = network({ nodes, functions });
  await agrees(file);
  const { graph } = traceAlone(modelFromOnnx(onnxFile(file)), 2, false);
  assert.deepEqual(
    graph.nodes.map(({ opType }) => opType),
    ['Conv', 'BatchNormalization', 'Relu', 'Reshape', 'ReduceMean', 'Linear'],
  );
});

test('padding that is computed of lengths, and windows of one pixel behind it', async () => {
  const { initializers, nodes } = network();
  const scalar = (value: number): Tensor => tensor('int64', [], [value]);
  const file = network({
    initializers: {
      ...initializers,
      ...{
        last: scalar(3),
        none: scalar(0),
        nine: scalar(9),
        begin: int64(0, 0, 0, 0, 0, 0),
        first: int64(0),
      },
    },
    nodes: [
      ...nodes.slice(0, 3),
      node('Shape', ['r'], ['shape']),
      node('Gather', ['shape', 'last'], ['width']),
      node('Sub', ['nine', 'width'], ['missing']),
      node('Clip', ['missing', 'none', ''], ['amount']),
      node('Unsqueeze', ['amount', 'first'], ['end']),
      node('Concat', ['begin', 'end', 'end'], ['pads'], { axis: 0 }),
      node('Pad', ['r', 'pads'], ['padded']),
      node('AveragePool', ['padded'], ['fewer'], { kernel_shape: [1, 1], strides: [2, 2] }),
      node('ReduceMean', ['fewer', 'axes'], ['pooled'], { keepdims: 0 }),
      nodes[4],
    ],
  });
  await agrees(file);
});

test('sequences, as a split is written before a file is optimised, are the tensors in them', async () => {
  const nodes = [
    ...network().nodes.slice(0, 3),
    node('SplitToSequence', ['r', 'part'], ['parts'], { axis: 1 }),
    node('SequenceAt', ['parts', 'first'], ['a']),
    node('SequenceAt', ['parts', 'last'], ['b']),
    node('SequenceConstruct', ['b', 'a'], ['turned']),
    node('ConcatFromSequence', ['turned'], ['joined'], { axis: 1 }),
    node('SplitToSequence', ['joined'], ['rows'], { axis: 2, keepdims: 0 }),
    node('ConcatFromSequence', ['rows'], ['stacked'], { axis: -1, new_axis: 1 }),
    node('SequenceLength', ['rows'], ['count']),
    node('Cast', ['count'], ['height'], { to: 1 }),
    node('ReduceMean', ['stacked', 'axes'], ['mean'], { keepdims: 0 }),
    node('Mul', ['mean', 'height'], ['pooled']),
    node('Gemm', ['pooled', 'fc.weight', 'fc.bias'], ['output'], { transB: 1 }),
  ];
  const initializers = {
    ...network().initializers,
    part: tensor('int64', [], [3]),
    first: tensor('int64', [], [0]),
    last: tensor('int64', [], [-1]),
  };
  await agrees(network({ nodes, initializers }));
  const bad = nodes.map((one) =>
    one.output[0] === 'b' ? node('SequenceAt', ['parts', 'height'], ['b']) : one,
  );
  const constant = { ...initializers, height: tensor('int64', [], [2]) };
  assert.throws(
    () =>
      modelFromOnnx(
        onnxFile(network({ nodes: bad.filter((one) => one.output[0] !== 'height'), initializers: constant })),
      ),
    /"SequenceAt" \(1 node: "SequenceAt of b"\): its position is not a constant within 2 tensors/,
  );
});

test('a file for one image, which says so wherever it reshapes, is a model for any number of them', async () => {
  const fixed = (images: number): OnnxFile => ({
    inputs: [{ name: 'input', shape: [images, 3, 8, 8] }],
    outputs: [{ name: 'output', shape: [images, 5] }],
    initializers: {
      'conv.weight': normalTensor([6, 3, 4, 4], 1),
      token: normalTensor([1, 1, 6], 2),
      'qk.weight': normalTensor([6, 12], 3),
      'fc.weight': normalTensor([5, 6], 5),
      tokens: int64(images, 6, 4),
      heads: int64(images, 5, 2, 2, 3),
      merged: int64(images * 2, 5, 3),
      apart: int64(images, 2, 5, 5),
      ends: int64(1),
      starts: int64(0),
      axis: int64(2),
      row: int64(1),
      wide: int64(images, 1, 6),
    },
    nodes: [
      node('Conv', ['input', 'conv.weight'], ['z'], { strides: [4, 4] }),
      node('Reshape', ['z', 'tokens'], ['t']),
      node('Transpose', ['t'], ['rows'], { perm: [0, 2, 1] }),
      node('Expand', ['token', 'wide'], ['tokens wide']),
      node('Concat', ['tokens wide', 'rows'], ['sequence'], { axis: 1 }),
      node('MatMul', ['sequence', 'qk.weight'], ['qk']),
      node('Reshape', ['qk', 'heads'], ['by head']),
      node('Transpose', ['by head'], ['first'], { perm: [2, 0, 3, 1, 4] }),
      node('Split', ['first'], ['q', 'k'], { axis: 0, num_outputs: 2 }),
      node('Reshape', ['q', 'merged'], ['q rows']),
      node('Reshape', ['k', 'merged'], ['k rows']),
      node('Transpose', ['k rows'], ['k columns'], { perm: [0, 2, 1] }),
      node('MatMul', ['q rows', 'k columns'], ['scores']),
      node('Reshape', ['scores', 'apart'], ['scores by image']),
      node('ReduceMean', ['scores by image', 'row'], ['attention'], { keepdims: 0 }),
      node('MatMul', ['attention', 'sequence'], ['mixed']),
      node('ReduceMean', ['mixed', 'row'], ['pooled'], { keepdims: 0 }),
      node('Gemm', ['pooled', 'fc.weight'], ['output'], { transB: 1 }),
    ],
  });
  const images = normalTensor([3, 3, 8, 8], 9);
  const wanted = await runFile(onnxFile(fixed(3)), { input: images }, 'output');
  for (const count of [1, 2, 3]) {
    const own = await runModel(modelFromOnnx(onnxFile(fixed(count))), images);
    assert.ok(relativeError(toNumbers(own), toNumbers(wanted)) < 1e-5, `of a file for ${count}`);
  }
});

test('running statistics that an exporter made one with a scale and a shift have names of their own', async () => {
  const { initializers, nodes } = network();
  const ones = tensor('float32', [4], [1, 1, 1, 1]);
  const zeros = tensor('float32', [4], [0, 0, 0, 0]);
  const file = network({
    initializers: { ...initializers, 'bn.weight': ones, 'bn.bias': zeros },
    nodes: nodes.with(
      1,
      node('BatchNormalization', ['z', 'bn.weight', 'bn.bias', 'bn.bias', 'bn.weight'], ['n']),
    ),
  });
  await agrees(file);
  const { parameters, buffers } = traceAlone(modelFromOnnx(onnxFile(file)), 2, true);
  assert.deepEqual([...parameters.keys()], ['conv.weight', 'bn.weight', 'bn.bias', 'fc.weight', 'fc.bias']);
  assert.deepEqual([...buffers.keys()], ['n/running_mean', 'n/running_var']);
});

test('results of a node that nobody uses are not read', async () => {
  const attention = (output: string): OnnxFile => ({
    inputs: [{ name: 'input', shape: ['batch', 3, 4, 4] }],
    outputs: [{ name: 'output', shape: ['batch', 5] }],
    initializers: { axes: int64(1, 2), 'fc.weight': normalTensor([5, 4], 1) },
    nodes: [
      node('Attention', ['input', 'input', 'input'], ['y', 'keys', 'values', 'scores']),
      node('ReduceMean', [output, 'axes'], ['pooled'], { keepdims: 0 }),
      node('Gemm', ['pooled', 'fc.weight'], ['output'], { transB: 1 }),
    ],
    operatorSet: 24,
  });
  await agrees(attention('y'), [3, 3, 4, 4]);
  assert.throws(
    () => modelFromOnnx(onnxFile(attention('keys'))),
    /Attention.*its result 2 is used, and only the first is read/,
  );
});

test('positions of all elements of one image, as strides are written, are those of any number of images', async () => {
  const { initializers, nodes } = network();
  const file = network({
    inputs: [{ name: 'input', shape: [1, 3, 8, 8] }],
    outputs: [{ name: 'output', shape: [1, 5] }],
    initializers: {
      ...initializers,
      flat: int64(-1),
      rows: int64(1, 4),
      positions: tensor('int64', [1, 4, 1, 1], [0, 1, 2, 3]),
    },
    nodes: [
      ...nodes.slice(0, 3),
      node('ReduceMean', ['r', 'axes'], ['means']),
      node('Reshape', ['means', 'flat'], ['list']),
      node('Gather', ['list', 'positions'], ['again']),
      node('Reshape', ['again', 'rows'], ['pooled']),
      nodes[4],
    ],
  });
  await agrees(file, [1, 3, 8, 8]);
  const x = normalTensor([3, 3, 8, 8], 9);
  const open = onnxFile(network());
  assert.deepEqual(
    toNumbers(await runModel(modelFromOnnx(onnxFile(file)), x)),
    toNumbers(await runModel(modelFromOnnx(open), x)),
  );
});

test('images may be inside of an axis, as in attention that has the sequence first', async () => {
  const fixed = (images: number): OnnxFile => ({
    inputs: [{ name: 'input', shape: [images, 3, 8, 8] }],
    outputs: [{ name: 'output', shape: [images, 5] }],
    initializers: {
      'first.weight': normalTensor([3, 6], 1),
      'fc.weight': normalTensor([5, 6], 2),
      tokens: int64(images, 3, 64),
      rows: int64(64 * images, 3),
      sequence: int64(64, images, 6),
      axis: int64(0),
    },
    nodes: [
      node('Reshape', ['input', 'tokens'], ['t']),
      node('Transpose', ['t'], ['sequence first'], { perm: [2, 0, 1] }),
      node('Reshape', ['sequence first', 'rows'], ['r']),
      node('MatMul', ['r', 'first.weight'], ['m']),
      node('Reshape', ['m', 'sequence'], ['s']),
      // Another one for every token, so that a sequence in the wrong order is found out.
      node('CumSum', ['s', 'axis0'], ['sums']),
      node('Tanh', ['sums'], ['bounded']),
      node('ReduceMean', ['bounded', 'axis'], ['pooled'], { keepdims: 0 }),
      node('Gemm', ['pooled', 'fc.weight'], ['output'], { transB: 1 }),
    ],
  });
  const file = (images: number): OnnxFile => {
    const one = fixed(images);
    return { ...one, initializers: { ...one.initializers, axis0: tensor('int64', [], [0]) } };
  };
  const images = normalTensor([3, 3, 8, 8], 9);
  const wanted = await runFile(onnxFile(file(3)), { input: images }, 'output');
  for (const count of [1, 2, 3]) {
    const own = await runModel(modelFromOnnx(onnxFile(file(count))), images);
    assert.ok(relativeError(toNumbers(own), toNumbers(wanted)) < 1e-5, `of a file for ${count}`);
  }
});

test('images with channels last, and a softmax at the end, which the loss has itself', async () => {
  const bytes = onnxFile({
    inputs: [{ name: 'input', shape: ['n', 8, 8, 3] }],
    outputs: [{ name: 'probabilities', shape: ['n', 5] }],
    initializers: { kernel: normalTensor([5, 3, 8, 8], 1, 0.1), shape: int64(-1, 5) },
    nodes: [
      node('Transpose', ['input'], ['x'], { perm: [0, 3, 1, 2] }),
      node('Conv', ['x', 'kernel'], ['z']),
      node('Reshape', ['z', 'shape'], ['logits']),
      node('Softmax', ['logits'], ['p'], { axis: 1 }),
      node('Identity', ['p'], ['probabilities']),
    ],
  });
  const model = modelFromOnnx(bytes);
  assert.deepEqual(
    [model.imageShape, model.file.layout, model.file.activation],
    [[3, 8, 8], 'NHWC', 'Softmax'],
  );
  const pixels = normalTensor([2, 8, 8, 3], 2);
  const channelsFirst = tensor(
    'float32',
    [2, 3, 8, 8],
    Float32Array.from({ length: 384 }, (_, i) => {
      const [image, channel, pixel] = [Math.floor(i / 192), Math.floor(i / 64) % 3, i % 64];
      return pixels.data[image * 192 + pixel * 3 + channel];
    }),
  );
  const { data } = await runModel(model, channelsFirst);
  const wanted = await runFile(bytes, { input: pixels }, 'probabilities');
  const probabilities = [0, 5].flatMap((start) => {
    const powers = Array.from(data.subarray(start, start + 5) as Float32Array, Math.exp);
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  });
  assert.ok(relativeError(probabilities, toNumbers(wanted)) < 1e-6);
});

test('float16 and bfloat16 weights are read as float32, elements in any of the fields ONNX has for them', () => {
  const halves = create(TensorProtoSchema, {
    name: 'fc.weight',
    dims: [2n, 3n],
    dataType: 10,
    // 1, -2, 0.5, 65504, 2^-24, -0
    rawData: new Uint8Array(new Uint16Array([0x3c00, 0xc000, 0x3800, 0x7bff, 1, 0x8000]).buffer),
  });
  const brains = create(TensorProtoSchema, {
    name: 'fc.bias',
    dims: [2n],
    dataType: 16,
    int32Data: [0x3f80, 0xc000],
  });
  const model = modelFromOnnx(
    onnxFile({
      inputs: [{ name: 'x', shape: ['n', 3, 1, 1] }],
      outputs: [{ name: 'y', shape: ['n', 2] }],
      initializers: { shape: int64(-1, 3) },
      tensors: [halves, brains],
      nodes: [
        node('Cast', ['x'], ['h'], { to: 10 }),
        node('Reshape', ['h', 'shape'], ['f']),
        node('Gemm', ['f', 'fc.weight', 'fc.bias'], ['z'], { transB: 1 }),
        node('Cast', ['z'], ['y'], { to: 1 }),
      ],
    }),
  );
  const { parameters } = traceAlone(model, 1, true);
  const initial = (name: string): number[] => {
    const { initializer, value } = parameters.get(name)!;
    return Array.from((initializer as (shape: readonly number[]) => Float32Array)(value.shape));
  };
  assert.deepEqual(initial('fc.weight'), [1, -2, 0.5, 65504, 2 ** -24, -0]);
  assert.deepEqual(initial('fc.bias'), [1, -2]);
});

test('the complementary error function, which tf2onnx writes though ONNX has none, is read', async () => {
  const before = network().nodes.slice(0, 2);
  const [pool, head] = network().nodes.slice(3);
  const written = (nodes: OnnxFile['nodes']): Uint8Array =>
    onnxFile(
      network({
        initializers: { ...network().initializers, one: tensor('float32', [], [1]) },
        nodes: [...before, ...nodes, pool, head],
      }),
    );
  const images = normalTensor([2, 3, 8, 8], 9);
  const own = await runModel(modelFromOnnx(written([node('Erfc', ['n'], ['r'])])), images);
  const same = written([node('Erf', ['n'], ['e']), node('Sub', ['one', 'e'], ['r'])]);
  const wanted = await runFile(same, { input: images }, 'output');
  assert.ok(relativeError(toNumbers(own), toNumbers(wanted)) < 1e-6);
});

test('numbers that only choose, such as the regions that a mask is made of, are constants', async () => {
  const file = network({
    initializers: {
      ...network().initializers,
      regions: tensor('float32', [1, 4, 1, 1], [0, 1, 2, 1]),
      one: tensor('float32', [1, 1, 1, 1], [1]),
      low: tensor('float32', [], [-3]),
    },
    nodes: [
      ...network().nodes.slice(0, 3),
      node('Sub', ['regions', 'one'], ['others']),
      node('Equal', ['others', 'one'], ['chosen']),
      node('Where', ['chosen', 'low', 'r'], ['masked']),
      node('ReduceMean', ['masked', 'axes'], ['pooled'], { keepdims: 0 }),
      node('Gemm', ['pooled', 'fc.weight', 'fc.bias'], ['output'], { transB: 1 }),
    ],
  });
  await agrees(file);
  const { parameters } = traceAlone(modelFromOnnx(onnxFile(file)), 2, true);
  assert.deepEqual([...parameters.keys()], ['conv.weight', 'bn.weight', 'bn.bias', 'fc.weight', 'fc.bias']);
});

test('a file in float64 is trained in float32, its arithmetic on constants in float64', async () => {
  const double = (value: Tensor): Tensor =>
    tensor('float64', value.shape, Float64Array.from(value.data, Number));
  const { initializers = {}, nodes } = network();
  const file = network({
    inputs: [{ name: 'input', shape: ['batch', 3, 8, 8], dtype: 'float64' }],
    outputs: [{ name: 'output', shape: ['batch', 5], dtype: 'float64' }],
    initializers: {
      ...Object.fromEntries(
        Object.entries(initializers).map(([name, value]) => [
          name,
          value.dtype === 'float32' ? double(value) : value,
        ]),
      ),
      large: tensor('float64', [], [2 ** 40 + 1]),
      rest: tensor('float64', [], [2 ** 40 - 1]),
    },
    nodes: [
      ...nodes.slice(0, 4),
      node('Sub', ['large', 'rest'], ['two']),
      node('Mul', ['pooled', 'two'], ['scaled']),
      node('Cast', ['scaled'], ['cast'], { to: 11 }),
      node('Gemm', ['cast', 'fc.weight', 'fc.bias'], ['output'], { transB: 1 }),
    ],
  });
  const single = network({
    initializers: { ...initializers, two: tensor('float32', [], [2]) },
    nodes: [
      ...nodes.slice(0, 4),
      node('Mul', ['pooled', 'two'], ['scaled']),
      node('Gemm', ['scaled', 'fc.weight', 'fc.bias'], ['output'], { transB: 1 }),
    ],
  });
  const images = normalTensor([2, 3, 8, 8], 3);
  const models = [file, single].map((one) => modelFromOnnx(onnxFile(one)));
  const [own, wanted] = [await runModel(models[0], images), await runModel(models[1], images)];
  assert.deepEqual(own, wanted);
  assert.deepEqual(
    [...traceAlone(models[0], 1, true).parameters.keys()],
    [...traceAlone(models[1], 1, true).parameters.keys()],
  );
});

test('for another number of classes the head is replaced, and several together where their results are added', async () => {
  const model = modelFromOnnx(onnxFile(network()), { classes: 7 });
  const { parameters } = traceAlone(model, 2, true);
  assert.deepEqual(parameters.get('fc.weight')?.value.shape, [7, 4]);
  assert.deepEqual(parameters.get('fc.bias')?.value.shape, [7]);
  assert.deepEqual((await runModel(model, normalTensor([2, 3, 8, 8]))).shape, [2, 7]);
  const two = network({
    initializers: { ...network().initializers, 'dist.weight': normalTensor([5, 4], 8) },
    nodes: [
      ...network().nodes.slice(0, 4),
      node('Gemm', ['pooled', 'fc.weight', 'fc.bias'], ['a'], { transB: 1 }),
      node('Gemm', ['pooled', 'dist.weight'], ['b'], { transB: 1 }),
      node('Add', ['a', 'b'], ['output']),
    ],
  });
  const both = modelFromOnnx(onnxFile(two), { classes: 7 });
  assert.deepEqual(both.file.newHeads.map(({ weight }) => weight).sort(), ['dist.weight', 'fc.weight']);
  assert.deepEqual((await runModel(both, normalTensor([2, 3, 8, 8]))).shape, [2, 7]);
  const kinds = parameterKinds(traceAlone(both, 1, true));
  assert.deepEqual(
    [...kinds]
      .filter(([, of]) => of.has('head'))
      .map(([name]) => name)
      .sort(),
    ['dist.weight', 'fc.bias', 'fc.weight'],
  );
  for (const head of [['fc', 'dist.weight'], 'fc'])
    assert.deepEqual(modelFromOnnx(onnxFile(two), { head }).file.newHeads.length, [head].flat().length);
  assert.throws(
    () => modelFromOnnx(onnxFile(two), { classes: 7, head: 'fc' }),
    (error) =>
      error instanceof OptionError &&
      /"fc.weight" cannot be replaced alone for 7 classes.*"dist.weight"/.test(error.message),
  );
});

test('everything that cannot be read is named at once, with its nodes', () => {
  const file = network({
    nodes: [
      node('NonMaxSuppression', ['input'], ['a']),
      node('Nothing', ['a'], ['b'], {}, 'made.up'),
      node('Nothing', ['input'], ['c'], {}, 'made.up'),
      node('Gemm', ['input', 'fc.weight'], ['d']),
      node('QLinearAdd', ['input', 'input'], ['e'], {}, 'com.microsoft'),
      node('Concat', ['a', 'b', 'c', 'd', 'e'], ['output'], { axis: 0 }),
    ],
  });
  assert.throws(
    () => modelFromOnnx(onnxFile(file)),
    (error) =>
      error instanceof GraphError &&
      /"NonMaxSuppression" \(1 node: "NonMaxSuppression of a"\)/.test(error.message) &&
      /"made\.up\.Nothing" \(2 nodes: "Nothing of b", "Nothing of c"\)/.test(error.message) &&
      /"Gemm" \(1 node: "Gemm of d"\): /.test(error.message) &&
      /"com\.microsoft\.QLinearAdd" .*: it computes with quantised numbers.*train the model that was quantised/.test(
        error.message,
      ),
  );
});

test('batch normalisation that is inserted leaves what the model computes as it is, and learns statistics', async () => {
  const file = network({
    initializers: { ...network().initializers, 'conv.bias': normalTensor([4], 7) },
    nodes: [
      node('Conv', ['input', 'conv.weight', 'conv.bias'], ['z'], { pads: [1, 1, 1, 1] }),
      node('Relu', ['z'], ['r']),
      ...network().nodes.slice(3),
    ],
  });
  const images = normalTensor([2, 3, 8, 8], 3);
  const [kept, inserted] = (['keep', 'insert'] as const).map((batchNorm) =>
    modelFromOnnx(onnxFile(file), { batchNorm }),
  );
  const [a, b] = [await runModel(kept, images), await runModel(inserted, images)];
  assert.ok(relativeError(toNumbers(a), toNumbers(b)) < 1e-5);
  assert.deepEqual(
    [...traceAlone(inserted, 2, true).buffers.keys()],
    ['conv.weight.bn.running_mean', 'conv.weight.bn.running_var'],
  );
});

test('names of open lengths are shown without their control characters', () => {
  const file = network({ inputs: [{ name: 'input', shape: ['\u001b[2J', 'n'.repeat(5000)] }] });
  assert.throws(
    () => modelFromOnnx(onnxFile(file)),
    (error) => error instanceof GraphError && /\[\\u001b\[2J, nn+…n+\]$/.test(error.message),
  );
});
