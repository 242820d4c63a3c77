/**
 * Compares how a node of an `.onnx` file is read with what ONNX Runtime makes of that node itself: element types,
 * shapes and elements of all results.
 */
import assert from 'node:assert/strict';
import { type MessageInitShape, create } from '@bufbuild/protobuf';
import { Program } from '../engine/session.js';
import { onnxFile } from '../fuzz/onnx-file.js';
import type { Attribute, Attributes } from '../graph/attributes.js';
import { FileNode } from '../graph/file-node.js';
import { fileOperators } from '../graph/file-operators.js';
import { Graph, type Value } from '../graph/graph.js';
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  NodeProtoSchema,
} from '../graph/onnx_pb.js';
import { fromOnnx } from '../graph/parse.js';
import { rewrite } from '../graph/rewrite.js';
import { portable } from '../engine/lowering/portable.js';
import { toOnnx } from '../graph/serialize.js';
import { type Tensor, elementCount, tensor, toNumbers } from '../tensor/tensor.js';
import { randomTensor, runGraph } from './run.js';

/** What a node gets: fed when the graph runs, or an initializer of the file. */
export interface FileInput {
  readonly value: Tensor;
  readonly constant: boolean;
}

/** A node of a file. */
export interface FileForm {
  readonly opType: string;
  /** Null for one that is left out. */
  readonly inputs: readonly (FileInput | null)[];
  readonly attributes?: Attributes;
  /** Results that the node names. Default 1. */
  readonly results?: number;
  /** The operator set that the file is of. Default 20. */
  readonly opset?: number;
  /** Greatest error, relative to the greatest element. Default 0. */
  readonly tolerance?: number;
}

export const fed = (value: Tensor): FileInput => ({ value, constant: false });
/** Normally distributed float32 numbers. */
export const random = (shape: readonly number[], seed = 0): FileInput =>
  fed(randomTensor('float32', shape, seed));
export const constant = (value: Tensor): FileInput => ({ value, constant: true });
/** A constant list of int64 numbers. */
export const list = (...values: readonly number[]): FileInput =>
  constant(tensor('int64', [values.length], values));
/** A constant list of float32 numbers. */
export const floats = (...values: readonly number[]): FileInput =>
  constant(tensor('float32', [values.length], values));
/** A constant number. */
export const scalar = (value: number, dtype: 'float32' | 'int64' = 'float32'): FileInput =>
  constant(tensor(dtype, [], [value]));

function attribute(name: string, { type, value }: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  switch (type) {
    case 'int':
      return { name, type: AttributeType.INT, i: BigInt(value) };
    case 'ints':
      return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
    case 'float':
      return { name, type: AttributeType.FLOAT, f: value };
    case 'floats':
      return { name, type: AttributeType.FLOATS, floats: [...value] };
    case 'string':
      return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  }
}

function nodeOf({ opType, inputs, attributes = {}, results = 1 }: FileForm) {
  return {
    opType,
    name: 'n',
    input: inputs.map((input, i) => (input ? `x${i}` : '')),
    output: Array.from({ length: results }, (_, i) => `y${i}`),
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

/** The node as a model of its own; the types of the results are left to ONNX Runtime. */
function written(form: FileForm): Uint8Array {
  const present = form.inputs.flatMap((input, i) => (input ? [{ name: `x${i}`, ...input }] : []));
  const node = create(NodeProtoSchema, nodeOf(form));
  return onnxFile({
    operatorSet: form.opset ?? 20,
    inputs: present.flatMap(({ name, value, constant }) => (constant ? [] : [{ name, ...value }])),
    outputs: node.output.map((name) => ({ name })),
    nodes: [node],
    initializers: Object.fromEntries(
      present.flatMap(({ name, value, constant }) => (constant ? [[name, value]] : [])),
    ),
  });
}

/** The graph that reading the node gives, with its results as the outputs y0, y1, … */
export function readForm(form: FileForm): Graph {
  const graph = new Graph();
  const values = form.inputs.map((input, i): Value | null => {
    if (!input) return null;
    const { value, constant } = input;
    return constant ? graph.constant(value) : graph.input(`x${i}`, value.dtype, value.shape);
  });
  const node = new FileNode(graph, create(NodeProtoSchema, nodeOf(form)), values);
  const results = fileOperators.get(form.opType)!(node);
  node.finish();
  for (let i = 0; i < (form.results ?? 1); i++) graph.output(`y${i}`, results[i]);
  return graph;
}

/** @throws AssertionError where what is read computes something else than ONNX Runtime does of the file */
export async function agrees(form: FileForm): Promise<void> {
  const feeds = Object.fromEntries(
    form.inputs.flatMap((input, i) => (input && !input.constant ? [[`x${i}`, input.value]] : [])),
  );
  const program = await Program.load(written(form), { provider: 'cpu', threads: 1 });
  const expected = await program.run(feeds).finally(() => program.release());
  const graph = readForm(form);
  const actual = await runGraph(graph, feeds);
  for (const [name, theirs] of Object.entries(expected)) {
    const ours = actual[name];
    assert.equal(ours.dtype, theirs.dtype, `the type of ${name}`);
    assert.deepEqual(ours.shape, theirs.shape, `the shape of ${name}`);
    const [a, b] = [toNumbers(ours), toNumbers(theirs)];
    const finite = b.filter(Number.isFinite).map(Math.abs);
    const allowed = (form.tolerance ?? 0) * Math.max(...finite, 0);
    for (let k = 0; k < elementCount(theirs.shape); k++)
      assert.ok(
        Object.is(a[k], b[k]) || Math.abs(a[k] - b[k]) <= allowed,
        `element ${k} of ${name} is ${a[k]}, not ${b[k]}`,
      );
  }
  // What is written of it is read as the same.
  const lowered = rewrite(graph, portable);
  const again = fromOnnx(toOnnx(lowered)).graph;
  assert.deepEqual(
    [...again.outputs].map(([name, { dtype, shape }]) => [name, dtype, shape]),
    [...graph.outputs].map(([name, { dtype, shape }]) => [name, dtype, shape]),
  );
}
