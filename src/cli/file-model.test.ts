/** Models in `.onnx` files, by the real command: looked at, trained, resumed, used, and given back. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { TensorProtoSchema, TensorProto_DataLocation as DataLocation } from '../graph/onnx_pb.js';
import { readForeign } from '../graph/import/foreign-model.js';
import { modelFromOnnx } from '../models/file-model.js';
import { fromSafetensors, toSafetensors } from '../tensor/safetensors.js';
import { tensor, transposedMatrix } from '../tensor/tensor.js';
import { modelTensors } from '../train/step-graph.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';
import { normalTensor, runFile } from '../testing/file-runs.js';
import { float, node, onnxFile } from '../fuzz/onnx-file.js';

const folder = temporaryFolder();
const file = join(folder, 'small.onnx');
const outside = join(folder, 'small.data');

/** For one image, six classes, with dropout, batch norm and a softmax; a weight lies in a file beside it. */
function write(): void {
  const fc = normalTensor([6, 8], 5);
  writeFileSync(outside, new Uint8Array(fc.data.buffer));
  writeFileSync(
    file,
    onnxFile({
      inputs: [{ name: 'image', shape: [1, 3, 32, 32] }],
      outputs: [{ name: 'scores', shape: [1, 6] }],
      initializers: {
        'conv.weight': normalTensor([8, 3, 4, 4], 1, 0.2),
        'bn.weight': tensor('float32', [8], Array<number>(8).fill(1)),
        'bn.bias': normalTensor([8], 3),
        'bn.running_mean': normalTensor([8], 4),
        'bn.running_var': tensor('float32', [8], Array<number>(8).fill(2)),
        'fc.bias': normalTensor([6], 6),
        axes: tensor('int64', [2], [2, 3]),
        half: tensor('float32', [], [0.5]),
        yes: tensor('bool', [], [1]),
      },
      tensors: [
        create(TensorProtoSchema, {
          name: 'fc.weight',
          dims: [6n, 8n],
          dataType: 1,
          dataLocation: DataLocation.EXTERNAL,
          externalData: [{ key: 'location', value: 'small.data' }],
        }),
      ],
      nodes: [
        node('Conv', ['image', 'conv.weight'], ['z'], { strides: [4, 4] }),
        node(
          'BatchNormalization',
          ['z', 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var'],
          ['n', 'mean', 'var'],
          { training_mode: 1, momentum: float(0.9) },
        ),
        node('Relu', ['n'], ['r']),
        node('ReduceMean', ['r', 'axes'], ['pooled'], { keepdims: 0 }),
        node('Dropout', ['pooled', 'half', 'yes'], ['kept']),
        node('Gemm', ['kept', 'fc.weight', 'fc.bias'], ['logits'], { transB: 1 }),
        node('Softmax', ['logits'], ['scores'], { axis: -1 }),
      ],
    }),
  );
}

const parameters = [
  ...['train', '--model', file, '--limit-train', '64', '--limit-test', '16', '--batch-size', '16'],
  ...['--tract', '--lr', '0.05', '--threads', '1', '--json'],
];
const straight = join(folder, 'straight');

before(async () => {
  write();
  const { code, stderr } = await tract([
    ...parameters,
    '--epochs',
    '2',
    '--max-steps',
    '3',
    '--out',
    straight,
  ]);
  assert.equal(code, 0, stderr);
});

test('check tells what is in a file, and for another number of classes what becomes of its head', async () => {
  const { code, stdout, stderr } = await tract(['check', file, '--classes', '10', '--json']);
  assert.equal(code, 0, stderr);
  const [report] = jsonLines(stdout);
  const { trainable, parameters: found, buffers, tract: layer, newHead, activation, operators } = report;
  assert.deepEqual(
    { trainable, found, buffers, newHead, activation },
    {
      trainable: true,
      found: { tensors: 5, elements: 8 * 48 + 16 + 80 + 10 },
      buffers: { tensors: 2, elements: 16 },
      newHead: { weights: ['fc.weight'], classes: 10 },
      activation: 'Softmax',
    },
  );
  const first = {
    layer: 'conv',
    weight: 'conv.weight',
    shape: [8, 3, 4, 4],
    operator: 'Conv',
    node: 'Conv of z',
  };
  assert.deepEqual(layer, first);
  assert.equal((operators as Record<string, number>).Conv, 1);
});

test('check names the node of a first layer whose weights are numbered in the file', async () => {
  const fixture = new URL('../../src/models/fixtures/resnet.torchscript.inference.onnx', import.meta.url);
  const { code, stdout, stderr } = await tract(['check', fileURLToPath(fixture)]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /TrAct +trains conv1 \(Conv \/conv1\/Conv with onnx::Conv_63, \[8, 3, 3, 3\]\)/);
});

test('check replaces averaged heads together, and tells of a file all the same that has none to replace', async () => {
  const fixture = (name: string): string =>
    fileURLToPath(new URL(`../../src/models/fixtures/${name}.onnx`, import.meta.url));
  const asked = ['check', fixture('deit.dynamo.inference'), '--classes', '5', '--json'];
  const [{ newHead }] = jsonLines((await tract(asked)).stdout);
  assert.deepEqual(newHead, { weights: ['head.weight', 'head_dist.weight'], classes: 5 });
  const alone = ['check', fixture('deit.dynamo.inference'), '--classes', '5', '--head', 'head'];
  const { code, stdout } = await tract(alone);
  assert.equal(code, 1);
  assert.match(stdout, /cannot be trained/);
  assert.match(stdout, /"head.weight" cannot be replaced alone for 5 classes .*"head_dist.weight" makes/);
  const both = await tract([...alone.slice(0, -1), 'head,head_dist']);
  assert.equal(both.code, 0, both.stderr);
  const unknown = await tract(['check', fixture('deit.dynamo.inference'), '--head', 'tail']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /head "tail" is no layer before the output; there are .* \(--head\)/);
});

test('an export for inference takes weights by the names in PyTorch, and is given back with those of the file', async () => {
  const path = fileURLToPath(
    new URL('../../src/models/fixtures/deit.dynamo.inference.onnx', import.meta.url),
  );
  const model = modelFromOnnx(readFileSync(path));
  const types = modelTensors(model);
  const given = Object.fromEntries(
    Object.entries(types).map(([name, { shape }], i) => [name, normalTensor(shape, i + 1, 0.1)]),
  );
  const square = 'blocks.0.attn.proj.weight';
  assert.deepEqual(types[square].shape, [12, 12]);
  const weights = join(folder, 'pytorch.safetensors');
  writeFileSync(weights, toSafetensors({ tensors: given, metadata: {} }));
  const out = join(folder, 'named');
  const trained = await tract([
    ...['train', '--model', path, '--weights', weights, '--freeze', 'blocks.0', '--layer-decay', '0.5'],
    ...[
      '--limit-train',
      '64',
      '--limit-test',
      '16',
      '--batch-size',
      '16',
      '--max-steps',
      '2',
      '--lr',
      '0.05',
    ],
    ...['--threads', '1', '--out', out],
  ]);
  assert.equal(trained.code, 0, trained.stderr);
  const exported = join(folder, 'named.onnx');
  const { code, stderr } = await tract(['export', out, '--out', exported]);
  assert.equal(code, 0, stderr);
  const [before, after] = [path, exported].map((name) => readForeign(readFileSync(name)).initializers);
  for (const name of Object.keys(types)) {
    const { name: own, transposed } = model.file.inFile.get(name) ?? { name, transposed: false };
    const found = after.get(own)!;
    assert.deepEqual(found.shape, before.get(own)!.shape, own);
    const wanted = transposed ? transposedMatrix(given[name]) : given[name];
    assert.equal(
      Buffer.compare(Buffer.from(found.data.buffer), Buffer.from(wanted.data.buffer)) === 0,
      name.startsWith('blocks.0.'),
      name,
    );
  }
  // The numbers are those of the file, and what they mean is not lost with the nodes that told it.
  assert.deepEqual(
    Object.keys(modelTensors(modelFromOnnx(readFileSync(exported)))).sort(),
    Object.keys(types).sort(),
  );
  assert.match(trained.stderr, /matrices that the model's file has numbers for are taken to be PyTorch's/);
});

test('weights of a model with batch norm are refused for a file that it was folded in', async () => {
  const path = new URL('../../src/models/fixtures/resnet.torchscript.inference.onnx', import.meta.url);
  const types = modelTensors(modelFromOnnx(readFileSync(path)));
  const weights = join(folder, 'unfolded.safetensors');
  const own = Object.entries(types).map(
    ([name, { shape }], i) => [name, normalTensor(shape, i + 1)] as const,
  );
  const norm = ['bn1.weight', 'bn1.running_mean'].map((name) => [name, normalTensor([8], 1)] as const);
  const tensors = Object.fromEntries([...own, ...norm]);
  writeFileSync(weights, toSafetensors({ tensors, metadata: {} }));
  const { code, stderr } = await tract([
    ...['train', '--model', fileURLToPath(path), '--weights', weights, '--limit-train', '16'],
    ...['--limit-test', '16', '--batch-size', '16', '--max-steps', '1', '--out', join(folder, 'unfolded')],
  ]);
  assert.notEqual(code, 0);
  assert.match(
    stderr,
    /has batch normalisation \(bn1\.running_mean\) that the file of the model has folded into/,
  );
});

test('compare trains a model in a file, read once for all points of a grid', async () => {
  const out = join(folder, 'compared');
  const { code, stdout, stderr } = await tract([
    ...['compare', '--model', file, '--limit-train', '32', '--limit-test', '16', '--batch-size', '16'],
    ...['--epochs', '1', '--seeds', '0', '--grid', 'lr=0.01,0.02', '--threads', '1', '--json', '--out', out],
  ]);
  assert.equal(code, 0, stderr);
  const { results } = jsonLines(stdout).at(-1) as { results: { variants: { id: string; runs: object[] }[] } };
  assert.deepEqual(
    results.variants.map(({ id, runs }) => [id, runs.length]),
    ['vanilla-lr-0.01', 'vanilla-lr-0.02', 'tract-0.1-lr-0.01', 'tract-0.1-lr-0.02'].map((id) => [id, 1]),
  );
});

test('check names everything that cannot be read, and what has no gradient, without control characters', async () => {
  const bad = join(folder, 'bad.onnx');
  writeFileSync(
    bad,
    onnxFile({
      inputs: [{ name: 'x', shape: [1, 3, 4, 4] }],
      outputs: [{ name: 'y', shape: [1, 3] }],
      nodes: [
        node('Nothing\u001b[2J', ['x'], ['a']),
        node('Gone', ['x'], ['b']),
        node('Concat', ['a', 'b'], ['y'], { axis: 0 }),
      ],
    }),
  );
  const { code, stdout } = await tract(['check', bad]);
  assert.equal(code, 1);
  assert.match(stdout, /Nothing[^]*Gone: /);
  assert.ok(!stdout.includes('\u001b'));
});

test('a run goes on without the file that it was begun with: its folder has all it takes', async () => {
  const away = join(folder, 'away');
  mkdirSync(away);
  for (const name of ['small.onnx', 'small.data']) renameSync(join(folder, name), join(away, name));
  const { code, stderr } = await tract([
    'train',
    '--resume',
    straight,
    '--max-steps',
    '6',
    '--threads',
    '1',
    '--json',
  ]);
  for (const name of ['small.onnx', 'small.data']) renameSync(join(away, name), join(folder, name));
  assert.equal(code, 0, stderr);
  const steps = jsonLines(readFileSync(join(straight, 'metrics.jsonl'), 'utf8')).filter(
    ({ event }) => event === 'step',
  );
  assert.equal(steps.length, 6);
});

test('eval and export take the run; the file that comes back has the names, the softmax and any batch', async () => {
  const evaluated = await tract(['eval', straight, '--threads', '1', '--json']);
  assert.equal(evaluated.code, 0, evaluated.stderr);
  const out = join(folder, 'back.onnx');
  const { code, stdout, stderr } = await tract(['export', straight, '--out', out, '--json']);
  assert.equal(code, 0, stderr);
  const [exported] = jsonLines(stdout);
  assert.deepEqual(
    [exported.input, exported.output],
    [
      { name: 'image', type: 'float32', shape: ['N', 3, 32, 32] },
      { name: 'scores', type: 'float32', shape: ['N', 10] },
    ],
  );
  const scores = await runFile(readFileSync(out), { image: normalTensor([5, 3, 32, 32]) }, 'scores');
  assert.deepEqual(scores.shape, [5, 10]);
  const sum = Array.from(scores.data.subarray(0, 10) as Float32Array).reduce((a, b) => a + b);
  assert.ok(Math.abs(sum - 1) < 1e-5);
  const { tensors } = fromSafetensors(readFileSync(join(straight, 'last.safetensors')));
  assert.deepEqual(tensors['fc.weight'].shape, [10, 8]);
  const checked = await tract(['check', out]);
  assert.match(checked.stdout, /can be trained[^]*head +fc\.weight[^]*TrAct +trains conv/);
});

test('what cannot be is one sentence: options of other models, a head that is none', async () => {
  const cases: readonly (readonly [readonly string[], RegExp, number])[] = [
    [['train', '--model', file, '--width', '4'], /--width is no option of a model in a file/, 2],
    [
      ['train', '--model', file, '--head', 'x', '--out', join(folder, 'x')],
      /head "x" is no layer.*"fc\.weight"/,
      2,
    ],
  ];
  for (const [words, message, code] of cases) {
    const outcome = await tract(words);
    assert.equal(outcome.code, code, outcome.stderr);
    assert.match(outcome.stderr, message);
    assert.equal(outcome.stderr.trim().split('\n').length, 1, outcome.stderr);
  }
});
