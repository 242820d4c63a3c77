/**
 * Adds what a foreign file computes to a graph, node by node: aliases, functions and `If` are resolved, what depends on
 * constants alone is computed at once (`host.ts`), older forms are turned into present ones (`older-forms.ts`), and
 * everything else is added by the builder of its operator (`graph/file-operators.ts`).
 *
 * What cannot be read is noted, and the walk goes on without it, so that everything is named at once.
 */
import { quote, shorten } from '../../tensor/shorten.js';
import { type Shape, type Tensor, elementCount, sameShape, tensor } from '../../tensor/tensor.js';
import { FileNode } from '../file-node.js';
import { fileOperators } from '../file-operators.js';
import { type Graph, GraphError, type Value } from '../graph.js';
import type { AttributeProto, NodeProto } from '../onnx_pb.js';
import * as op from '../ops.js';
import { AttributeReader } from './attribute-reader.js';
import { type Reference, scaledAxis, scaledLengths, scaledReshape } from './batch-size.js';
import { readTensor } from './file-tensor.js';
import {
  type ForeignModel,
  type Uses,
  functionKey,
  neededNodes,
  operatorSetOf,
  plainDomain,
} from './foreign-model.js';
import { evaluateOnHost, isHostOperator } from './host.js';
import { HostBudget } from './host/call.js';
import { shapeTensor } from './host/shape.js';
import { type Known, type OperatorNode, constantOf, shapeOf } from './known.js';
import { ImportError } from './import-error.js';
import { intAttribute, modernize } from './older-forms.js';
import { sequenceOperator } from './sequences.js';
import { type WeightUse, isTrainable, neverTrained, useOf } from './weight-use.js';

/** Batch normalisation as a file has it, with its inputs where they are to be used. */
export interface ForeignBatchNorm {
  readonly x: Value;
  readonly scale: Value;
  readonly bias: Value;
  /** Names and elements of the running statistics. */
  readonly mean: { readonly name: string; readonly tensor: Tensor };
  readonly variance: { readonly name: string; readonly tensor: Tensor };
  readonly epsilon: number;
  /** ONNX's: the share of the running statistics that stays. */
  readonly momentum: number;
}

/** What becomes of those parts of a file that are another thing in training than in inference. */
export interface ImportHooks {
  /** The value of a float initializer. It is called once for each that is used as one. */
  weight(name: string, tensor: Tensor, use: WeightUse): Value;
  batchNorm(parts: ForeignBatchNorm): Value;
  /**
   * A convolution has been added.
   *
   * @param z its result
   * @param weight the name of its weight
   * @param hasBias whether a shift is added to it
   * @returns what is to take its place
   */
  readonly convolution?: (z: Value, weight: string, hasBias: boolean) => Value;
  /** x where a share of it is zero and the rest is scaled up; x itself in inference. */
  dropout(x: Value, ratio: number, name: string): Value;
  /** Uniform random numbers in [low, high); undefined in inference. */
  readonly uniform?: (shape: Shape, low: number, high: number, name: string) => Value;
}

/** What is added. */
export interface ImportOptions extends ImportHooks {
  readonly graph: Graph;
  /** What the file's inputs are, by their names. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** The values of the file that are wanted. */
  readonly outputs: readonly string[];
  /** What the file computes for its own number of images. */
  readonly reference?: Reference;
  /** The number of images that the file was made for, if it was for one number. */
  readonly fileBatchSize?: number;
  /** Names of initializers that are not trained. */
  readonly constants?: (name: string) => boolean;
}

/** What was added. */
export interface ImportedGraph {
  readonly outputs: ReadonlyMap<string, Value>;
  readonly reference: Reference;
  /** How many nodes of each operator there are, those that are computed while the file is read not counted. */
  readonly operators: ReadonlyMap<string, number>;
  /** How many nodes were computed while the file was read. */
  readonly folded: number;
}

/** Functions and branches inside each other, at most. */
const MAXIMUM_DEPTH = 50;
/** Nodes that are walked, those of functions as often as they are called. */
const MAXIMUM_NODES = 300_000;
/** Results of a node, of which a file may leave some at the end out. */
const MAXIMUM_OUTPUTS = 1000;

/** Where names are looked up: the graph, a function's body, or a branch, which sees what is around it. */
interface Frame {
  /** Told apart from other calls of the same function. */
  readonly prefix: string;
  readonly values: Map<string, Known>;
  readonly outer?: Frame;
  readonly operatorSet: number;
  /** What a function was called with. */
  readonly attributes?: ReadonlyMap<string, AttributeProto>;
  readonly uses: Uses;
  readonly depth: number;
}

