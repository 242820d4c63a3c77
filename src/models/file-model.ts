/**
 * A model out of an `.onnx` file of another program: what it computes, with its weights as the values that training
 * begins with. It is a model like any other; nothing that trains it can tell where it came from.
 */
import { type ForeignModel, readForeign } from '../graph/import/foreign-model.js';
import { importGraph } from '../graph/import/import-graph.js';
import type { ForeignBatchNorm, ImportHooks, ImportedGraph } from '../graph/import/import-options.js';
import type { ForeignValue } from '../graph/import/foreign-values.js';
import type { Reference } from '../graph/import/batch-size.js';
import { Graph, GraphError, type Node, type Value, describe } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { findHeads } from '../nn/head.js';
import { type DrawnInitializer, constant } from '../nn/init.js';
import { moveStatistics } from '../nn/layers.js';
import { defineModel } from '../nn/model.js';
import type { Scope } from '../nn/scope.js';
import { OptionError } from '../tensor/option-error.js';
import { quote } from '../tensor/shorten.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Resized, newHeadsOf, resizable, resized } from './file-head.js';
import { resizedIn, standardizedIn } from './file-standardization.js';
import type { FileFacts, FileModel, FileModelOptions, FileModelSource } from './file-model-options.js';

/**
 * Makes a model of the bytes of an `.onnx` file.
 *
 * @throws GraphError for a file that is damaged, and naming everything in it that cannot be read
 * @throws OptionError for a number of classes, a head (HeadError) or an output that cannot be
 */
export function modelFromOnnx(bytes: Uint8Array, options: FileModelOptions = {}): FileModel {
  return modelFromForeign(readForeign(bytes, options.externalData), { ...options, bytes });
}

