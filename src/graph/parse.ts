/**
 * The bytes of an `.onnx` file as a graph.
 *
 * The file is treated as hostile: the protobuf decoder checks every length against the bytes that are there, and a
 * tensor's shape is checked against its data before anything is made of it.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { type Shape, type Tensor, bytesPerElement, elementCount, formatShape } from '../tensor/tensor.js';
import { type Attribute, float, int, ints } from './attributes.js';
import { Graph, GraphError, type Value } from './graph.js';
import type { TensorType } from '../tensor/tensor.js';
import { OPSET_VERSION, dtypeOf } from './onnx-types.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  TensorProto_DataLocation as DataLocation,
  type TensorProto,
  type ValueInfoProto,
} from './onnx_pb.js';

export interface ParsedModel {
  readonly graph: Graph;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a model whose shapes are static and which stores the types of its values, as `toOnnx` writes them.
 *
 * @throws GraphError naming what is wrong with the file
 */
export function fromOnnx(bytes: Uint8Array): ParsedModel {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw new GraphError(`not an ONNX model: ${(error as Error).message}`);
  }
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
  const graph = new Graph([...proto.input, ...proto.output].map(({ name }) => name));
  const values = new Map<string, Value>();
  const types = new Map([...proto.valueInfo, ...proto.output].map((info) => [info.name, info]));
  for (const initializer of proto.initializer)
    values.set(initializer.name, graph.constant(parseTensor(initializer)));
  for (const info of proto.input) {
    const { dtype, shape } = parseType(info);
    values.set(info.name, graph.input(info.name, dtype, shape));
  }
  const find = (name: string, user: string): Value => {
    const value = values.get(name);
    if (!value) throw new GraphError(`${user} refers to "${name}", which nothing before it computes`);
    return value;
  };
  for (const node of proto.node) {
    const inputs = node.input.map((name) =>
      name === '' ? null : find(name, `node "${node.name}" (${node.opType})`),
    );
    const attributes = Object.fromEntries(
      node.attribute.map((attribute) => [attribute.name, parseAttribute(attribute, node.opType)]),
    );
    const results = node.output.map((name) => {
      const info = types.get(name);
      if (!info) throw new GraphError(`the model does not store the type of "${name}"`);
      return parseType(info);
    });
    const scope = node.name.slice(0, Math.max(node.name.lastIndexOf('/'), 0));
    const outputs = graph.inScope(scope, () =>
      graph.add(node.opType, inputs, attributes, results, node.domain),
    );
    node.output.forEach((name, i) => values.set(name, outputs[i]));
  }
  for (const { name } of proto.output) graph.output(name, find(name, 'the list of outputs'));
  return graph;
}

function parseType({ name, type }: ValueInfoProto): TensorType {
  const tensorType = type?.value.case === 'tensorType' ? type.value.value : undefined;
  const dtype = dtypeOf(tensorType?.elemType ?? 0);
  if (!dtype) throw new GraphError(`"${name}" is of an element type that tract-ts does not know`);
  if (!tensorType?.shape) throw new GraphError(`"${name}" has no static shape`);
  const shape = tensorType.shape.dim.map(({ value }) => {
    if (value.case !== 'dimValue') throw new GraphError(`"${name}" has no static shape`);
    return Number(value.value);
  });
  return { dtype, shape };
}

function parseTensor({ name, dims, dataType, rawData, dataLocation }: TensorProto): Tensor {
  const dtype = dtypeOf(dataType);
  if (!dtype) throw new GraphError(`constant "${name}" is of an element type that tract-ts does not know`);
  const shape: Shape = dims.map(Number);
  const wanted = elementCount(shape) * bytesPerElement(dtype);
  if (
    dataLocation === DataLocation.EXTERNAL ||
    rawData.length !== wanted ||
    !shape.every((length) => Number.isSafeInteger(length) && length >= 0)
  ) {
    throw new GraphError(
      `constant "${name}" of type ${dtype} ${formatShape(shape)} needs ${wanted} bytes inside the file, but has ${rawData.length}`,
    );
  }
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

function parseAttribute(
  { name, type, i, f, s, ints: integers, floats }: AttributeProto,
  opType: string,
): Attribute {
  switch (type) {
    case AttributeType.INT:
      return int(Number(i));
    case AttributeType.INTS:
      return ints(integers.map(Number));
    case AttributeType.FLOAT:
      return float(f);
    case AttributeType.FLOATS:
      return { type: 'floats', value: floats };
    case AttributeType.STRING:
      return { type: 'string', value: new TextDecoder().decode(s) };
    default:
      throw new GraphError(`${opType} has an attribute "${name}" of a type that tract-ts does not know`);
  }
}
