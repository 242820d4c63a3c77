/**
 * Adds what a foreign file computes to a graph, node by node: aliases, functions and `If` are resolved, what depends on
 * constants alone is computed at once (`host.ts`), older forms are turned into present ones (`older-forms.ts`), and
 * everything else is added by the builder of its operator (`graph/file-operators.ts`).
 *
 * What cannot be read is noted, and the walk goes on without it, so that everything is named at once. Of what comes behind
 * such a node no more than the operators can be judged, since no shapes are known there.
 */
import { quote } from '../../tensor/shorten.js';
import { type Shape, type Tensor, elementCount, tensor } from '../../tensor/tensor.js';
import { FileNode } from '../file-node.js';
import { fileOperators } from '../file-operators.js';
import { GraphError, type Value } from '../graph.js';
import type { AttributeProto, NodeProto } from '../onnx_pb.js';
import * as op from '../ops.js';
import { adaptBatch, growsWithImages, reshapedByPositions } from './adapt-batch.js';
import { AttributeReader } from './attribute-reader.js';
import { asFloat32, constantAttribute } from './constants.js';
import { readTensor } from './file-tensor.js';
import {
  type ForeignModel,
  functionKey,
  labelOf,
  neededNodes,
  operatorSetOf,
  plainDomain,
} from './foreign-model.js';
import { type Frame, find } from './frames.js';
import { GraphBuilder } from './graph-builder.js';
import { evaluateOnHost, isHostOperator } from './host.js';
import { HostBudget } from './host/call.js';
import { shapeTensor } from './host/shape.js';
import { HopelessError, ImportError, type ImportFindings, UnknownOperatorError } from './import-error.js';
import type { ImportOptions, ImportedGraph } from './import-options.js';
import { type Known, type OperatorNode, constantOf, shapeOf } from './known.js';
import { behindConvolution, linearLayer } from './linear-layers.js';
import { intAttribute, modernize } from './older-forms.js';
import { drawnBy, dropoutOf, ofRandom } from './random-draws.js';
import { sequenceOperator } from './sequences.js';
import { isTrainable, usedElsewhere } from './weight-use.js';