/** The same with a file that was decoded already. */
export function modelFromForeign(
  file: ForeignModel,
  options: FileModelOptions & FileModelSource = {},
): FileModel {
  const { name = 'onnx', config = {} } = options;
  const given = imageInput(file);
  // Pictures of any size are not what a model is trained on; it begins behind their resizing.
  const behind = resizedIn(file, given);
  const input = behind ? { ...given, shape: behind.shape } : given;
  const layout = layoutOf(input);
  const imageShape = imageShapeOf(input, layout, options);
  const { value: pixels, standardization } = standardizedIn(file, behind ?? input, imageShape[0], layout);
  const output = outputOf(file, options.output);
  const { logits, activation } = logitsBefore(file, output);
  const constants = (options.constants ?? []).map(matcher);
  const idle = new Set<string>();
  const origins = new WeakMap<Node, string>();
  const inFile = new Map(
    [...file.names].map(([own, { name: given, transposed }]) => [given, { name: own, transposed }]),
  );
  const isConstant = (weight: string): boolean =>
    idle.has(weight) ||
    [weight, inFile.get(weight)?.name].some(
      (known) => known !== undefined && constants.some((matches) => matches(known)),
    );
  let batchSize = typeof input.shape?.[0] === 'number' ? input.shape[0] : undefined;
  const read = (
    images: Value,
    hooks: ImportHooks,
    outputs: readonly string[],
    reference?: Reference,
  ): ImportedGraph => {
    const seen = layout === 'NHWC' ? op.transpose(images, [0, 2, 3, 1]) : images;
    return importGraph(file, {
      ...hooks,
      graph: images.graph,
      inputs: new Map([[pixels, seen]]),
      outputs,
      origins,
      constants: isConstant,
      ...(reference && { reference }),
      ...(batchSize !== undefined && { fileBatchSize: batchSize }),
    });
  };
  const build = (
    images: Value,
    hooks: ImportHooks,
    reference?: Reference,
  ): { readonly imported: ImportedGraph; readonly result: Value } => {
    const imported = read(images, hooks, [logits], reference);
    return { imported, result: asMatrix(imported.outputs.get(logits)!) };
  };
  const plainImages = (graph: Graph, images: number): Value =>
    graph.input('images', 'float32', [images, ...imageShape]);
  const trial = (hooks: (graph: Graph) => ImportHooks) => {
    const attempt = (images: number) => {
      const graph = new Graph();
      const x = plainImages(graph, images);
      return { graph, images: x, ...build(x, hooks(graph)) };
    };
    if (batchSize !== undefined) return attempt(batchSize);
    // Two images tell axes of one apart from the one that images are in; some files hold that they are for one.
    try {
      return attempt(2);
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      batchSize = 1;
      return attempt(1);
    }
  };
  let first = trial((graph) => plainHooks(graph));
  const { images: seen } = first;
  const unreached = withoutEffect(first.graph, first.result).filter((value) => value !== seen);
  for (const { name: weight } of unreached) idle.add(weight);
  if (idle.size > 0) first = trial((graph) => plainHooks(graph));
  const [, fileClasses] = first.result.shape;
  const heads = findHeads(first.result, first.graph);
  const { classes = fileClasses } = options;
  if (!Number.isSafeInteger(classes) || classes < 1)
    throw new OptionError(`classes must be a positive whole number, not ${classes}`);
  const newHeads = newHeadsOf(heads, [options.head ?? []].flat(), classes, fileClasses, inFile);
  const changed = resized(newHeads, classes);
  const reference =
    newHeads.length > 0
      ? resizable(() => trial((graph) => plainHooks(graph, changed)), classes, fileClasses).imported.reference
      : first.imported.reference;
  const hooksOf = (scope: Scope): ImportHooks => hooksIn(scope, changed, options.batchNorm ?? 'keep');
  const model = defineModel(
    { name, config, imageShape, classes },
    (scope, images) => build(images, hooksOf(scope), reference).result,
  );
  const readOutputs: FileFacts['readOutputs'] = (names) => {
    const graph = new Graph();
    const trialImages = plainImages(graph, batchSize ?? 2);
    const own = read(trialImages, plainHooks(graph, changed), names).reference;
    return (scope, images) => read(images, hooksOf(scope), names, own).outputs;
  };
  return {
    ...model,
    file: {
      producer: file.producer,
      operatorSet: file.operatorSet,
      input,
      standardization,
      layout,
      batchSize,
      output,
      outputs: file.outputs,
      elementTypes: elementTypesIn(file),
      readOutputs,
      activation,
      heads,
      newHeads,
      fileClasses,
      operators: first.imported.operators,
      folded: first.imported.folded,
      users: usersIn(file),
      nodeName: (node) => origins.get(node),
      inFile,
      unreached: unreached.map(({ name: weight, shape }) => ({ name: weight, shape })),
      classNames: classNamesIn(file),
      bytes: options.bytes,
    },
  };
}

/** The names of the nodes that take initializers: what has no name of its own is found in the file by its node. */
function usersIn({ graph, initializers, names }: ForeignModel): Map<string, string> {
  return new Map(
    graph.node.flatMap(({ name, input }) =>
      name === ''
        ? []
        : input.flatMap((tensor) =>
            initializers.has(tensor) ? [[names.get(tensor)?.name ?? tensor, name] as const] : [],
          ),
    ),
  );
}

function elementTypesIn({ graph }: ForeignModel): Map<string, number> {
  return new Map(
    [...graph.input, ...graph.output].flatMap(({ name, type }) =>
      type?.value.case === 'tensorType' ? [[name, type.value.value.elemType] as const] : [],
    ),
  );
}

/** The input that holds the images: the only one there is. */
function imageInput({ inputs }: ForeignModel): ForeignValue {
  const lengthOf = (length: number | string | null): number | string =>
    typeof length === 'string' ? quote(length).slice(1, -1) : (length ?? '?');
  const described = (): string =>
    inputs
      .slice(0, 10)
      .map(
        ({ name, dtype, shape }) =>
          `${quote(name)} ${dtype} [${shape ? shape.slice(0, 10).map(lengthOf).join(', ') : '?'}]`,
      )
      .join(', ');
  const images = inputs.filter(
    ({ shape, dtype }) => shape?.length === 4 && ['float32', 'float64', 'uint8'].includes(dtype),
  );
  if (images.length !== 1 || inputs.length !== 1)
    throw new GraphError(
      `a model of images has one input, of numbers and with four axes; this one has ${inputs.length === 0 ? 'none' : described()}`,
    );
  return images[0];
}

