/**
 * An `.onnx` file of another program, decoded: its nodes as far as its outputs need them, its tensors, its functions.
 * Nothing of it is believed yet; `importGraph` adds it to a graph.
 */
import { quote, shorten } from '../../tensor/shorten.js';
import type { Tensor } from '../../tensor/tensor.js';
import { toBinary } from '@bufbuild/protobuf';
import { decodeModel } from '../decode-model.js';
import { GraphError } from '../graph.js';
import {
  TensorProto_DataLocation as DataLocation,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type ValueInfoProto,
} from '../onnx_pb.js';
import { elementTypeName, externalBytes, readAs, readTensor } from './file-tensor.js';
import type { ExternalData, ForeignValue, GivenName } from './foreign-values.js';
import { WEIGHT_NAMES, namesIn, weightNames } from './weight-names.js';

/** The operator sets of ONNX that are read; the newest is the newest that ONNX Runtime takes. */
const OLDEST_OPERATOR_SET = 7;
const NEWEST_OPERATOR_SET = 26;

/** The longest name of a value in a file. */
const MAXIMUM_NAME = 1000;

/** A file, decoded. */
export interface ForeignModel {
  /** What wrote it, such as `pytorch 2.6.0`. */
  readonly producer: string;
  readonly operatorSet: number;
  readonly graph: GraphProto;
  readonly functions: ReadonlyMap<string, FunctionProto>;
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** What initializers are called that have a number for a name in the file, as far as their nodes tell. */
  readonly names: ReadonlyMap<string, GivenName>;
  /** Inputs that are no initializers. */
  readonly inputs: readonly ForeignValue[];
  readonly outputs: readonly ForeignValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** An operator's name with its domain: what functions are found by. */
export function functionKey({ domain, opType }: Pick<NodeProto, 'domain' | 'opType'>): string {
  return JSON.stringify([domain, opType]);
}

/** What a node is called in its file: its name, or where it has none those of its results. */
export function labelOf({ name, output, opType }: Pick<NodeProto, 'name' | 'output' | 'opType'>): string {
  return name || shorten(output.filter((result) => result !== '').join(', '), MAXIMUM_NAME) || opType;
}

/** ONNX's own domain goes by two names. */
export const plainDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

/** The version of ONNX's operator set among those that a file or a function imports. */
export function operatorSetOf(imports: ModelProto['opsetImport'], what: string): number {
  const version = Number(imports.find(({ domain }) => plainDomain(domain) === '')?.version ?? 0n);
  if (!(version >= OLDEST_OPERATOR_SET && version <= NEWEST_OPERATOR_SET))
    throw new GraphError(
      `${what} uses operator set ${version === 0 ? 'none' : version} of ONNX; those from ${OLDEST_OPERATOR_SET} to ${NEWEST_OPERATOR_SET} are read`,
    );
  return version;
}

/**
 * Decodes a file.
 *
 * @param external gives the bytes of files beside it, where it keeps tensors there
 * @throws GraphError for what is no ONNX model, an operator set that is not read, or a tensor that is damaged
 */
export function readForeign(bytes: Uint8Array, external?: ExternalData): ForeignModel {
  const model = decodeModel(bytes);
  const { graph } = model;
  if (!graph) throw new GraphError('not an ONNX model: it holds no graph');
  if (graph.sparseInitializer.length > 0)
    throw new GraphError('the model holds sparse tensors, which are not read');
  const operatorSet = operatorSetOf(model.opsetImport, 'the model');
  const initializers = new Map<string, Tensor>();
  for (const proto of graph.initializer) {
    checkName(proto.name);
    if (initializers.has(proto.name))
      throw new GraphError(`the model has two values named ${quote(proto.name)}`);
    initializers.set(proto.name, readTensor(proto, `tensor ${quote(proto.name)}`, external));
  }
  const functions = new Map<string, FunctionProto>();
  for (const one of model.functions)
    functions.set(functionKey({ domain: one.domain, opType: one.name }), one);
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
  return {
    producer: shorten(`${model.producerName} ${model.producerVersion}`.trim()),
    operatorSet,
    graph,
    functions,
    initializers,
    names: namesIn(metadata[WEIGHT_NAMES], initializers) ?? weightNames(graph, initializers),
    inputs: graph.input.filter(({ name }) => !initializers.has(name)).map(valueOf),
    outputs: graph.output.map(valueOf),
    metadata,
  };
}

/** The bytes of a file with all tensors inside; the given ones where it keeps none elsewhere. */
export function selfContained(bytes: Uint8Array, external?: ExternalData): Uint8Array {
  const model = decodeModel(bytes);
  const outside = (model.graph?.initializer ?? []).filter(
    ({ dataLocation }) => dataLocation === DataLocation.EXTERNAL,
  );
  if (outside.length === 0) return bytes;
  for (const proto of outside) {
    const what = `tensor ${quote(proto.name)}`;
    proto.rawData = externalBytes(proto, what, external);
    proto.dataLocation = DataLocation.DEFAULT;
    proto.externalData = [];
  }
  return toBinary(ModelProtoSchema, model);
}

function checkName(name: string): void {
  if (name.length > MAXIMUM_NAME)
    throw new GraphError(
      `the name ${quote(name)} has ${name.length} characters, and ${MAXIMUM_NAME} is the limit`,
    );
}

/** @throws GraphError for what is no tensor, or one of elements that are not read */
export function valueOf({ name, type }: ValueInfoProto): ForeignValue {
  checkName(name);
  const tensorType = type?.value.case === 'tensorType' ? type.value.value : undefined;
  if (!tensorType) throw new GraphError(`${quote(name)} is no tensor`);
  const dtype = readAs(tensorType.elemType);
  if (!dtype)
    throw new GraphError(
      `${quote(name)} holds ${elementTypeName(tensorType.elemType)} elements, which are not read`,
    );
  const shape = tensorType.shape?.dim.map(({ value }) => {
    if (value.case === 'dimParam') return value.value === '' ? null : value.value;
    // Some exporters write 0 or -1 where a length is open.
    return value.case === 'dimValue' && value.value > 0n ? Number(value.value) : null;
  });
  return { name, dtype, shape };
}

/** How often each name is used, and the last node that does so. */
export type Uses = ReadonlyMap<string, { readonly count: number; readonly user?: NodeProto }>;

/**
 * The nodes that values need, in their order, and what is used of them how often.
 *
 * @param given values that are there without a node
 */
export function neededNodes(
  nodes: readonly NodeProto[],
  wanted: readonly string[],
  given: ReadonlyMap<string, unknown> = new Map(),
): { readonly nodes: readonly NodeProto[]; readonly uses: Uses } {
  const uses = new Map<string, { count: number; user?: NodeProto }>();
  for (const name of wanted) uses.set(name, { count: (uses.get(name)?.count ?? 0) + 1 });
  const found: NodeProto[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.output.some((name) => name !== '' && uses.has(name) && !given.has(name))) continue;
    found.push(node);
    for (const name of [...node.input, ...innerNames(node)]) {
      if (name !== '') uses.set(name, { count: (uses.get(name)?.count ?? 0) + 1, user: node });
    }
  }
  return { nodes: found.reverse(), uses };
}

/** What the graphs inside a node (the branches of If) may take from outside. */
function innerNames({ attribute }: NodeProto, depth = 0): string[] {
  if (depth > 20) return [];
  return attribute.flatMap(({ g, graphs }) =>
    [...(g ? [g] : []), ...graphs].flatMap((graph) => [
      ...graph.output.map(({ name }) => name),
      ...graph.node.flatMap((node) => [...node.input, ...innerNames(node, depth + 1)]),
    ]),
  );
}
