/** Small `.onnx` files as other programs write them, for tests and fuzzing. */
import { create, toBinary } from '@bufbuild/protobuf';
import { dataTypes } from '../graph/onnx-types.js';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../graph/onnx_pb.js';
import type { DType, Tensor } from '../tensor/tensor.js';

type AttributeValue =
  number | string | readonly number[] | TensorProto | GraphProto | { readonly ref: string };

/** Whole numbers are ints; a float is given as `float(…)`. */
export class Float {
  constructor(readonly value: number) {}
}

/** An attribute that is a float. */
export const float = (value: number): Float => new Float(value);

/** One node: `node('Conv', ['x', 'w'], ['y'], { pads: [1, 1, 1, 1] })`. */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue | Float>> = {},
  domain = '',
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    domain,
    name: `${opType} of ${output[0] ?? ''}`,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([name, value]) =>
      create(AttributeProtoSchema, { name, ...attributeOf(value) }),
    ),
  });
}

function attributeOf(value: AttributeValue | Float) {
  if (value instanceof Float) return { type: AttributeType.FLOAT, f: value.value };
  if (typeof value === 'number') return { type: AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string') return { type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (Array.isArray(value))
    return { type: AttributeType.INTS, ints: (value as number[]).map((element) => BigInt(element)) };
  if ('ref' in (value as object))
    return { type: AttributeType.INT, refAttrName: (value as { ref: string }).ref };
  const message = value as TensorProto | GraphProto;
  return message.$typeName === 'onnx.GraphProto'
    ? { type: AttributeType.GRAPH, g: message }
    : { type: AttributeType.TENSOR, t: message };
}

/** A tensor by its name. */
export function tensorProto(name: string, { dtype, shape, data }: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: dataTypes[dtype],
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  });
}

/** An input or output; texts are names of open lengths. Without a shape its type is left to whoever reads the file. */
export interface FileValue {
  readonly name: string;
  readonly shape?: readonly (number | string)[];
  readonly dtype?: DType;
}

export interface OnnxFile {
  /** Default 20. */
  readonly operatorSet?: number;
  readonly inputs: readonly FileValue[];
  readonly outputs: readonly FileValue[];
  readonly nodes: readonly NodeProto[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
  /** Tensors as the file is to hold them. */
  readonly tensors?: readonly TensorProto[];
  readonly functions?: readonly FunctionProto[];
  readonly metadata?: Readonly<Record<string, string>>;
}

const valueInfo = ({ name, shape, dtype = 'float32' }: FileValue) =>
  create(ValueInfoProtoSchema, {
    name,
    ...(shape && {
      type: {
        value: {
          case: 'tensorType',
          value: {
            elemType: dataTypes[dtype],
            shape: {
              dim: shape.map((length) =>
                typeof length === 'string'
                  ? { value: { case: 'dimParam' as const, value: length } }
                  : { value: { case: 'dimValue' as const, value: BigInt(length) } },
              ),
            },
          },
        },
      },
    }),
  });

/** A graph, for the branches of If. */
export function subgraph(nodes: readonly NodeProto[], outputs: readonly string[]): GraphProto {
  return create(GraphProtoSchema, {
    name: 'branch',
    node: [...nodes],
    output: outputs.map((name) => valueInfo({ name, shape: ['?', '??'] })),
  });
}

/** A function of the file, in the domain `local`. */
export function localFunction(
  name: string,
  input: readonly string[],
  output: readonly string[],
  nodes: readonly NodeProto[],
  attribute: readonly string[] = [],
): FunctionProto {
  return create(FunctionProtoSchema, {
    name,
    domain: 'local',
    input: [...input],
    output: [...output],
    attribute: [...attribute],
    node: [...nodes],
    opsetImport: [{ domain: '', version: 20n }],
  });
}

/** The bytes of a file. */
export function onnxFile(file: OnnxFile): Uint8Array {
  const { operatorSet = 20, functions = [], metadata = {} } = file;
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 9n,
      producerName: 'a test',
      opsetImport: [
        { domain: '', version: BigInt(operatorSet) },
        ...(functions.length > 0 ? [{ domain: 'local', version: 1n }] : []),
      ],
      functions: [...functions],
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      graph: {
        name: 'graph',
        input: file.inputs.map(valueInfo),
        output: file.outputs.map(valueInfo),
        node: [...file.nodes],
        initializer: [
          ...Object.entries(file.initializers ?? {}).map(([name, value]) => tensorProto(name, value)),
          ...(file.tensors ?? []),
        ],
      },
    }),
  );
}