/** Functions and branches inside each other, at most. */
const MAXIMUM_DEPTH = 50;
/** Nodes that are walked, those of functions as often as they are called. */
const MAXIMUM_NODES = 300_000;
/** Results of a node, of which a file may leave some at the end out. */
const MAXIMUM_OUTPUTS = 1000;

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
  readonly #builder: GraphBuilder;
  readonly #budget = new HostBudget();
  readonly #problems = new Map<string, { operator: string; reason?: string; nodes: string[] }>();
  readonly #shapes = new Map<string, Shape>();
  readonly #lists = new Map<string, Tensor>();
  /** Values that are pixels still: nothing with weights has seen them. */
  readonly #pixels = new Set<Value>();
  /** Additions that became part of the layer before them, and the name of its result. */
  readonly #joined = new Map<NodeProto, string>();
  /** Names that nodes take as something else than running statistics. */
  #elsewhere: ReadonlySet<string> = new Set();
  /** Values that nodes take which are not read. */
  readonly #ends = new Set<Value>();
  #folded = 0;
  #behind = 0;
  #walked = 0;

  constructor(model: ForeignModel, options: ImportOptions) {
    this.#model = model;
    this.#options = options;
    this.#builder = new GraphBuilder(options);
  }

  run(): ImportedGraph {
    const { graph, initializers, names, operatorSet } = this.#model;
    const { inputs, outputs: wanted, constants = () => false } = this.#options;
    const { nodes, uses } = neededNodes(graph.node, wanted, inputs);
    this.#elsewhere = new Set([...usedElsewhere(nodes)].map((name) => names.get(name)?.name ?? name));
    const values = new Map<string, Known>();
    for (const [name, kept] of initializers) {
      // Weights are trained in float32; what depends on constants alone is computed in the precision of the file.
      const single = asFloat32(kept);
      const given = names.get(name) ?? { name };
      values.set(
        name,
        isTrainable(name, single) && !constants(given.name)
          ? { kind: 'weight', ...given, tensor: single }
          : { kind: 'constant', tensor: kept },
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
    if (this.#problems.size > 0) throw new ImportError([...this.#problems.values()], this.#findings());
    const outputs = new Map(
      wanted.map((name) => [
        name,
        this.#builder.value(find(frame, name, 'the list of outputs'), 'the output'),
      ]),
    );
    return {
      outputs,
      reference: { images, shapes: this.#shapes, lists: this.#lists },
      operators: this.#builder.operators,
      folded: this.#folded,
    };
  }

  #findings(): ImportFindings {
    const { producer, operatorSet, inputs, outputs, initializers } = this.#model;
    const tensors = [...initializers.values()];
    return {
      ...{ producer, operatorSet, inputs, outputs },
      initializers: {
        tensors: tensors.length,
        elements: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
      },
      operators: this.#builder.operators,
      folded: this.#folded,
      behind: this.#behind,
      ends: [...this.#ends],
      nodeName: (node) => this.#options.origins?.get(node),
    };
  }

  #walk(nodes: readonly NodeProto[], frame: Frame): void {
    const { graph, origins } = this.#options;
    for (const proto of nodes) {
      const before = graph.nodes.length;
      this.#spend(1);
      if (proto.output.length > MAXIMUM_OUTPUTS)
        throw new GraphError(`node ${quote(proto.name)} (${quote(proto.opType)}) names too many results`);
      const user = `node ${quote(proto.name)} (${quote(proto.opType)})`;
      const inputs = proto.input.map((name) => (name === '' ? null : find(frame, name, user)));
      const joined = this.#joined.get(proto);
      const results =
        joined !== undefined ? [find(frame, joined, user)] : this.#attempt(proto, inputs, frame);
      if (!results) for (const known of inputs) if (known?.kind === 'value') this.#ends.add(known.value);
      for (const added of origins ? graph.nodes.slice(before) : [])
        if (!origins!.has(added)) origins!.set(added, labelOf(proto));
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
      this.#builder.count({ opType: operator });
      const reason = error instanceof UnknownOperatorError ? undefined : error.message;
      const key = JSON.stringify([operator, reason]);
      const problem = this.#problems.get(key) ?? {
        operator,
        ...(reason !== undefined && { reason }),
        nodes: [],
      };
      problem.nodes.push(labelOf(proto));
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

  #results(node: OperatorNode, proto: NodeProto, frame: Frame): readonly Known[] | undefined {
    const called = this.#model.functions.get(functionKey({ domain: proto.domain, opType: proto.opType }));
    if (called) return this.#call(node, called, frame);
    if (quantized.test(node.opType))
      throw new GraphError(
        'it computes with quantised numbers, which have no gradient; train the model that was quantised',
      );
    if (node.domain !== '') throw new UnknownOperatorError(node.opType);
    if (node.inputs.some((known) => known?.kind === 'missing')) return this.#behindUnread(node, frame);
    const special = this.#special(node, frame);
    if (special) return special;
    modernize(node, frame.operatorSet);
    reshapedByPositions(node, proto, frame, this.#builder);
    adaptBatch(node, proto, frame, this.#builder);
    if (!growsWithImages(node, proto, frame, this.#builder)) return this.#compute(node, frame);
    if (node.opType === 'ConstantOfShape') {
      const [shape, filling] = node.inputs;
      node.opType = 'Expand';
      node.inputs = [filling ?? { kind: 'constant', tensor: tensor('float32', [], [0]) }, shape];
      node.attributes.remove('value');
    }
    return this.#build(node, frame);
  }

  /** Of a node whose inputs are not known: whether its operator is. */
  #behindUnread(node: OperatorNode, frame: Frame): readonly Known[] | undefined {
    const { opType, inputs, attributes } = node;
    const missing = { kind: 'missing', lengths: true } as const;
    if (opType === 'Identity') return [inputs[0]!];
    if (opType === 'If') {
      for (const name of ['then_branch', 'else_branch'])
        if (attributes.entries.has(name)) this.#inBranch(node, name, frame);
      return undefined;
    }
    const ofLengths =
      isHostOperator(opType) &&
      inputs.every((known) => !known || constantOf(known) || (known.kind === 'missing' && known.lengths));
    if (opType === 'Shape' || opType === 'Size' || ofLengths) {
      this.#folded++;
      return node.outputs.map(() => missing);
    }
    if (!fileOperators.has(opType) && !readOtherwise.has(opType)) throw new UnknownOperatorError(opType);
    this.#behind++;
    this.#builder.count(node);
    return undefined;
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
        return dropoutOf(node, frame, this.#builder);
      case 'BatchNormalization':
        return this.#batchNorm(node, frame);
      case 'Erfc':
        return this.#complementaryError(node);
      case 'RandomUniform':
      case 'RandomUniformLike':
      case 'Bernoulli':
        return [drawnBy(node, frame, this.#builder)];
      default:
        return ofRandom(node) ?? this.#twoDimensionalSoftmax(node, frame) ?? this.#sequence(node, frame);
    }
  }

  /** 1 - Erf(x): no operator of ONNX, but what tf2onnx writes for the GELU of Keras. */
  #complementaryError(node: OperatorNode): readonly Known[] | undefined {
    const [x] = node.inputs;
    if (x?.kind !== 'value' || node.inputs.length !== 1) return undefined;
    this.#builder.count(node);
    const value = this.#builder.scoped(node, () => op.add(op.neg(op.erf(x.value)), 1));
    return [{ kind: 'value', value }];
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
    return called.output.map((name) => find(inner, name, `the function ${quote(node.opType)}`));
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
    return this.#inBranch(node, Number(condition.data[0]) !== 0 ? 'then_branch' : 'else_branch', frame);
  }

  #inBranch(node: OperatorNode, name: string, frame: Frame): readonly Known[] {
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
    return body.output.map((output) => find(inner, output.name, `node ${quote(node.name)}`));
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
    // An exporter may have made one tensor of a shift and a mean that were both zeros.
    const own = (statistic: typeof mean, part: string): typeof mean =>
      this.#elsewhere.has(statistic.name)
        ? { ...statistic, name: `${frame.prefix}${node.outputs[0]}/${part}` }
        : statistic;
    const value = this.#builder.scoped(node, () =>
      this.#options.batchNorm({
        x: x.value,
        scale: this.#builder.operand(scale, node, 1),
        bias: this.#builder.operand(bias, node, 2),
        mean: own(mean, 'running_mean'),
        variance: own(variance, 'running_var'),
        epsilon,
        momentum,
      }),
    );
    this.#builder.count(node);
    return [{ kind: 'value', value }];
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
    this.#builder.count(node);
    const rows = elementCount(value.shape.slice(0, axis));
    const build = opType === 'Softmax' ? op.softmax : op.logSoftmax;
    const result = this.#builder.scoped(node, () =>
      op.reshape(build(op.reshape(value, [rows, -1]), 1), value.shape),
    );
    return [{ kind: 'value', value: result }];
  }

  /** Adds a node by the builder of its operator. */
  #build(node: OperatorNode, frame: Frame): readonly Known[] {
    const { opType } = node;
    const pixels =
      node.inputs.some((known) => known?.kind === 'value' && this.#pixels.has(known.value)) &&
      scaling.has(opType);
    const layer = linearLayer(node, frame, this.#builder, this.#joined);
    if (layer) {
      this.#builder.count(node);
      return [layer];
    }
    const build = fileOperators.get(opType);
    if (!build) throw new UnknownOperatorError(opType);
    const operands = node.inputs.map((known, i) => {
      if (known === null) return null;
      // What scales pixels before any layer sees them belongs to the data.
      return pixels && known.kind === 'weight'
        ? this.#builder.constant(known.tensor)
        : this.#builder.operand(known, node, i);
    });
    const values = this.#builder.scoped(node, () => {
      const fileNode = new FileNode(
        this.#options.graph,
        { attribute: [...node.attributes.entries.values()], output: [...node.outputs] } as NodeProto,
        operands,
      );
      const outputs = build(fileNode);
      fileNode.finish();
      return outputs;
    });
    // Exporters name results that nobody uses, such as the keys of an attention.
    const used = node.outputs.findLastIndex((name) => name !== '' && frame.uses.has(name)) + 1;
    if (used > values.length)
      throw new GraphError(
        `its result ${used} is used, and ${values.length === 1 ? 'only the first is' : `only ${values.length} are`} read`,
      );
    this.#builder.count(node);
    if (pixels) for (const value of values) this.#pixels.add(value);
    const results = values.map((value): Known =>
      value.constant ? { kind: 'constant', tensor: value.constant } : { kind: 'value', value },
    );
    return opType === 'Conv' ? behindConvolution(node, results, this.#builder) : results;
  }

  #note(frame: Frame, name: string, known: Known): void {
    const key = `${frame.prefix}${name}`;
    const shape = shapeOf(known);
    if (shape) this.#shapes.set(key, shape);
    const found = constantOf(known);
    if (found?.dtype === 'int64' && found.shape.length === 1 && found.data.length <= 64)
      this.#lists.set(key, found);
  }
}

/** Operators of quantised models, in ONNX's own domain and in others. */
const quantized = /^(Q|q)Linear|Integer$|quantize_?linear$/i;

/** Operators that are read by other means than the table of builders. */
const readOtherwise = new Set([
  'Bernoulli',
  'ConcatFromSequence',
  'Erfc',
  'RandomUniform',
  'RandomUniformLike',
  'SequenceAt',
  'SequenceConstruct',
  'SequenceLength',
  'SplitToSequence',
  'Upsample',
]);

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