/**
 * Adds a file's nodes to a graph, as far as the wanted outputs need them.
 *
 * @throws ImportError naming everything that cannot be read
 * @throws GraphError for a file that is damaged
 */
export function importGraph(model: ForeignModel, options: ImportOptions): ImportedGraph {
  return new Import(model, options).run();
}

class Import {
  readonly #model: ForeignModel;
  readonly #options: ImportOptions;
  readonly #graph: Graph;
  readonly #budget = new HostBudget();
  readonly #constants = new Map<Tensor, Value>();
  readonly #weights = new Map<string, Value>();
  readonly #problems = new Map<string, { operator: string; reason?: string; nodes: string[] }>();
  readonly #operators = new Map<string, number>();
  readonly #shapes = new Map<string, Shape>();
  readonly #lists = new Map<string, Tensor>();
  /** Values that are pixels still: nothing with weights has seen them. */
  readonly #pixels = new Set<Value>();
  /** Additions that became part of the layer before them, and the name of its result. */
  readonly #joined = new Map<NodeProto, string>();
  #folded = 0;
  #walked = 0;

  constructor(model: ForeignModel, options: ImportOptions) {
    this.#model = model;
    this.#options = options;
    this.#graph = options.graph;
  }

  run(): ImportedGraph {
    const { graph, initializers, operatorSet } = this.#model;
    const { inputs, outputs: wanted, constants = () => false } = this.#options;
    const { nodes, uses } = neededNodes(graph.node, wanted, inputs);
    const values = new Map<string, Known>();
    for (const [name, kept] of initializers) {
      // Weights are trained in float32; what depends on constants alone is computed in the precision of the file.
      const single = asFloat32(kept);
      const trained = isTrainable(name, single) && !constants(name);
      const found = trained ? single : kept;
      values.set(
        name,
        trained ? { kind: 'weight', name, tensor: found } : { kind: 'constant', tensor: found },
      );
    }
    for (const [name, value] of inputs) {
      values.set(name, { kind: 'value', value });
      this.#pixels.add(value);
    }
    const images = [...inputs.values()].at(0)?.shape.at(0) ?? 1;
    const frame: Frame = { prefix: '', values, operatorSet, uses, depth: 0 };
    for (const [name, known] of values) this.#note(frame, name, known);
    this.#walk(nodes, frame);
    if (this.#problems.size > 0) throw new ImportError([...this.#problems.values()]);
    const outputs = new Map(
      wanted.map((name) => [name, this.#value(this.#find(frame, name, 'the list of outputs'), 'the output')]),
    );
    return {
      outputs,
      reference: { images, shapes: this.#shapes, lists: this.#lists },
      operators: this.#operators,
      folded: this.#folded,
    };
  }

  #walk(nodes: readonly NodeProto[], frame: Frame): void {
    for (const proto of nodes) {
      this.#spend(1);
      if (proto.output.length > MAXIMUM_OUTPUTS)
        throw new GraphError(`node ${quote(proto.name)} (${quote(proto.opType)}) names too many results`);
      const user = `node ${quote(proto.name)} (${quote(proto.opType)})`;
      const inputs = proto.input.map((name) => (name === '' ? null : this.#find(frame, name, user)));
      const joined = this.#joined.get(proto);
      const results =
        joined !== undefined
          ? [this.#find(frame, joined, user)]
          : inputs.some((known) => known?.kind === 'missing')
            ? undefined
            : this.#attempt(proto, inputs, frame);
      proto.output.forEach((name, i) => {
        if (name === '') return;
        if (frame.values.has(name)) throw new GraphError(`the model has two values named ${quote(name)}`);
        const known: Known = results?.[i] ?? { kind: 'missing' };
        frame.values.set(name, known);
        this.#note(frame, name, known);
      });
    }
  }

  /** Counts nodes that are looked at. */
  #spend(nodes: number): void {
    this.#walked += nodes;
    if (this.#walked > MAXIMUM_NODES)
      throw new HopelessError(`the model has more than ${MAXIMUM_NODES} nodes, its functions written out`);
  }

  /** The results of a node; undefined where it cannot be read, which is noted. */
  #attempt(proto: NodeProto, inputs: (Known | null)[], frame: Frame): readonly Known[] | undefined {
    const operator = plainDomain(proto.domain) === '' ? proto.opType : `${proto.domain}.${proto.opType}`;
    const name = proto.name || proto.output.find((output) => output !== '') || proto.opType;
    try {
      const node: OperatorNode = {
        opType: proto.opType,
        domain: plainDomain(proto.domain),
        name,
        inputs,
        attributes: new AttributeReader(this.#attributes(proto, frame)),
        outputs: proto.output,
      };
      return this.#results(node, proto, frame);
    } catch (error) {
      if (!(error instanceof GraphError) || error instanceof HopelessError) throw error;
      const reason = error instanceof UnknownOperatorError ? undefined : error.message;
      const key = JSON.stringify([operator, reason]);
      const problem = this.#problems.get(key) ?? {
        operator,
        ...(reason !== undefined && { reason }),
        nodes: [],
      };
      problem.nodes.push(name);
      this.#problems.set(key, problem);
      return undefined;
    }
  }

  /** A node's attributes, with those that a function's body takes from its call. */
  #attributes({ attribute }: NodeProto, frame: Frame): AttributeProto[] {
    return attribute.flatMap((entry) => {
      if (entry.refAttrName === '') return [entry];
      const given = frame.attributes?.get(entry.refAttrName);
      return given ? [{ ...given, name: entry.name }] : [];
    });
  }

  #results(node: OperatorNode, proto: NodeProto, frame: Frame): readonly Known[] {
    const called = this.#model.functions.get(functionKey({ domain: proto.domain, opType: proto.opType }));
    if (called) return this.#call(node, called, frame);
    if (quantized.test(node.opType))
      throw new GraphError(
        'it computes with quantised numbers, which have no gradient; train the model that was quantised',
      );
    if (node.domain !== '') throw new UnknownOperatorError(node.opType);
    const special = this.#special(node, frame);
    if (special) return special;
    modernize(node, frame.operatorSet);
    this.#adaptBatch(node, proto, frame);
    if (!this.#growsWithImages(node, proto, frame)) return this.#compute(node, frame);
    if (node.opType === 'ConstantOfShape') {
      const [shape, filling] = node.inputs;
      node.opType = 'Expand';
      node.inputs = [filling ?? { kind: 'constant', tensor: tensor('float32', [], [0]) }, shape];
      node.attributes.remove('value');
    }
    return this.#build(node, frame);
  }

  /**
   * Whether a constant is repeated for each image. Such a one stays a node: it would be as large as the batch, and another
   * for every number of images.
   */
  #growsWithImages(node: OperatorNode, proto: NodeProto, frame: Frame): boolean {
    const index = { Expand: 1, Tile: 1, ConstantOfShape: 0 }[node.opType];
    const { reference } = this.#options;
    if (index === undefined || !reference) return false;
    const filling = node.inputs[1 - index];
    const key = this.#keyOf(frame, proto.input[index]);
    const [own, present] = [
      key === undefined ? undefined : reference.lists.get(key),
      constantOf(node.inputs[index]),
    ];
    const type = filling ? constantOf(filling)?.dtype : 'float32';
    return (
      own !== undefined &&
      present !== undefined &&
      !sameNumbers(own, present) &&
      ['float32', 'float64', 'bool'].includes(type ?? '')
    );
  }

  /** The results of a node of a present form: at once where they depend on constants alone, else by its builder. */
  #compute(node: OperatorNode, frame: Frame): readonly Known[] {
    const constants = node.inputs.map((known) => (known === null ? null : constantOf(known)));
    if (!constants.includes(undefined) && isHostOperator(node.opType) && constants.length > 0) {
      const results = evaluateOnHost(node.opType, {
        attributes: node.attributes,
        inputs: constants as (Tensor | null)[],
        outputCount: node.outputs.length,
        budget: this.#budget,
      });
      if (results) {
        this.#folded++;
        return results.map((found) => ({ kind: 'constant', tensor: found }));
      }
    }
    return this.#build(node, frame);
  }

  /** Operators that are no builder's: those that say something about values, and those that differ in training. */
  #special(node: OperatorNode, frame: Frame): readonly Known[] | undefined {
    const { opType, inputs, attributes } = node;
    const [x] = inputs;
    switch (opType) {
      case 'Constant':
        return [{ kind: 'constant', tensor: constantAttribute(attributes) }];
      case 'Identity':
        if (!x) throw new GraphError('it lacks input 0');
        return [x];
      case 'Shape':
      case 'Size': {
        const shape = x && shapeOf(x);
        if (!shape) throw new GraphError('it lacks input 0');
        this.#folded++;
        const found =
          opType === 'Shape' ? shapeTensor(shape, attributes) : tensor('int64', [], [elementCount(shape)]);
        return [{ kind: 'constant', tensor: found }];
      }
      case 'ConstantOfShape': {
        const value = attributes.tensor('value');
        if (value && node.inputs.length === 1)
          node.inputs.push({ kind: 'constant', tensor: readTensor(value, 'its value') });
        return undefined;
      }
      case 'If':
        return this.#branch(node, frame);
      case 'Dropout':
        return this.#dropout(node, frame);
      case 'BatchNormalization':
        return this.#batchNorm(node, frame);
      case 'RandomUniform':
      case 'RandomUniformLike':
      case 'Bernoulli':
        return [this.#random(node, frame)];
      default:
        return (
          this.#ofRandom(node) ?? this.#twoDimensionalSoftmax(node, frame) ?? this.#sequence(node, frame)
        );
    }
  }

  #sequence(node: OperatorNode, frame: Frame): readonly Known[] | undefined {
    const result = sequenceOperator(node, (opType, inputs, settings, count) => {
      this.#spend(count);
      const attributes = Object.entries(settings).map(([name, value]) => intAttribute(name, value));
      const outputs = Array.from({ length: count }, (_, i) => `${node.name}/${i}`);
      const made = {
        ...node,
        opType,
        inputs: [...inputs],
        attributes: new AttributeReader(attributes),
        outputs,
      };
      return this.#compute(made, frame);
    });
    return result && [result];
  }

  /** What a function computes, in a frame of its own. */
  #call(
    node: OperatorNode,
    called: {
      readonly input: string[];
      readonly output: string[];
      readonly node: NodeProto[];
      readonly opsetImport: Parameters<typeof operatorSetOf>[0];
    },
    frame: Frame,
  ): readonly Known[] {
    this.#spend(called.node.length);
    const values = new Map<string, Known>();
    called.input.forEach((name, i) => {
      const given = node.inputs[i];
      if (given && name !== '') values.set(name, given);
    });
    const { nodes, uses } = neededNodes(called.node, called.output);
    const inner: Frame = {
      prefix: `${frame.prefix}${node.outputs.find((name) => name !== '') ?? node.name}/`,
      values,
      operatorSet: operatorSetOf(called.opsetImport, `the function ${quote(node.opType)}`),
      attributes: node.attributes.entries,
      uses,
      depth: this.#deeper(frame),
    };
    this.#walk(nodes, inner);
    return called.output.map((name) => this.#find(inner, name, `the function ${quote(node.opType)}`));
  }

  #deeper({ depth }: Frame): number {
    if (depth + 1 > MAXIMUM_DEPTH)
      throw new HopelessError(
        `the model's functions or branches are nested more than ${MAXIMUM_DEPTH} levels deep`,
      );
    return depth + 1;
  }

