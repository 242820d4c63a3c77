/** A graph as the bytes of an `.onnx` file (ONNX ModelProto). */
import { type MessageInitShape, create, toBinary } from '@bufbuild/protobuf';
import type { Shape, Tensor } from '../tensor/tensor.js';
import type { Dimension } from './any-batch.js';
import { type Attribute, type Attributes, int } from './attributes.js';
import { type Graph, GraphError, MICROSOFT_DOMAIN, TRACT_DOMAIN, type Value } from './graph.js';
import { live } from './live.js';
import { IR_VERSION, OPSET_VERSION, dataTypes } from './onnx-types.js';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.js';

/** What is written into an `.onnx` file beside the graph. */
export interface OnnxOptions {
  /** Shown by tools as the graph's name. Default "tract". */
  readonly name?: string;
  /** Text stored beside the graph, such as class names. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The values of inputs that are settled, by the input's name: they are written as initializers. Default: none. */
  readonly initializers?: Readonly<Record<string, Tensor>>;
  /** The lengths of a value's shape: numbers, names of open ones, or null for open ones without a name. Default: its shape. */
  readonly dimensions?: (value: Value) => readonly Dimension[];
  /** What is computed before the graph. */
  readonly prelude?: Prelude;
  /**
   * ONNX's numbers of the element types that inputs and outputs have in the file, by their names, where these are others
   * than in the graph: they are cast. Default: those of the graph.
   */
  readonly elementTypes?: ReadonlyMap<string, number>;
}

/**
 * Nodes that make an input of the graph out of what is given under its name. They may be of any shape: their shapes are
 * computed when they run, while a graph's are fixed.
 */
export interface Prelude {
  /** The input. */
  readonly input: string;
  /** The shape of what is given; its elements are of the input's type. */
  readonly shape: readonly Dimension[];
  readonly nodes: readonly PreludeNode[];
  /** The value of the nodes that the graph takes. */
  readonly result: string;
  readonly constants: Readonly<Record<string, Tensor>>;
}

/** A node by the names of its values; its result has one. */
export interface PreludeNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly attributes?: Attributes;
  readonly output: string;
}

/**
 * The graph as an ONNX model. Nodes that no output depends on are left out; the types of all values are written, so
 * that the graph can be read back and looked at with shapes.
 *
 * @throws GraphError when the graph still holds operators that a lowering has to replace, or attributes that ONNX has
 *   no number for
 */
