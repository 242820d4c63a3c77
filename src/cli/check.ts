/** `tract check`: what is in an `.onnx` file, and whether it can be trained. */
import { withoutGradient } from '../autodiff/differentiable.js';
import { portable } from '../engine/lowering/portable.js';
import { peakBytes } from '../engine/step-memory.js';
import { GraphError, type Node, type Value, operatorName } from '../graph/graph.js';
import type { ForeignValue } from '../graph/import/foreign-values.js';
import { ImportError } from '../graph/import/import-error.js';
import { rewrite } from '../graph/rewrite.js';
import { HeadError } from '../models/file-head.js';
import type { FileModel, LoadModelOptions } from '../models/file-model-options.js';
import { traceAlone } from '../nn/model.js';
import { multiplyAdds } from '../nn/multiply-adds.js';
import { sgd } from '../optim/sgd.js';
import { elementCount } from '../tensor/tensor.js';
import { FirstLayerError, firstLayer } from '../tract/first-layer.js';
import { loadModel } from '../train/load-model.js';
import { trainingGraph } from '../train/training-graph.js';
import { short } from './format.js';
import { print, printJson, printTable } from './terminal.js';

export interface CheckFlags {
  readonly classes?: number;
  readonly head?: readonly string[];
  readonly batchNorm?: 'keep' | 'insert';
  readonly imageSize?: number;
  readonly output?: string;
  readonly json?: boolean;
}

/** Batch sizes whose memory is told. */
const BATCHES = [1, 32, 128] as const;

/** What of a file is not trainable. */
interface Obstacle {
  readonly operator: string;
  readonly nodes: readonly string[];
  readonly reason: string;
}

/** Looks at a file; returns the exit code: 0 if it can be trained. */
export async function check(path: string, flags: CheckFlags): Promise<number> {
  const { classes, head, batchNorm, imageSize, output } = flags;
  const asItIs: LoadModelOptions = {
    ...(batchNorm !== undefined && { batchNorm }),
    ...(imageSize !== undefined && { imageSize }),
    ...(output !== undefined && { output }),
  };
  const options: LoadModelOptions = {
    ...asItIs,
    ...(classes !== undefined && { classes }),
    ...(head !== undefined && { head }),
  };
  let model: FileModel;
  let impossible: string | undefined;
  try {
    model = await loadModel(path, options);
  } catch (error) {
    if (error instanceof ImportError) {
      tellUnreadable(path, error, flags.json === true);
      return 1;
    }
    if (!(error instanceof HeadError) || classes === undefined) throw error;
    // What is in the file can be told all the same.
    impossible = error.message;
    model = await loadModel(path, asItIs);
  }
  const report = reportOf(path, model, impossible);
  if (flags.json) printJson({ event: 'check', ...report });
  else tell(report);
  return report.trainable ? 0 : 1;
}

/** What can be told of a file that cannot be read in full. */
function tellUnreadable(path: string, { problems, found }: ImportError, json: boolean): void {
  const { inputs, outputs, initializers, operators, folded, behind, ends } = found;
  // The first input holds the images.
  const weights = ends.at(0)?.graph.inputs.slice(1) ?? [];
  const report = {
    file: path,
    trainable: false,
    producer: found.producer,
    operatorSet: found.operatorSet,
    inputs,
    outputs,
    initializers,
    operators: sorted(operators),
    foldedNodes: folded,
    nodesBehind: behind,
    unsupported: problems.map(({ reason = UNKNOWN, ...rest }) => ({ ...rest, reason })),
    withoutGradient: obstaclesOf(ends, weights, found.nodeName),
  };
  if (json) {
    printJson({ event: 'check', ...report });
    return;
  }
  print(
    `${path} cannot be trained: it holds what tract-ts does not read.`,
    fromText(report),
    ...inputs.map((value) => `  input      ${valueText(value)}`),
    ...outputs.map((value) => `  output     ${valueText(value)}`),
    `  weights    ${short(initializers.elements)} numbers in ${initializers.tensors} initializers`,
  );
  tellObstacles([...report.unsupported, ...report.withoutGradient]);
  tellOperators(report);
  if (behind > 0)
    print(
      `${behind} nodes come behind what is not read: their operators are known, but not whether they are read in this form.`,
    );
}

const UNKNOWN = 'an operator that is not known';

const valueText = ({ name, dtype, shape }: ForeignValue): string =>
  `${name}: ${dtype} [${shape ? shape.map((length) => length ?? '?').join(', ') : 'any shape'}]`;

type Report = ReturnType<typeof reportOf>;

