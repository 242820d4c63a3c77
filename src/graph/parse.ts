/**
 * The bytes of an `.onnx` file as a graph.
 *
 * The file is treated as hostile. Its parts are counted before it is decoded, a tensor's shape is checked against its
 * data before anything is made of it, and every node is added by the builder of its operator, which checks attributes
 * and inputs and infers the types of the results: the types that the file claims are compared with these, so that no
 * lie about a shape reaches ONNX Runtime.
 */
import { counted } from '../tensor/counted.js';
import { quote, shorten } from '../tensor/shorten.js';
import {
  type Tensor,
  type TensorType,
  bytesPerElement,
  elementCount,
  formatShape,
  sameShape,
} from '../tensor/tensor.js';
import { decodeModel } from './decode-model.js';
import { FileNode, MAXIMUM_RANK } from './file-node.js';
import { fileOperators } from './file-operators.js';
import { Graph, GraphError, type Value, describe } from './graph.js';
import { OPSET_VERSION, dtypeOf } from './onnx-types.js';
import {
  type GraphProto,
  type NodeProto,
  TensorProto_DataLocation as DataLocation,
  type TensorProto,
  type ValueInfoProto,
} from './onnx_pb.js';

/** The longest name of an input, an output or a node, in characters. */
const MAXIMUM_NAME = 256;
/** The most inputs of one node. */
const MAXIMUM_INPUTS = 10_000;
/** How many unknown operators a message names. */
const MOST_NAMED = 20;

