/** What `tract check` tells of files that can be trained, and of those that cannot. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type OnnxFile, node, onnxFile, subgraph } from '../fuzz/onnx-file.js';
import type { GraphProto } from '../graph/onnx_pb.js';
import { tensor } from '../tensor/tensor.js';
import { jsonLines, temporaryFolder, tract } from '../testing/command.js';
import { normalTensor } from '../testing/file-runs.js';

const folder = temporaryFolder();
const path = join(folder, 'model.onnx');

async function check(parts: Pick<OnnxFile, 'nodes' | 'initializers'>) {
  const initializers = {
    'conv.weight': normalTensor([4, 3, 2, 2], 1),
    'fc.weight': normalTensor([5, 4], 2),
    axes: tensor('int64', [2], [2, 3]),
    two: tensor('int64', [1], [2]),
    ...parts.initializers,
  };
  const file: OnnxFile = {
    operatorSet: 18,
    inputs: [{ name: 'image', shape: ['N', 3, 4, 4] }],
    outputs: [{ name: 'logits', shape: ['N', 5] }],
    nodes: [
      node('Conv', ['image', 'conv.weight'], ['z']),
      ...parts.nodes,
      node('ReduceMean', ['y', 'axes'], ['pooled'], { keepdims: 0 }),
      node('Gemm', ['pooled', 'fc.weight'], ['logits'], { transB: 1 }),
    ],
    initializers,
  };
  writeFileSync(path, onnxFile(file));
  const [json, text] = [await tract(['check', path, '--json']), await tract(['check', path])];
  assert.equal(json.code, text.code);
  return { code: json.code, report: jsonLines(json.stdout)[0], text: text.stdout };
}

test('what no rule differentiates is named as the file names it, and is no success', async () => {
  const { code, report, text } = await check({
    nodes: [
      node('Cast', ['z'], ['whole'], { to: 7 }),
      { ...node('Cast', ['whole'], ['back'], { to: 1 }), name: '' },
      node('Add', ['z', 'back'], ['y']),
    ],
  });
  assert.equal(code, 1);
  const reason = /^Cast has no gradient towards its input 0 \(output 0 of Cast\), int64/;
  const [obstacle] = report.unsupported as { operator: string; nodes: string[]; reason: string }[];
  assert.deepEqual([obstacle.operator, obstacle.nodes], ['Cast', ['back']]);
  assert.match(obstacle.reason, reason);
  assert.match(text, /cannot be trained[^]*Cast: Cast has no gradient[^]*\n +back\n/);
});

test('weights that no gradient can come to are told of', async () => {
  const { code, report, text } = await check({
    nodes: [
      node('Cast', ['z'], ['whole'], { to: 7 }),
      node('Cast', ['whole'], ['back'], { to: 1 }),
      node('Mul', ['back', 'scale'], ['y']),
    ],
    initializers: { scale: normalTensor([4, 1, 1], 3) },
  });
  assert.equal(code, 0);
  assert.deepEqual(report.untrained, [{ name: 'conv.weight', shape: [4, 3, 2, 2] }]);
  assert.match(text, /untrained +48 numbers that no gradient can come to, .*: conv\.weight\n/);
});

test('what chooses by positions that it computes can be trained, and so can diagonals', async () => {
  const { code, report } = await check({
    nodes: [
      node('TopK', ['z', 'two'], ['values', 'places']),
      node('GatherElements', ['z', 'places'], ['found'], { axis: 3 }),
      node('ScatterElements', ['z', 'places', 'found'], ['scattered'], { axis: 3 }),
      node('Einsum', ['scattered'], ['diagonal'], { equation: 'ncii->nci' }),
      node('Einsum', ['diagonal', 'scattered'], ['y'], { equation: 'nci,ncij->ncij' }),
    ],
  });
  assert.equal(code, 0, JSON.stringify(report));
  assert.deepEqual(report.unsupported, []);
});

test('everything that is not read is named at once, however it is connected, and the rest is told', async () => {
  const { code, report, text } = await check({
    nodes: [
      node('Cast', ['z'], ['whole'], { to: 7 }),
      node('Cast', ['whole'], ['back'], { to: 1 }),
      node('Unread', ['back'], ['a'], {}, 'custom'),
      node('Shape', ['a'], ['shape']),
      node('Gather', ['shape', 'two'], ['length']),
      node('Dropout', ['a'], ['b']),
      node('Relu', ['b'], ['c']),
      node('NonMaxSuppression', ['c', 'length'], ['d']),
      node('Gone', ['d'], ['e']),
      { ...node('Gone', ['e'], ['y']), name: '' },
    ],
  });
  assert.equal(code, 1);
  const unsupported = report.unsupported as { operator: string; nodes: string[] }[];
  assert.deepEqual(
    unsupported.map(({ operator, nodes }) => [operator, nodes]),
    [
      ['custom.Unread', ['Unread of a']],
      ['NonMaxSuppression', ['NonMaxSuppression of d']],
      ['Gone', ['Gone of e', 'y']],
    ],
  );
  const { producer, operatorSet, operators, foldedNodes, nodesBehind, initializers, inputs, outputs } =
    report;
  assert.deepEqual(
    { producer, operatorSet, operators, foldedNodes, nodesBehind, initializers, inputs, outputs },
    {
      producer: 'a test',
      operatorSet: 18,
      operators: {
        Cast: 2,
        Conv: 1,
        Dropout: 1,
        Gemm: 1,
        Gone: 2,
        NonMaxSuppression: 1,
        ReduceMean: 1,
        Relu: 1,
        'custom.Unread': 1,
      },
      foldedNodes: 2,
      nodesBehind: 4,
      initializers: { tensors: 4, elements: 48 + 20 + 2 + 1 },
      inputs: [{ name: 'image', dtype: 'float32', shape: ['N', 3, 4, 4] }],
      outputs: [{ name: 'logits', dtype: 'float32', shape: ['N', 5] }],
    },
  );
  assert.deepEqual(
    (report.withoutGradient as { nodes: string[] }[]).map(({ nodes }) => nodes),
    [['Cast of back']],
  );
  assert.match(text, /custom\.Unread: an operator that is not known[^]*ReduceMean +1[^]*4 nodes come behind/);
});

test('both branches of a choice that cannot be known are looked at', async () => {
  const branch = (opType: string): GraphProto =>
    subgraph([node(opType, ['z'], [`of ${opType}`])], [`of ${opType}`]);
  const { code, report } = await check({
    nodes: [
      node('Unread', ['z'], ['which']),
      node('If', ['which'], ['y'], { then_branch: branch('Relu'), else_branch: branch('Gone') }),
    ],
  });
  assert.equal(code, 1);
  const unsupported = report.unsupported as { operator: string }[];
  assert.deepEqual(
    unsupported.map(({ operator }) => operator),
    ['Unread', 'Gone'],
  );
});

test('dropout counts among the operators', async () => {
  const { code, report } = await check({ nodes: [node('Dropout', ['z'], ['y'])] });
  assert.equal(code, 0);
  assert.equal((report.operators as Record<string, number>).Dropout, 1);
});
