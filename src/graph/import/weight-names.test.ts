/** What weights are called that an exporter numbered. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { node, onnxFile } from '../../fuzz/onnx-file.js';
import { normalTensor } from '../../testing/file-runs.js';
import { NodeProtoSchema, type NodeProto } from '../onnx_pb.js';
import { readForeign } from './foreign-model.js';
import { namesIn, namesText } from './weight-names.js';

const shapes = { W: [4, 4], V: [4, 4], conv: [4, 3, 1, 1], shift: [4], table: [2, 4], one: [1] };

/** The names of tensors that are used by one node after another, as far as the file has them. */
function namesOf(nodes: readonly NodeProto[], tensors: Readonly<Record<string, readonly number[]>>) {
  const file = onnxFile({
    inputs: [{ name: 'x', shape: [1, 4] }],
    outputs: [{ name: 'y', shape: [1, 4] }],
    initializers: Object.fromEntries(
      Object.entries(tensors).map(([name, shape], i) => [name, normalTensor(shape, i + 1)]),
    ),
    nodes,
  });
  return Object.fromEntries(
    [...readForeign(file).names].map(([name, given]) => [
      name,
      given.transposed ? `${given.name} transposed` : given.name,
    ]),
  );
}

const at = (name: string, ...rest: Parameters<typeof node>): NodeProto => ({ ...node(...rest), name });
const scoped = (scopes: readonly string[], ...rest: Parameters<typeof node>): NodeProto => ({
  ...node(...rest),
  metadataProps: create(NodeProtoSchema, {
    metadataProps: [
      { key: 'pkg.torch.onnx.name_scopes', value: `[${scopes.map((scope) => `'${scope}'`).join(', ')}]` },
    ],
  }).metadataProps,
});