  /** The one branch of If that a constant condition chooses. */
  #branch(node: OperatorNode, frame: Frame): readonly Known[] {
    const condition = constantOf(node.inputs[0]);
    if (!condition)
      throw new GraphError('its condition depends on the images, and only constant ones are read');
    const name = Number(condition.data[0]) !== 0 ? 'then_branch' : 'else_branch';
    const body = node.attributes.entries.get(name)?.g;
    if (!body) throw new GraphError(`it lacks the attribute "${name}"`);
    this.#spend(body.node.length);
    const { nodes, uses } = neededNodes(
      body.node,
      body.output.map((output) => output.name),
    );
    const values = new Map<string, Known>();
    for (const proto of body.initializer)
      values.set(proto.name, { kind: 'constant', tensor: readTensor(proto, `tensor ${quote(proto.name)}`) });
    const inner: Frame = {
      prefix: `${frame.prefix}${node.outputs.find((output) => output !== '') ?? node.name}/`,
      values,
      outer: frame,
      operatorSet: frame.operatorSet,
      ...(frame.attributes && { attributes: frame.attributes }),
      uses,
      depth: this.#deeper(frame),
    };
    this.#walk(nodes, inner);
    return body.output.map((output) => this.#find(inner, output.name, `node ${quote(node.name)}`));
  }