/** Channels are few: 1, 3 or 4. */
function layoutOf({ shape }: ForeignValue): 'NCHW' | 'NHWC' {
  const few = (length: number | string | null): boolean =>
    typeof length === 'number' && [1, 2, 3, 4].includes(length);
  const [, second, , last] = shape!;
  return !few(second) && few(last) ? 'NHWC' : 'NCHW';
}

function imageShapeOf(
  { shape, name }: ForeignValue,
  layout: 'NCHW' | 'NHWC',
  { imageSize = 224, channels = 3 }: FileModelOptions,
): readonly [number, number, number] {
  const axes = layout === 'NCHW' ? [1, 2, 3] : [3, 1, 2];
  const given = typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize;
  const open = [channels, ...given];
  const found = axes.map((axis, i) => {
    const length = shape![axis];
    return typeof length === 'number' ? length : open[i];
  });
  if (!found.every((length) => Number.isSafeInteger(length) && length > 0 && length <= 65_536))
    throw new OptionError(`${quote(name)}: images of [${found.join(', ')}] are none`);
  return found as [number, number, number];
}

function outputOf({ outputs }: ForeignModel, wanted: string | undefined): ForeignValue {
  const names = (): string =>
    outputs
      .slice(0, 20)
      .map(({ name }) => quote(name))
      .join(', ');
  if (wanted !== undefined) {
    const found = outputs.find(({ name }) => name === wanted);
    if (!found) throw new OptionError(`the model has no output ${quote(wanted)}; it has ${names()}`);
    return found;
  }
  const floats = outputs.filter(({ dtype }) => dtype === 'float32' || dtype === 'float64');
  const matrices = floats.filter(({ shape }) => shape?.length === 2);
  const found = (matrices.length > 0 ? matrices : floats).at(0);
  if (!found)
    throw new GraphError(
      `the model has no output of floating-point numbers; it has ${outputs.length === 0 ? 'none' : names()}`,
    );
  return found;
}

/** The value that a loss is computed of: before the softmax, or the sigmoid, that many files end in. */
function logitsBefore(
  { graph, initializers }: ForeignModel,
  { name }: ForeignValue,
): { readonly logits: string; readonly activation: FileFacts['activation'] } {
  const producers = new Map(
    graph.node.flatMap((node) => node.output.map((output) => [output, node] as const)),
  );
  let logits = name;
  for (let step = 0; step < 10; step++) {
    const node = producers.get(logits);
    const input = node?.input.at(0);
    if (!node || input === undefined || node.domain !== '' || initializers.has(input)) break;
    if (node.opType === 'Softmax' || node.opType === 'LogSoftmax' || node.opType === 'Sigmoid')
      return { logits: input, activation: node.opType };
    if (node.opType !== 'Identity') break;
    logits = input;
  }
  return { logits: name, activation: undefined };
}

/** Logits of one pixel, as fully convolutional classifiers give them, are logits. */
function asMatrix(value: Value): Value {
  const { shape } = value;
  if (shape.length > 2 && shape.slice(2).every((length) => length === 1))
    return op.reshape(value, shape.slice(0, 2));
  if (shape.length !== 2 || value.dtype !== 'float32')
    throw new GraphError(
      `the output is ${describe(value)}, but logits of a classifier are float32 [N, classes]; name another output if there is one`,
    );
  return value;
}

const fromFile =
  (found: Tensor): DrawnInitializer =>
  () =>
    (found.data as Float32Array).slice();

/** A graph for looking at a file: weights are inputs, and everything is as in inference. */
function plainHooks(graph: Graph, changed: Resized = new Map()): ImportHooks {
  const buffer = ({ name, tensor: { shape } }: ForeignBatchNorm['mean']): Value =>
    graph.inputs.find((input) => input.name === name) ?? graph.input(name, 'float32', shape);
  return {
    weight: (name, { shape }) => graph.input(name, 'float32', changed.get(name)?.shape ?? shape),
    batchNorm: ({ x, scale, bias, mean, variance, epsilon }) =>
      op.batchNormalization(x, scale, bias, buffer(mean), buffer(variance), epsilon),
    dropout: (x) => x,
  };
}

