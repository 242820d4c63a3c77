/** Files that models came out of, given back: names, element types and all outputs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBinary } from '@bufbuild/protobuf';
import { Program } from '../engine/session.js';
import { type OnnxFile, node, onnxFile } from '../fuzz/onnx-file.js';
import { decodeModel } from '../graph/decode-model.js';
import { ModelProtoSchema, type ValueInfoProto } from '../graph/onnx_pb.js';
import { modelFromOnnx } from '../models/file-model.js';
import type { FileModel } from '../models/file-model-options.js';
import { traceAlone } from '../nn/model.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { normalTensor } from '../testing/file-runs.js';
import { exportFileModel } from './export-file.js';
import { initialWeights } from './initial-state.js';

const initializers = {
  'conv.weight': normalTensor([4, 3, 2, 2], 1),
  'fc.weight': normalTensor([5, 4], 2),
  'aux.weight': normalTensor([3, 4], 3),
  axes: tensor('int64', [2], [2, 3]),
};

const nodes = [
  node('Conv', ['image', 'conv.weight'], ['features']),
  node('ReduceMean', ['features', 'axes'], ['pooled'], { keepdims: 0 }),
  node('Gemm', ['pooled', 'fc.weight'], ['logits'], { transB: 1 }),
  node('Sigmoid', ['logits'], ['scores']),
  node('Gemm', ['pooled', 'aux.weight'], ['aux'], { transB: 1 }),
  node('ArgMax', ['scores'], ['label'], { axis: 1, keepdims: 0 }),
];

const file: OnnxFile = {
  inputs: [{ name: 'image', shape: ['batch', 3, 4, 4] }],
  outputs: [
    { name: 'features', shape: ['batch', 4, 3, 3] },
    { name: 'aux', shape: ['batch', 3] },
    { name: 'scores', shape: ['batch', 5] },
    { name: 'label', shape: ['batch'], dtype: 'int64' },
  ],
  nodes,
  initializers,
};

const standardization = { mean: [0, 0, 0], deviation: [1, 1, 1] };
const images = { image: normalTensor([3, 3, 4, 4], 9) };

function learnedBy(model: FileModel): {
  weights: Record<string, Tensor>;
  standardization: typeof standardization;
} {
  return { weights: initialWeights(traceAlone(model, 1, false), 0), standardization };
}

async function run(bytes: Uint8Array, feeds: Readonly<Record<string, Tensor>>) {
  const program = await Program.load(bytes, { provider: 'cpu', threads: 1 });
  return program.run(feeds).finally(() => program.release());
}

test('all outputs come back with their names, in their order, and weights that only others need', async () => {
  const bytes = onnxFile(file);
  const model = modelFromOnnx(bytes, { output: 'scores' });
  assert.equal(model.file.activation, 'Sigmoid');
  assert.deepEqual([...traceAlone(model, 1, true).parameters.keys()], ['conv.weight', 'fc.weight']);
  const back = exportFileModel(model, learnedBy(model));
  assert.deepEqual(
    decodeModel(back).graph!.output.map(({ name }) => name),
    file.outputs.map(({ name }) => name),
  );
  const [expected, found] = [await run(bytes, images), await run(back, images)];
  for (const { name } of file.outputs) {
    assert.deepEqual(
      [name, found[name].dtype, found[name].shape],
      [name, expected[name].dtype, expected[name].shape],
    );
    const theirs = toNumbers(expected[name]);
    toNumbers(found[name]).forEach((value, i) => {
      assert.ok(Math.abs(value - theirs[i]) < 1e-5, `${name} ${i}`);
    });
  }
});

test('an output that cannot be given back is told of, and the others are there', () => {
  const model = modelFromOnnx(
    onnxFile({
      ...file,
      nodes: [...nodes, node('Unread', ['features'], ['boxes'], {}, 'custom')],
      outputs: [...file.outputs, { name: 'boxes', shape: ['batch', 9] }],
    }),
    { output: 'scores' },
  );
  const told: string[] = [];
  const back = exportFileModel(model, learnedBy(model), {
    leftOut: (name, reason) => told.push(`${name}: ${reason}`),
  });
  assert.match(told.join('|'), /^boxes: the model holds what cannot be read: "custom\.Unread"[^|]*$/);
  assert.deepEqual(
    decodeModel(back).graph!.output.map(({ name }) => name),
    file.outputs.map(({ name }) => name),
  );
});

const elementType = ({ type }: ValueInfoProto): number =>
  type?.value.case === 'tensorType' ? type.value.value.elemType : 0;

test('element types of input and outputs come back, half precision too', async () => {
  const half = decodeModel(
    onnxFile({
      ...file,
      nodes: [
        node('Cast', ['image'], ['single'], { to: 1 }),
        node('Conv', ['single', 'conv.weight'], ['whole']),
        node('Cast', ['whole'], ['features'], { to: 10 }),
        node('ReduceMean', ['whole', 'axes'], ['pooled'], { keepdims: 0 }),
        node('Gemm', ['pooled', 'fc.weight'], ['logits'], { transB: 1 }),
        node('Softmax', ['logits'], ['shares']),
        node('Cast', ['shares'], ['scores'], { to: 10 }),
        node('Cast', ['shares'], ['aux'], { to: 11 }),
        node('ArgMax', ['scores'], ['label'], { axis: 1, keepdims: 0 }),
      ],
    }),
  );
  const types = new Map([
    ['image', 10],
    ['features', 10],
    ['aux', 11],
    ['scores', 10],
    ['label', 7],
  ]);
  for (const { name, type } of [...half.graph!.input, ...half.graph!.output])
    if (type?.value.case === 'tensorType') type.value.value.elemType = types.get(name)!;
  const model = modelFromOnnx(toBinary(ModelProtoSchema, half), { output: 'scores' });
  const back = exportFileModel(model, learnedBy(model));
  const { graph } = decodeModel(back);
  assert.deepEqual(
    [...graph!.input, ...graph!.output].map((value) => [value.name, elementType(value)]),
    [...types],
  );
  await (await Program.load(back, { provider: 'cpu', threads: 1 })).release();
});

test('with its resizing inside a file keeps its names and its layout, and gives all outputs', async () => {
  const bytes = onnxFile({
    ...file,
    inputs: [{ name: 'image', shape: ['batch', 6, 6, 3] }],
    nodes: [
      node('Transpose', ['image'], ['nchw'], { perm: [0, 3, 1, 2] }),
      node('Conv', ['nchw', 'conv.weight'], ['features']),
      ...nodes.slice(1),
    ],
  });
  const model = modelFromOnnx(bytes, { output: 'scores' });
  const back = exportFileModel(model, learnedBy(model), { resizing: { cover: [6, 6], cut: false } });
  const pixels = tensor(
    'uint8',
    [2, 6, 6, 3],
    Array.from({ length: 216 }, (_, i) => (i * 37) % 256),
  );
  const scaled = tensor(
    'float32',
    pixels.shape,
    toNumbers(pixels).map((value) => value / 255),
  );
  const [expected, found] = [await run(bytes, { image: scaled }), await run(back, { image: pixels })];
  for (const { name } of file.outputs) {
    const theirs = toNumbers(expected[name]);
    toNumbers(found[name]).forEach((value, i) => {
      assert.ok(Math.abs(value - theirs[i]) < 1e-4, `${name} ${i}: ${value} ${theirs[i]}`);
    });
  }
  const larger = tensor('uint8', [1, 9, 7, 3], Array<number>(189).fill(100));
  assert.deepEqual((await run(back, { image: larger })).features.shape, [1, 4, 5, 5]);
  assert.deepEqual(modelFromOnnx(back, { output: 'scores' }).imageShape, [3, 6, 6]);
});