  #dropout(node: OperatorNode, frame: Frame): readonly Known[] {
    modernize(node, frame.operatorSet);
    const [x, ratio, training] = node.inputs;
    if (!x) throw new GraphError('it lacks input 0');
    const share = constantOf(ratio);
    const flag = constantOf(training);
    if ((ratio && !share) || (training && !flag))
      throw new GraphError('its ratio, or whether it trains, is not constant');
    const p = share ? Number(share.data[0]) : 0.5;
    if (!(p >= 0 && p < 1)) throw new GraphError(`its ratio is ${p}, not at least 0 and below 1`);
    if (x.kind !== 'value') return [x];
    // Left out, or false: nothing is dropped in inference, which is what such a file was made for; it is in training.
    return [
      {
        kind: 'value',
        value: this.#scoped(node, () =>
          this.#options.dropout(x.value, p, `${frame.prefix}${node.outputs[0]}`),
        ),
      },
    ];
  }

  #batchNorm(node: OperatorNode, frame: Frame): readonly Known[] | undefined {
    modernize(node, frame.operatorSet);
    const [x, scale, bias, mean, variance] = node.inputs;
    if (x?.kind !== 'value' || !scale || !bias || mean?.kind !== 'weight' || variance?.kind !== 'weight')
      return undefined;
    const { attributes } = node;
    const [momentum, epsilon] = [attributes.float('momentum', 0.9), attributes.float('epsilon', 1e-5)];
    if (!(momentum >= 0 && momentum <= 1 && epsilon >= 0 && Number.isFinite(epsilon)))
      throw new GraphError(`its momentum is ${momentum} and its epsilon ${epsilon}, which cannot be`);
    this.#count(node);
    const value = this.#scoped(node, () =>
      this.#options.batchNorm({
        x: x.value,
        scale: this.#operand(scale, node, 1),
        bias: this.#operand(bias, node, 2),
        mean,
        variance,
        epsilon,
        momentum,
      }),
    );
    return [{ kind: 'value', value }];
  }

  #random(node: OperatorNode, frame: Frame): Known {
    const { opType, inputs, attributes } = node;
    const shape = opType === 'RandomUniform' ? attributes.ints('shape') : inputs[0] && shapeOf(inputs[0]);
    if (!shape) throw new GraphError('the shape of what it draws is not known');
    const [low, high] = [attributes.float('low', 0), attributes.float('high', 1)];
    const { uniform } = this.#options;
    const drawn =
      uniform && this.#scoped(node, () => uniform(shape, low, high, `${frame.prefix}${node.outputs[0]}`));
    if (opType !== 'Bernoulli') {
      if (drawn) return { kind: 'value', value: drawn };
      if (low !== 0 || high !== 1) throw new GraphError('what it draws has no counterpart in inference');
      return { kind: 'random', shape };
    }
    const given = inputs[0];
    const probability = constantOf(given);
    const p = Number(probability?.data[0]);
    if (!probability || probability.data.some((element) => Number(element) !== p) || !(p >= 0 && p <= 1))
      throw new GraphError('its probability is not one constant number');
    if (!drawn) return { kind: 'random', shape, probability: p };
    return { kind: 'value', value: op.cast(op.greater(p, drawn), 'float32') };
  }

  /** In inference a draw of zeros and ones is worth its mean, which undoes what the ones are scaled up by. */
  #ofRandom({ opType, inputs }: OperatorNode): readonly Known[] | undefined {
    const [a, b] = inputs;
    const random = a?.kind === 'random' ? a : b?.kind === 'random' ? b : undefined;
    if (!random) return undefined;
    const { shape, probability } = random;
    if (opType === 'Less' && a === random && probability === undefined) {
      const p = Number(constantOf(b)?.data[0]);
      if (p >= 0 && p <= 1 && constantOf(b)!.data.length === 1)
        return [{ kind: 'random', shape, probability: p }];
    }
    if (opType === 'Cast' && probability !== undefined) {
      const ones = shape.map(() => 1);
      return [{ kind: 'constant', tensor: tensor('float32', ones, [probability]) }];
    }
    throw new GraphError('it takes random numbers in a way that has no counterpart in inference');
  }

  /** Before 13, Softmax took a tensor as a matrix, cut in two at the axis. */
  #twoDimensionalSoftmax(node: OperatorNode, frame: Frame): readonly Known[] | undefined {
    const { opType, attributes, inputs } = node;
    if (frame.operatorSet >= 13 || !['Softmax', 'LogSoftmax'].includes(opType)) return undefined;
    const [x] = inputs;
    if (x?.kind !== 'value') return undefined;
    const { value } = x;
    const axis = op.normalizeAxis(opType, attributes.int('axis', 1), value.shape);
    attributes.remove('axis');
    this.#count(node);
    const rows = elementCount(value.shape.slice(0, axis));
    const build = opType === 'Softmax' ? op.softmax : op.logSoftmax;
    const result = this.#scoped(node, () => op.reshape(build(op.reshape(value, [rows, -1]), 1), value.shape));
    return [{ kind: 'value', value: result }];
  }

  /** Makes a node that was written for the file's own number of images one for the number asked for. */
  #adaptBatch(node: OperatorNode, proto: NodeProto, frame: Frame): void {
    const { reference } = this.#options;
    if (!reference) return;
    const before = (index: number): Shape | undefined => {
      const known = node.inputs[index];
      const name = this.#keyOf(frame, proto.input[index]);
      return known && name !== undefined ? reference.shapes.get(name) : undefined;
    };
    /** A list that is the same as for the file's own number of images: it does not follow the one asked for. */
    const fixedList = (index: number): number[] | undefined => {
      const present = constantOf(node.inputs[index]);
      const name = this.#keyOf(frame, proto.input[index]);
      const own = name === undefined ? undefined : reference.lists.get(name);
      if (!present || present.shape.length !== 1 || (own && !sameNumbers(own, present))) return undefined;
      return Array.from(present.data as BigInt64Array, Number);
    };
    const [x] = node.inputs;
    const present = x && shapeOf(x);
    const own = before(0);
    if (!present || !own) return;
    const replace = (index: number, lengths: readonly number[]): void => {
      node.inputs[index] = { kind: 'constant', tensor: tensor('int64', [lengths.length], lengths) };
    };
    if (node.opType === 'Reshape' && fixedList(1) && !sameShape(own, present)) {
      const to = reference.shapes.get(`${frame.prefix}${proto.output[0]}`);
      const shape = to && scaledReshape(own, to, present, reference.images);
      if (!shape) return;
      replace(1, shape);
      node.attributes.remove('allowzero');
    } else if (node.opType === 'Expand') {
      const target = fixedList(1);
      const repeated = x.kind === 'constant' ? undefined : target && this.#widened(target, present);
      const scaled = (target && scaledLengths(target, own, present)) ?? repeated;
      if (scaled) replace(1, scaled);
    } else if (node.opType === 'Resize') {
      const target = node.inputs[3] ? fixedList(3) : undefined;
      const scaled = target && scaledLengths(target, own, present);
      if (scaled) replace(3, scaled);
    } else if (node.opType === 'Concat') this.#adaptConcat(node, before);
  }

  /** What is one for all images, and is repeated for as many as the file was made for. */
  #widened(target: readonly number[], { length: rank, [0]: first }: Shape): number[] | undefined {
    const { fileBatchSize: own = 1, inputs } = this.#options;
    const [[, images]] = inputs;
    if (own === 1 || target[0] !== own || (rank === target.length && first !== 1)) return undefined;
    return [images.shape[0], ...target.slice(1)];
  }

  /** What is joined with one row for each image has one for each, too, where the file has one for all. */
  #adaptConcat(node: OperatorNode, before: (index: number) => Shape | undefined): void {
    const joined = op.normalizeAxis('Concat', node.attributes.int('axis', 0), before(0) ?? []);
    const scaled = node.inputs.flatMap((known, i) => {
      const [own, present] = [before(i), known ? shapeOf(known) : undefined];
      const found = own && present ? scaledAxis(own, present) : undefined;
      return found && found.axis !== joined ? [found] : [];
    });
    if (scaled.length === 0) return;
    const [{ axis, factor }] = scaled;
    node.inputs = node.inputs.map((known, i) => {
      const [own, present] = [before(i), known ? shapeOf(known) : undefined];
      if (!known || !own || !present || !sameShape(own, present) || present[axis] !== 1) return known;
      const shape = present.map((length, at) => (at === axis ? length * factor : length));
      return { kind: 'value', value: op.expand(this.#operand(known, node, i), shape) };
    });
  }

  /** Adds a node by the builder of its operator. */
  #build(node: OperatorNode, frame: Frame): readonly Known[] {
    const { opType } = node;
    const pixels =
      node.inputs.some((known) => known?.kind === 'value' && this.#pixels.has(known.value)) &&
      scaling.has(opType);
    const layer = this.#layer(node, frame);
    if (layer) {
      this.#count(node);
      return [layer];
    }
    const build = fileOperators.get(opType);
    if (!build) throw new UnknownOperatorError(opType);
    const operands = node.inputs.map((known, i) => {
      if (known === null) return null;
      // What scales pixels before any layer sees them belongs to the data.
      return pixels && known.kind === 'weight' ? this.#constant(known.tensor) : this.#operand(known, node, i);
    });
    this.#count(node);
    const values = this.#scoped(node, () => {
      const fileNode = new FileNode(
        this.#graph,
        { attribute: [...node.attributes.entries.values()], output: [...node.outputs] } as NodeProto,
        operands,
      );
      const outputs = build(fileNode);
      fileNode.finish();
      return outputs;
    });
    const named = node.outputs.findLastIndex((name) => name !== '') + 1;
    if (named > values.length)
      throw new GraphError(`it names ${named} results where there are ${values.length}`);
    if (pixels) for (const value of values) this.#pixels.add(value);
    const results = values.map((value): Known =>
      value.constant ? { kind: 'constant', tensor: value.constant } : { kind: 'value', value },
    );
    return opType === 'Conv' ? this.#behindConvolution(node, results) : results;
  }

  /** A matrix product with a weight is a linear layer: one node, in which TrAct and lowerings find the weight. */
  #layer(node: OperatorNode, frame: Frame): Known | undefined {
    const { opType, inputs, attributes } = node;
    const [x, weight, bias] = inputs;
    if (x?.kind !== 'value' || !weight || x.value.shape.length < 2 || shapeOf(weight)?.length !== 2)
      return undefined;
    if (weight.kind === 'constant') return undefined;
    if (opType === 'MatMul') {
      if (weight.kind !== 'weight' && !isTransposedParameter(weight)) return undefined;
      const value = this.#operand(weight, node, 1);
      const shift = this.#shiftBehind(node, shapeOf(weight)![1], frame);
      const z = this.#scoped(node, () => op.linear(x.value, transposed(value), shift));
      return { kind: 'value', value: z };
    }
    if (opType !== 'Gemm') return undefined;
    const plain =
      attributes.int('transA', 0) === 0 &&
      attributes.float('alpha', 1) === 1 &&
      (attributes.float('beta', 1) === 1 || !bias);
    const out = shapeOf(weight)![attributes.int('transB', 0) === 0 ? 1 : 0];
    if (!plain || x.value.shape.length !== 2 || (bias && !sameShape(shapeOf(bias) ?? [], [out])))
      return undefined;
    const value = this.#operand(weight, node, 1);
    const shift = bias ? this.#operand(bias, node, 2) : null;
    const z = this.#scoped(node, () =>
      op.linear(x.value, attributes.int('transB', 0) === 0 ? transposed(value) : value, shift),
    );
    return { kind: 'value', value: z };
  }

  /**
   * A shift that is added to a matrix product and to nothing else belongs to the layer: the Add that follows is then
   * known already.
   */
  #shiftBehind(node: OperatorNode, length: number, frame: Frame): Value | null {
    const [name] = node.outputs;
    const { count, user } = frame.uses.get(name) ?? { count: 0 };
    if (count !== 1 || user?.opType !== 'Add' || plainDomain(user.domain) !== '') return null;
    const shift = user.input
      .map((other) => frame.values.get(other))
      .find((known) => known?.kind === 'weight');
    if (!shift || !sameShape(shift.tensor.shape, [length])) return null;
    this.#joined.set(user, name);
    return this.#operand(shift, { ...node, opType: 'Gemm' }, 2);
  }

  /** What is to take the place of a convolution. */
  #behindConvolution(node: OperatorNode, results: readonly Known[]): readonly Known[] {
    const [first] = results;
    const weight = node.inputs[1];
    const { convolution } = this.#options;
    if (!convolution || first.kind !== 'value' || weight?.kind !== 'weight') return results;
    const value = this.#scoped(node, () => convolution(first.value, weight.name, Boolean(node.inputs[2])));
    return [{ kind: 'value', value }];
  }

  /** What is known of an input as a value of the graph. */
  #operand(known: Known, node: OperatorNode, index: number): Value {
    if (known.kind !== 'weight') return this.#value(known, `input ${index}`);
    if (neverTrained(node, index, known)) return this.#constant(known.tensor);
    const found = this.#weights.get(known.name);
    if (found) return found;
    const value = this.#options.weight(known.name, known.tensor, useOf(node, index, known));
    this.#weights.set(known.name, value);
    return value;
  }

  #value(known: Known, what: string): Value {
    switch (known.kind) {
      case 'value':
        return known.value;
      case 'constant':
      case 'weight':
        return this.#constant(known.tensor);
      default:
        throw new GraphError(`${what} is not known`);
    }
  }

  #constant(value: Tensor): Value {
    let found = this.#constants.get(value);
    if (!found) {
      found = this.#graph.constant(asFloat32(value));
      this.#constants.set(value, found);
    }
    return found;
  }

  #find(frame: Frame, name: string, user: string): Known {
    for (let at: Frame | undefined = frame; at; at = at.outer) {
      const known = at.values.get(name);
      if (known) return known;
    }
    throw new HopelessError(`${user} refers to ${quote(name)}, which nothing before it computes`);
  }

  /** The name of a value among those of all frames. */
  #keyOf(frame: Frame, name: string | undefined): string | undefined {
    if (name === undefined) return undefined;
    let at: Frame | undefined = frame;
    while (at && !at.values.has(name)) at = at.outer;
    return at && `${at.prefix}${name}`;
  }

  #note(frame: Frame, name: string, known: Known): void {
    const key = `${frame.prefix}${name}`;
    const shape = shapeOf(known);
    if (shape) this.#shapes.set(key, shape);
    const found = constantOf(known);
    if (found?.dtype === 'int64' && found.shape.length === 1 && found.data.length <= 64)
      this.#lists.set(key, found);
  }

  #count({ opType }: OperatorNode): void {
    this.#operators.set(opType, (this.#operators.get(opType) ?? 0) + 1);
  }

  /** Builds nodes that carry the name of the part of the model that they are of. */
  #scoped<T>(node: OperatorNode, build: () => T): T {
    const name = shorten(node.name, 200).replace(/^\/+/, '');
    return this.#graph.inScope(name.slice(0, Math.max(name.lastIndexOf('/'), 0)), build);
  }
}