/** What an `.onnx` file holds. */
export interface ParsedModel {
  readonly graph: Graph;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a model of the operators that tract-ts writes, whose shapes are static and which stores the types of its
 * values, as `toOnnx` writes them.
 *
 * @throws GraphError naming what is wrong with the file; all operators that are not read are named at once
 */
export function fromOnnx(bytes: Uint8Array): ParsedModel {
  const model = decodeModel(bytes);
  if (!model.graph) throw new GraphError('not an ONNX model: it holds no graph');
  const opset = model.opsetImport.find(({ domain }) => domain === '')?.version;
  if (opset !== BigInt(OPSET_VERSION))
    throw new GraphError(
      `the model uses operator set ${opset ?? 'none'} of ONNX; tract-ts reads ${OPSET_VERSION}`,
    );
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
  return { graph: parseGraph(model.graph), metadata };
}

function parseGraph(proto: GraphProto): Graph {
  checkOperators(proto.node);
  for (const { name } of [...proto.input, ...proto.output]) checkName(name);
  const graph = new Graph([...proto.input, ...proto.output].map(({ name }) => name));
  const values = new Map<string, Value>();
  const types = new Map([...proto.valueInfo, ...proto.output].map((info) => [info.name, info]));
  const define = (name: string, value: Value): void => {
    if (values.has(name)) throw new GraphError(`the model has two values named ${quote(name)}`);
    values.set(name, value);
  };
  const find = (name: string, user: string): Value => {
    const value = values.get(name);
    if (!value) throw new GraphError(`${user} refers to ${quote(name)}, which nothing before it computes`);
    return value;
  };
  for (const initializer of proto.initializer)
    define(initializer.name, graph.constant(parseTensor(initializer)));
  for (const info of proto.input) {
    const { dtype, shape } = parseType(info);
    define(info.name, graph.input(info.name, dtype, shape));
  }
  for (const node of proto.node) {
    const user = `node ${quote(node.name)} (${node.opType})`;
    if (node.input.length > MAXIMUM_INPUTS)
      throw new GraphError(`${user} has ${node.input.length} inputs, and ${MAXIMUM_INPUTS} is the limit`);
    const inputs = node.input.map((name) => (name === '' ? null : find(name, user)));
    const outputs = addNode(graph, node, inputs, user);
    for (const [i, name] of node.output.entries()) {
      // A result that is left out.
      if (name === '') continue;
      define(name, outputs[i]);
      const info = types.get(name);
      if (!info) throw new GraphError(`the model does not store the type of ${quote(name)}`);
      checkType(info, outputs[i]);
    }
  }
  for (const info of proto.output) {
    const value = find(info.name, 'the list of outputs');
    checkType(info, value);
    graph.output(info.name, value);
  }
  return graph;
}

/** @throws GraphError naming all operators that are not read, and how many nodes are of each */
function checkOperators(nodes: readonly NodeProto[]): void {
  const unknown = new Map<string, number>();
  for (const { domain, opType } of nodes) {
    if (domain === '' && fileOperators.has(opType)) continue;
    const operator = domain === '' ? opType : `${domain}.${opType}`;
    unknown.set(operator, (unknown.get(operator) ?? 0) + 1);
  }
  if (unknown.size === 0) return;
  const listed = [...unknown]
    .slice(0, MOST_NAMED)
    .map(([operator, count]) => `${quote(operator)} (${counted(count, 'node')})`);
  const more = unknown.size - listed.length;
  throw new GraphError(
    `tract-ts reads the operators that it writes, and these are none of them: ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
  );
}

/** The values of all results of a node's operator, of which the file may leave some at the end out. */
function addNode(
  graph: Graph,
  node: NodeProto,
  inputs: readonly (Value | null)[],
  user: string,
): readonly Value[] {
  checkName(node.name);
  const scope = node.name.slice(0, Math.max(node.name.lastIndexOf('/'), 0));
  try {
    const fileNode = new FileNode(graph, node, inputs);
    const outputs = graph.inScope(scope, () => fileOperators.get(node.opType)!(fileNode));
    fileNode.finish();
    if (node.output.length > outputs.length)
      throw new GraphError(`it names ${node.output.length} results where there are ${outputs.length}`);
    return outputs;
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new GraphError(`${user}: ${shorten(error.message, 500)}`);
  }
}

function checkName(name: string): void {
  if (name.length > MAXIMUM_NAME)
    throw new GraphError(
      `the name ${quote(name)} has ${name.length} characters, and ${MAXIMUM_NAME} is the limit`,
    );
}

/** Compares what a file claims of a value with what it is. */
function checkType(info: ValueInfoProto, value: Value): void {
  const claimed = parseType(info);
  if (claimed.dtype !== value.dtype || !sameShape(claimed.shape, value.shape))
    throw new GraphError(
      `the model says that ${quote(info.name)} is ${describe(claimed)}, but it is ${describe(value)}`,
    );
}

function parseType({ name, type }: ValueInfoProto): TensorType {
  const tensorType = type?.value.case === 'tensorType' ? type.value.value : undefined;
  const dtype = dtypeOf(tensorType?.elemType ?? 0);
  if (!dtype) throw new GraphError(`${quote(name)} is of an element type that tract-ts does not know`);
  if (!tensorType?.shape) throw new GraphError(`${quote(name)} has no static shape`);
  const { dim } = tensorType.shape;
  checkRank(quote(name), dim.length);
  const shape = dim.map(({ value }) => {
    if (value.case !== 'dimValue') throw new GraphError(`${quote(name)} has no static shape`);
    return Number(value.value);
  });
  return { dtype, shape };
}

function checkRank(what: string, rank: number): void {
  if (rank > MAXIMUM_RANK)
    throw new GraphError(`${what} has ${rank} dimensions, and ${MAXIMUM_RANK} is the limit`);
}

function parseTensor({ name, dims, dataType, rawData, dataLocation }: TensorProto): Tensor {
  const dtype = dtypeOf(dataType);
  const constant = `constant ${quote(name)}`;
  if (!dtype) throw new GraphError(`${constant} is of an element type that tract-ts does not know`);
  checkRank(constant, dims.length);
  const shape = dims.map(Number);
  const wanted = elementCount(shape) * bytesPerElement(dtype);
  if (
    dataLocation === DataLocation.EXTERNAL ||
    rawData.length !== wanted ||
    !shape.every((length) => Number.isSafeInteger(length) && length >= 0)
  ) {
    throw new GraphError(
      `${constant} of type ${dtype} ${formatShape(shape)} needs ${wanted} bytes inside the file, but has ${rawData.length}`,
    );
  }
  if (dtype === 'bool' && rawData.some((element) => element > 1))
    throw new GraphError(`${constant} of bool holds a byte that is neither 0 nor 1`);
  // A copy, because the bytes in the file need not be aligned to the element size. Not by slice(), which gives a view
  // where they are a Buffer of Node.
  const { buffer } = new Uint8Array(rawData);
  const arrays = {
    float32: () => new Float32Array(buffer),
    float64: () => new Float64Array(buffer),
    int32: () => new Int32Array(buffer),
    int64: () => new BigInt64Array(buffer),
    uint8: () => new Uint8Array(buffer),
    bool: () => new Uint8Array(buffer),
  };
  return { dtype, shape, data: arrays[dtype]() };
}