/** Inputs that do not reach a result by real numbers: they choose, or count, and have no gradient. */
function withoutEffect(graph: Graph, result: Value): Value[] {
  const reaching = new Set<Value>([result]);
  for (const { inputs, outputs } of graph.nodes.toReversed()) {
    if (!outputs.some((output) => reaching.has(output))) continue;
    for (const input of inputs) if (input?.dtype === 'float32') reaching.add(input);
  }
  return graph.inputs.filter((input) => !reaching.has(input));
}

/** Numbers of batch normalisation that is put where an exporter had folded one. */
const INSERTED = { epsilon: 1e-5, momentum: 0.1 };

/** What a file declares in a model's scope. */
function hooksIn(scope: Scope, changed: Resized, batchNorm: 'keep' | 'insert'): ImportHooks {
  const buffers = new Map<string, Value>();
  const buffer = ({ name, tensor: found }: ForeignBatchNorm['mean']): Value => {
    const known = buffers.get(name);
    if (known) return known;
    const value = scope.buffer(name, found.shape, fromFile(found));
    buffers.set(name, value);
    return value;
  };
  const { training } = scope;
  return {
    weight(name, found, use) {
      const other = changed.get(name);
      return scope.parameter(name, other?.shape ?? found.shape, other?.initializer ?? fromFile(found), use);
    },
    batchNorm({ x, scale, bias, mean, variance, epsilon, momentum }) {
      const [runningMean, runningVariance] = [buffer(mean), buffer(variance)];
      if (!scope.usesBatchStatistics([scale, bias]))
        return op.batchNormalization(x, scale, bias, runningMean, runningVariance, epsilon);
      const { y, next } = moveStatistics(x, scale, bias, runningMean, runningVariance, {
        epsilon,
        momentum: 1 - momentum,
      });
      scope.update(mean.name, next.mean);
      scope.update(variance.name, next.variance);
      return y;
    },
    dropout(x, ratio, name) {
      if (!training || ratio === 0) return x;
      const kept = op.cast(op.greaterOrEqual(scope.uniform(name, x.shape), ratio), 'float32');
      return op.mul(x, op.mul(kept, 1 / (1 - ratio)));
    },
    ...(training && {
      uniform(shape, low, high, name) {
        return op.add(op.mul(scope.uniform(name, shape), high - low), low);
      },
    }),
    ...(batchNorm === 'insert' && {
      convolution: (z, weight, hasBias) => (hasBias ? insertedBatchNorm(scope, z, weight) : z),
    }),
  };
}

/**
 * Batch normalisation that leaves what it gets as it is in inference: mean 0, variance 1, and a scale that undoes
 * the epsilon.
 */
function insertedBatchNorm(scope: Scope, z: Value, weight: string): Value {
  const channels = [z.shape[1]];
  const { epsilon, momentum } = INSERTED;
  const at = (part: string): string => `${weight}.bn.${part}`;
  const scale = scope.parameter(at('weight'), channels, constant(Math.sqrt(1 + epsilon)), 'norm');
  const bias = scope.parameter(at('bias'), channels, constant(0), 'norm');
  const [mean, variance] = [
    scope.buffer(at('running_mean'), channels, 0),
    scope.buffer(at('running_var'), channels, 1),
  ];
  if (!scope.usesBatchStatistics([scale, bias]))
    return op.batchNormalization(z, scale, bias, mean, variance, epsilon);
  const { y, next } = moveStatistics(z, scale, bias, mean, variance, { epsilon, momentum });
  scope.update(at('running_mean'), next.mean);
  scope.update(at('running_var'), next.variance);
  return y;
}

/** A name, or a pattern in which `*` stands for any text. */
function matcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return (name) => name === pattern;
  const [first] = parts;
  const last = parts.at(-1)!;
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
      return false;
    let at = first.length;
    for (const part of parts.slice(1, -1)) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}

/** Class names that a file's metadata has, as `tract export` writes them. */
function classNamesIn({ metadata }: ForeignModel): readonly string[] | undefined {
  if (!Object.hasOwn(metadata, 'class_names')) return undefined;
  try {
    const names: unknown = JSON.parse(metadata.class_names);
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined;
  } catch {
    return undefined;
  }
}