/** A file that nothing can be made of, however many nodes of it can be read. */
class HopelessError extends GraphError {}

/** An operator that there is no builder for. */
class UnknownOperatorError extends GraphError {}

/** Operators of quantised models, in ONNX's own domain and in others. */
const quantized = /^(Q|q)Linear|Integer$|quantize_?linear$/i;

/** Operators by which pixels are scaled and moved before a layer sees them. */
const scaling = new Set([
  'Add',
  'Cast',
  'Div',
  'Mul',
  'Pad',
  'Reshape',
  'Resize',
  'Slice',
  'Sub',
  'Transpose',
  'Unsqueeze',
]);

/** A parameter with its two axes exchanged. */
function isTransposedParameter(known: Known): boolean {
  if (known.kind !== 'value') return false;
  const { producer } = known.value;
  return producer?.opType === 'Transpose' && producer.inputs[0]?.producer === undefined;
}

/** The two axes of a matrix exchanged; what was exchanged before is what it was. */
function transposed(matrix: Value): Value {
  const { producer } = matrix;
  return producer?.opType === 'Transpose' ? producer.inputs[0]! : op.transpose(matrix, [1, 0]);
}

function constantAttribute(attributes: AttributeReader): Tensor {
  const value = attributes.tensor('value');
  if (value) return readTensor(value, 'its value');
  const int = attributes.bigint('value_int');
  if (int !== undefined) return { dtype: 'int64', shape: [], data: BigInt64Array.of(int) };
  // As they are: the ends of slices are as large as there are.
  const ints = attributes.bigints('value_ints');
  if (ints) return { dtype: 'int64', shape: [ints.length], data: BigInt64Array.from(ints) };
  const float = attributes.float('value_float');
  if (float !== undefined) return tensor('float32', [], [float]);
  const floats = attributes.floats('value_floats');
  if (floats) return tensor('float32', [floats.length], floats);
  throw new GraphError('its value is no tensor of numbers');
}

/** A tensor as float32, if it is float64. */
function asFloat32(value: Tensor): Tensor {
  return value.dtype === 'float64'
    ? tensor('float32', value.shape, Float32Array.from(value.data as Float64Array))
    : value;
}

function sameNumbers(a: Tensor, b: Tensor): boolean {
  return sameShape(a.shape, b.shape) && a.data.every((element, i) => element === b.data[i]);
}