function reportOf(path: string, model: FileModel, impossible: string | undefined) {
  const { file } = model;
  const { parameters, buffers, graph, logits, images } = traceAlone(model, 1, true);
  const values = [...parameters.values()].map(({ value }) => value);
  // The backward pass is appended to the graph.
  const forward = graph.nodes.slice();
  const obstacles = obstaclesOf([logits], values, file.nodeName);
  const memory = obstacles.length === 0 ? stepMemory(model) : { refused: undefined };
  if (memory.refused !== undefined)
    obstacles.push({ operator: 'the step', nodes: [], reason: memory.refused });
  const inference = traceAlone(model, 1, false);
  const count = (list: Iterable<readonly number[]>): number =>
    [...list].reduce((sum, shape) => sum + elementCount(shape), 0);
  const constants = forward.flatMap(({ inputs }) =>
    inputs.flatMap((input) => (input?.constant ? [input] : [])),
  );
  return {
    file: path,
    trainable: obstacles.length === 0 && impossible === undefined,
    producer: file.producer,
    operatorSet: file.operatorSet,
    input: { name: file.input.name, layout: file.layout, shape: ['N', ...model.imageShape] },
    fileBatchSize: file.batchSize ?? null,
    output: { name: file.output.name, classes: file.fileClasses },
    activation: file.activation ?? null,
    classNames: file.classNames ?? null,
    heads: file.heads.map(({ weight }) => weight),
    newHead:
      file.newHeads.length > 0
        ? { weights: file.newHeads.map(({ weight }) => weight), classes: model.classes }
        : null,
    /** Why it cannot be of the classes that were asked for. */
    impossibleClasses: impossible ?? null,
    operators: sorted(file.operators),
    foldedNodes: file.folded,
    unsupported: obstacles,
    parameters: {
      tensors: parameters.size,
      elements: count(values.map(({ shape }) => shape)),
    },
    buffers: {
      tensors: buffers.size,
      elements: count([...buffers.values()].map(({ value }) => value.shape)),
    },
    constants: { elements: count([...new Set(constants)].map(({ shape }) => shape)) },
    // Single numbers are settings.
    untrained: file.unreached.flatMap(({ name, shape }) =>
      elementCount(shape) > 1 ? [{ name, shape: [...shape] }] : [],
    ),
    // What the file has a number for.
    namesInFile: Object.fromEntries([...file.inFile].map(([name, own]) => [name, own.name])),
    tract: tractLayer(file.users, images, forward, parameters),
    multiplyAdds: multiplyAdds(inference.graph.nodes),
    stepMemory: memory.bytes ?? null,
  };
}

interface TractLayer {
  readonly layer: string;
  readonly weight: string;
  readonly shape: readonly number[];
  readonly operator: string;
  /** The name of its node in the file. */
  readonly node: string | null;
}

/** The layer that TrAct takes, or why it takes none by itself. */
function tractLayer(
  users: ReadonlyMap<string, string>,
  ...given: Parameters<typeof firstLayer>
): TractLayer | { readonly reason: string } {
  try {
    const { layer, weightName, node } = firstLayer(...given);
    const operator = node.opType;
    return {
      ...{ layer, weight: weightName, shape: node.inputs[1]!.shape, operator },
      node: users.get(weightName) ?? null,
    };
  } catch (error) {
    if (!(error instanceof FirstLayerError)) throw error;
    return { reason: `${error.message}${error.canBeNamed ? ' (--tract-layer)' : ''}` };
  }
}

/** Bytes of a step of SGD with momentum, by the number of images; or why there is no such step. */
function stepMemory(model: FileModel): {
  readonly bytes?: Readonly<Record<string, number>>;
  readonly refused?: string;
} {
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
  try {
    const bytes = BATCHES.map((batchSize) => [
      String(batchSize),
      peakBytes(rewrite(trainingGraph(model, { batchSize, optimizer }).graph, portable)),
    ]);
    return { bytes: Object.fromEntries(bytes) as Record<string, number> };
  } catch (error) {
    if (error instanceof GraphError) return { refused: error.message };
    throw error;
  }
}

/** What passes no gradient on between weights and results, operator by operator. */
function obstaclesOf(
  results: readonly Value[],
  weights: readonly Value[],
  nodeName: (node: Node) => string | undefined,
): Obstacle[] {
  const found = new Map<string, Obstacle & { readonly nodes: string[] }>();
  for (const { node, reason } of withoutGradient(results, weights)) {
    const operator = operatorName(node);
    const key = JSON.stringify([operator, reason]);
    const obstacle = found.get(key) ?? { operator, reason, nodes: [] };
    found.set(key, obstacle);
    const name = nodeName(node) ?? node.outputs[0].name;
    if (!obstacle.nodes.includes(name)) obstacle.nodes.push(name);
  }
  return [...found.values()];
}