export function toOnnx(graph: Graph, options: OnnxOptions = {}): Uint8Array {
  const { name = 'tract', metadata = {}, initializers = {}, dimensions = shapeOf, prelude } = options;
  const valueInfo = (
    as: string,
    value: Value,
    elementType: number = dataTypes[value.dtype],
  ): ValueInfoProto => typeInfo(as, elementType, dimensions(value));
  /** The type that an input or output is to have, where it is another. */
  const typeAtEdge = (as: string, { dtype }: Value): number | undefined => {
    const wanted = as === prelude?.input ? undefined : options.elementTypes?.get(as);
    return wanted === dataTypes[dtype] ? undefined : wanted;
  };
  const settled = (value: Value): boolean => Object.hasOwn(initializers, value.name);
  const { nodes, constants } = live(graph);
  const unlowered = nodes.find(({ domain }) => domain === TRACT_DOMAIN);
  if (unlowered)
    throw new GraphError(`${unlowered.opType} is not an ONNX operator: lower the graph for an engine first`);
  // What a node computes goes by the name of the output it is; an output that is an input, a constant, or another
  // output too, gets a node of its own.
  const names = new Map<Value, string>();
  const nameOf = (value: Value): string =>
    value.name === prelude?.input && !value.producer ? prelude.result : (names.get(value) ?? value.name);
  if (prelude) checkPrelude(prelude, graph);
  const castNode = (input: string, output: string, to: number) => ({
    ...{ name: `${output}/Cast`, opType: 'Cast', input: [input], output: [output] },
    attribute: [attributeProto('to', int(to))],
  });
  const inputNodes = graph.inputs.flatMap((value) => {
    if (settled(value) || typeAtEdge(value.name, value) === undefined) return [];
    const inside = `${value.name}/${value.dtype}`;
    names.set(value, inside);
    return [castNode(value.name, inside, dataTypes[value.dtype])];
  });
  const outputNodes: MessageInitShape<typeof NodeProtoSchema>[] = [];
  for (const [output, value] of graph.outputs) {
    if (typeAtEdge(output, value) !== undefined) continue;
    if (value.producer && !names.has(value)) names.set(value, output);
    else outputNodes.push({ opType: 'Identity', input: [nameOf(value)], output: [output] });
  }
  for (const [output, value] of graph.outputs) {
    const type = typeAtEdge(output, value);
    if (type !== undefined) outputNodes.push(castNode(nameOf(value), output, type));
  }
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    opsetImport: [
      { domain: '', version: BigInt(OPSET_VERSION) },
      ...[...new Set(nodes.map(({ domain }) => domain))]
        .filter((domain) => domain.startsWith(MICROSOFT_DOMAIN))
        .map((domain) => ({ domain, version: 1n })),
    ],
    producerName: 'tract-ts',
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name,
      input: graph.inputs
        .filter((value) => !settled(value))
        .map((value) =>
          value.name === prelude?.input
            ? typeInfo(value.name, dataTypes[value.dtype], prelude.shape)
            : valueInfo(value.name, value, typeAtEdge(value.name, value)),
        ),
      output: [...graph.outputs].map(([output, value]) =>
        valueInfo(output, value, typeAtEdge(output, value)),
      ),
      initializer: [
        ...graph.inputs.filter(settled).map((value) => tensorProto(value.name, initializers[value.name])),
        ...constants.map((value) => tensorProto(value.name, value.constant!)),
        ...Object.entries(prelude?.constants ?? {}).map(([constant, value]) => tensorProto(constant, value)),
      ],
      valueInfo: [
        ...graph.inputs
          .filter(({ name: input }) => input === prelude?.input)
          .map((value) => valueInfo(nameOf(value), value)),
        ...nodes.flatMap(({ outputs }) =>
          outputs.filter((value) => !names.has(value)).map((value) => valueInfo(value.name, value)),
        ),
      ],
      node: [
        ...inputNodes,
        ...(prelude?.nodes ?? []).map(({ opType, inputs, attributes = {}, output }) => ({
          name: output,
          opType,
          input: [...inputs],
          output: [output],
          attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
        })),
        ...nodes.map((node, index) => ({
          name: `${node.scope}/${node.opType}_${index}`,
          opType: node.opType,
          domain: node.domain,
          input: present(node.inputs).map((input) => (input ? nameOf(input) : '')),
          output: node.outputs.map(nameOf),
          attribute: Object.entries(node.attributes).map(([key, value]) => attributeProto(key, value)),
        })),
        ...outputNodes,
      ],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** @throws GraphError where a name before the graph is one of the graph's */
function checkPrelude({ nodes, constants }: Prelude, graph: Graph): void {
  const { nodes: later, constants: known } = live(graph);
  const taken = new Set([
    ...[...graph.inputs, ...known, ...later.flatMap(({ outputs }) => outputs)].map((value) => value.name),
    ...graph.outputs.keys(),
  ]);
  const twice = [...nodes.map(({ output }) => output), ...Object.keys(constants)].find((each) =>
    taken.has(each),
  );
  if (twice !== undefined) throw new GraphError(`the graph has a value named "${twice}" already`);
}

const shapeOf = ({ shape }: Value): readonly Dimension[] => shape;

/** Inputs up to the last that was not left out. */
function present(inputs: readonly (Value | null)[]): readonly (Value | null)[] {
  return inputs.slice(0, inputs.findLastIndex((input) => input !== null) + 1);
}

function typeInfo(name: string, elemType: number, shape: readonly Dimension[]): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: { elemType, shape: { dim: shape.map(dimension) } },
      },
    },
  });
}

function dimension(length: Dimension) {
  if (length === null) return {};
  return typeof length === 'string'
    ? { value: { case: 'dimParam' as const, value: length } }
    : { value: { case: 'dimValue' as const, value: BigInt(length) } };
}

function bigints(values: Shape): bigint[] {
  return values.map((value) => BigInt(value));
}

function tensorProto(name: string, { dtype, shape, data }: Tensor): TensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return create(TensorProtoSchema, { name, dims: bigints(shape), dataType: dataTypes[dtype], rawData });
}

function attributeProto(name: string, attribute: Attribute): AttributeProto {
  switch (attribute.type) {
    case 'int':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.INT,
        i: integer(name, attribute.value),
      });
    case 'ints':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.INTS,
        ints: attribute.value.map((value) => integer(name, value)),
      });
    case 'float':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.FLOAT,
        f: single(name, attribute.value),
      });
    case 'floats':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.FLOATS,
        floats: attribute.value.map((value) => single(name, value)),
      });
    case 'string':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.STRING,
        s: new TextEncoder().encode(attribute.value),
      });
  }
}

function integer(name: string, value: number): bigint {
  if (!Number.isSafeInteger(value))
    throw new GraphError(`attribute "${name}" must be a whole number within ±2^53, but is ${value}`);
  return BigInt(value);
}

function single(name: string, value: number): number {
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
    throw new GraphError(`attribute "${name}" is ${value}, which is out of float32's range`);
  return value;
}