describe('a numbered weight', () => {
  it('has the path of its node, without the names that lists of modules repeat', () => {
    const { W, V, shift } = shapes;
    assert.deepEqual(
      namesOf(
        [
          at('/stages/stages.1/stages.1.0/blocks.0/qkv/MatMul', 'MatMul', ['x', 'onnx::MatMul_1'], ['a']),
          at('/stages/stages.1/stages.1.0/blocks.0/qkv/Add', 'Add', ['onnx::Add_2', 'a'], ['b']),
          at('/head/Gemm', 'Gemm', ['b', 'onnx::Gemm_3', 'head.bias'], ['y']),
        ],
        { 'onnx::MatMul_1': W, 'onnx::Add_2': shift, 'onnx::Gemm_3': V, 'head.bias': shift },
      ),
      {
        'onnx::MatMul_1': 'stages.1.0.blocks.0.qkv.weight transposed',
        'onnx::Add_2': 'stages.1.0.blocks.0.qkv.bias',
        'onnx::Gemm_3': 'head.weight transposed',
      },
    );
  });

  it('has the path in the metadata of its node', () => {
    const scopes = ['', 'blocks', 'blocks.0', 'blocks.0.fc', 'linear_7'];
    assert.deepEqual(namesOf([scoped(scopes, 'MatMul', ['x', 'val_18'], ['y'])], { val_18: shapes.W }), {
      val_18: 'blocks.0.fc.weight transposed',
    });
  });

  it('has the path of the bias behind it, unless another module has that bias, too', () => {
    const { W, V, shift } = shapes;
    const tensors = { val_1: W, val_2: V, 'blocks.0.attn.in_proj_bias': shift };
    const first = [
      node('MatMul', ['x', 'val_1'], ['a']),
      node('Add', ['a', 'blocks.0.attn.in_proj_bias'], ['b']),
    ];
    assert.deepEqual(namesOf([...first, node('MatMul', ['b', 'val_2'], ['y'])], tensors), {
      val_1: 'blocks.0.attn.in_proj_weight transposed',
    });
    const second = [
      node('MatMul', ['b', 'val_2'], ['c']),
      node('Add', ['c', 'blocks.0.attn.in_proj_bias'], ['y']),
    ];
    assert.deepEqual(namesOf([...first, ...second], tensors), {});
  });

  it('of a module inside the one that computes with it has the path of its bias', () => {
    const nodes = [
      at('/attn/MatMul', 'MatMul', ['x', 'onnx::MatMul_1'], ['a']),
      at('/attn/Add', 'Add', ['a', 'attn.qkv.bias'], ['b']),
      scoped(['', 'attn', 'mul_3'], 'Mul', ['b', 'view_2'], ['y']),
    ];
    const { W, shift, table } = shapes;
    assert.deepEqual(namesOf(nodes, { 'onnx::MatMul_1': W, 'attn.qkv.bias': shift, view_2: table }), {
      'onnx::MatMul_1': 'attn.qkv.weight transposed',
      view_2: 'attn.view_2',
    });
  });

  it('of a convolution with folded batch norm is called after the convolution; one computed otherwise is not', () => {
    const { conv, shift } = shapes;
    const nodes = (bias: string) => [at('/stem/conv/Conv', 'Conv', ['x', 'onnx::Conv_1', bias], ['y'])];
    assert.deepEqual(namesOf(nodes('onnx::Conv_2'), { 'onnx::Conv_1': conv, 'onnx::Conv_2': shift }), {
      'onnx::Conv_1': 'stem.conv.weight',
      'onnx::Conv_2': 'stem.conv.bias',
    });
    assert.deepEqual(namesOf(nodes('stem.conv.bias'), { 'onnx::Conv_1': conv, 'stem.conv.bias': shift }), {
      'onnx::Conv_1': 'stem.conv.onnx::Conv_1',
    });
  });

  it('of no layer keeps its number behind its path; without a path, or as a single number, it keeps its name', () => {
    const { table, one } = shapes;
    assert.deepEqual(
      namesOf(
        [
          at('/layers.0/attn/Add', 'Add', ['x', 'onnx::Add_1'], ['a']),
          at('/layers.0/attn/Mul', 'Mul', ['a', 'onnx::Mul_2'], ['b']),
          at('/Add', 'Add', ['b', 'onnx::Add_3'], ['y']),
        ],
        { 'onnx::Add_1': table, 'onnx::Mul_2': one, 'onnx::Add_3': table },
      ),
      { 'onnx::Add_1': 'layers.0.attn.onnx::Add_1' },
    );
  });

  it('is called what the metadata say, where they are of this file', () => {
    const named = new Map([['onnx::MatMul_1', { name: 'fc.weight', transposed: true }]]);
    const text = namesText(named);
    const tensors = new Map([['onnx::MatMul_1', normalTensor([4, 4], 1)]]);
    assert.deepEqual(namesIn(text, tensors), named);
    assert.equal(namesIn(undefined, tensors), undefined);
    for (const wrong of [
      '{',
      'null',
      '[["onnx::MatMul_2","fc.weight",true]]',
      '[["onnx::MatMul_1","fc\\u0007",true]]',
      '[["onnx::MatMul_1","fc.weight"]]',
      '[["onnx::MatMul_1","onnx::MatMul_1",true]]',
      '[["onnx::MatMul_1","a",true],["onnx::MatMul_1","b",true]]',
    ])
      assert.equal(namesIn(wrong, tensors), undefined, wrong);
    assert.equal(namesIn(text, new Map([['onnx::MatMul_1', normalTensor([4], 1)]])), undefined);
  });

  it('does not take the name of another tensor', () => {
    const { W, V } = shapes;
    assert.deepEqual(
      namesOf(
        [
          at('/fc/MatMul', 'MatMul', ['x', 'onnx::MatMul_1'], ['a']),
          at('/fc/MatMul_1', 'MatMul', ['a', 'fc.weight'], ['y']),
        ],
        { 'onnx::MatMul_1': W, 'fc.weight': V },
      ),
      { 'onnx::MatMul_1': 'fc.onnx::MatMul_1' },
    );
  });
});