const sorted = (operators: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...operators].sort(([a], [b]) => (a < b ? -1 : 1)));

function tell(report: Report): void {
  const { input, output, parameters, buffers, tract, stepMemory: memory } = report;
  const activation = report.activation === null ? '' : `, before a ${report.activation}`;
  print(
    `${report.file}: ${report.trainable ? 'can be trained' : 'cannot be trained'}`,
    fromText(report),
    `  input      ${input.name}: [${input.shape.join(', ')}]${input.layout === 'NHWC' ? ', channels last in the file' : ''}${report.fileBatchSize === null ? '' : `; the file is for ${report.fileBatchSize} at once, which is changed`}`,
    `  output     ${output.name}: ${output.classes} classes${activation}`,
    ...(report.activation === 'Sigmoid' ? [SIGMOID] : []),
    `  head       ${headText(report)}`,
    `  weights    ${short(parameters.elements)} in ${parameters.tensors} parameters${namedText(report)}; ${short(buffers.elements)} in ${buffers.tensors} running statistics; ${short(report.constants.elements)} constants`,
    ...(report.untrained.length > 0 ? [untrainedText(report)] : []),
    `  arithmetic ${short(report.multiplyAdds)} multiply-adds an image`,
    `  memory     ${memory ? `about ${BATCHES.map((batch) => `${megabytes(memory[String(batch)])} at batch ${batch}`).join(', ')}, for a step of SGD with momentum` : 'not known'}`,
    `  TrAct      ${'layer' in tract ? layerText(tract, report) : tract.reason}`,
  );
  tellObstacles(report.unsupported);
  tellOperators(report);
}

const fromText = ({ producer, operatorSet }: Pick<Report, 'producer' | 'operatorSet'>): string =>
  `  from       ${producer || 'an unknown program'}, operator set ${operatorSet}`;

function tellObstacles(obstacles: readonly Obstacle[]): void {
  for (const { operator, nodes, reason } of obstacles) {
    print(`  ${operator}: ${reason}`);
    for (const node of nodes) print(`    ${node}`);
  }
}

function tellOperators({ operators, foldedNodes }: Pick<Report, 'operators' | 'foldedNodes'>): void {
  printTable(
    [['operator', 'nodes'], ...Object.entries(operators).map(([name, count]) => [name, String(count)])],
    { left: [0] },
  );
  if (foldedNodes > 0) print(`${foldedNodes} more nodes are computed when the file is read.`);
}

/** What becomes of classes that each have a probability of their own. */
const SIGMOID =
  '  loss       softmax cross-entropy of what the Sigmoid gets, for one class an image: the highest score is the class, but after training scores are no probabilities of their own';

function untrainedText({ untrained }: Report): string {
  const elements = untrained.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const more = untrained.length > 3 ? ` and ${untrained.length - 3} more` : '';
  const names = untrained.slice(0, 3).map(({ name }) => name);
  return `  untrained  ${short(elements)} numbers that no gradient can come to, and that stay as they are: ${names.join(', ')}${more}`;
}

function namedText({ namesInFile }: Report): string {
  const count = Object.keys(namesInFile).length;
  return count === 0 ? '' : `, ${count} of which are numbered in the file and named after their modules`;
}

function layerText({ layer, weight, shape, operator, node }: TractLayer, { namesInFile }: Report): string {
  // A weight that has a number for a name is found in the file by its node.
  const numbered = Object.hasOwn(namesInFile, weight);
  const found =
    (layer === weight || numbered) && node !== null
      ? ` ${node}${numbered ? ` with ${namesInFile[weight]}` : ''}`
      : '';
  return `trains ${layer} (${operator}${found}, [${shape.join(', ')}]), the first layer that the image reaches`;
}

function headText({ heads, newHead, impossibleClasses, output }: Report): string {
  if (impossibleClasses !== null) return impossibleClasses;
  if (newHead)
    return newHead.classes === output.classes
      ? `${newHead.weights.join(', ')}, new`
      : `${newHead.weights.join(', ')}, new for ${newHead.classes} classes instead of ${output.classes}`;
  if (heads.length === 0) return 'none that could be replaced for another number of classes';
  if (heads.length === 1) return `${heads[0]}; for another number of classes it is replaced`;
  return `${heads.join(', ')}; for another number of classes they are replaced together`;
}

const megabytes = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(Math.round(bytes / 1e6), 1)} MB`;
