/** How layers declare their parameters while the forward graph is built. */
import { type Graph, GraphError, type Value } from '../graph/graph.js';
import { stateName } from '../graph/state-names.js';
import type { Shape } from '../tensor/tensor.js';
import { type Initializer, constant } from './init.js';
import { type RandomSource, uniformBits } from './random-bits.js';
import type { Conv2dOptions } from './conv2d-options.js';

/**
 * What a parameter is to its layer: `norm` for the scale and shift of a normalisation, `bias` for any other shift,
 * `embedding` for positions and tokens, `weight` for the rest.
 */
export type ParameterKind = 'weight' | 'bias' | 'norm' | 'embedding';

/** A trained parameter of a model. */
export interface Parameter {
  readonly value: Value;
  readonly initializer: Initializer;
  readonly kind: ParameterKind;
}

/** State that is not trained by gradients, such as running statistics. */
export interface Buffer {
  readonly value: Value;
  readonly initializer: Initializer;
  /** What a training step leaves in its place; absent in evaluation, and where it never changes. */
  readonly next?: Value;
}

/** Builds a two-dimensional convolution. */
export type Conv2dBuilder = (scope: Scope, x: Value, outChannels: number, options: Conv2dOptions) => Value;

/** How a forward pass is built. */
export interface ScopeOptions {
  /** Whether layers behave as in training: batch norm uses the statistics of the batch. */
  readonly training: boolean;
  /**
   * The value of each parameter and buffer by its full name. Default: a graph input, `state/` followed by the name, so
   * that no parameter can be mistaken for another input.
   */
  readonly weights?: (name: string, shape: Shape) => Value;
  /** What draws in training depend on. Default: random numbers are graph inputs, `random/` followed by their name. */
  readonly random?: () => RandomSource;
  /** Which parameters are not trained. Default: none of them. */
  readonly isFrozen?: (name: string) => boolean;
}

/** What all places of one tree share. */
interface Tree {
  readonly graph: Graph;
  readonly training: boolean;
  readonly weights: (name: string, shape: Shape) => Value;
  readonly parameters: Map<string, Parameter>;
  readonly buffers: Map<string, Buffer>;
  readonly substitutes: Map<string, Conv2dBuilder>;
  readonly random: (() => RandomSource) | undefined;
  readonly isFrozen: (name: string) => boolean;
  readonly drawn: Set<string>;
}

/** One place in the tree of layers, named as PyTorch names it: `layer1.0.conv1`. */
export class Scope {
  readonly path: string;
  /** The place one level up; absent at the root. */
  readonly parent: Scope | undefined;
  readonly #tree: Tree;

  private constructor(tree: Tree, path: string, parent?: Scope) {
    this.#tree = tree;
    this.path = path;
    this.parent = parent;
  }

  /** The root of a model. */
  static root(graph: Graph, { training, weights, random, isFrozen }: ScopeOptions): Scope {
    return new Scope(
      {
        graph,
        training,
        weights: weights ?? ((name, shape) => graph.input(stateName(name), 'float32', shape)),
        parameters: new Map(),
        buffers: new Map(),
        substitutes: new Map(),
        random,
        isFrozen: isFrozen ?? (() => false),
        drawn: new Set(),
      },
      '',
    );
  }

  get graph(): Graph {
    return this.#tree.graph;
  }

  get training(): boolean {
    return this.#tree.training;
  }

  /**
   * Whether a normalisation is by the statistics of the batch, and moves the running ones: in training, unless all of its
   * parameters are frozen.
   *
   * @param affine its scale and shift, which need not be parameters
   */
  usesBatchStatistics(affine: readonly Value[]): boolean {
    const { training, parameters, isFrozen } = this.#tree;
    const own = [...parameters].filter(([, { value }]) => affine.includes(value));
    return training && !(own.length > 0 && own.every(([name]) => isFrozen(name)));
  }

  /** The place one level down. */
  child(name: string | number): Scope {
    return new Scope(this.#tree, this.#join(String(name)), this);
  }

  /**
   * Declares a trained parameter (float32).
   *
   * @throws GraphError where the place has something of that name already
   */
  parameter(name: string, shape: Shape, initializer: Initializer, kind: ParameterKind = 'weight'): Value {
    const path = this.#unused(name);
    const value = this.#tree.weights(path, shape);
    this.#tree.parameters.set(path, { value, initializer, kind });
    return value;
  }

  /**
   * Declares a buffer (float32).
   *
   * @param initializer a number for all elements, or how they come about
   * @throws GraphError where the place has something of that name already
   */
  buffer(name: string, shape: Shape, initializer: Initializer | number): Value {
    const path = this.#unused(name);
    const value = this.#tree.weights(path, shape);
    this.#tree.buffers.set(path, {
      value,
      initializer: typeof initializer === 'number' ? constant(initializer) : initializer,
    });
    return value;
  }

  /** Says what a buffer of this place becomes after a training step. */
  update(name: string, next: Value): void {
    const path = this.#join(name);
    const buffer = this.#tree.buffers.get(path);
    if (!buffer) throw new GraphError(`there is no buffer "${path}" to update`);
    this.#tree.buffers.set(path, { ...buffer, next });
  }

  /**
   * Random numbers, uniform in [0, 1), other ones at every step: a function of the run's seed, the name and the step.
   *
   * @returns float32 of the given shape
   * @throws GraphError where the place has drawn under that name already: the numbers would be the same
   */
  uniform(name: string, shape: Shape): Value {
    const path = this.#join(name);
    if (this.#tree.drawn.has(path)) throw new GraphError(`the model draws "${path}" twice`);
    this.#tree.drawn.add(path);
    const { random, graph } = this.#tree;
    return random
      ? uniformBits(graph, shape, path, random())
      : graph.input(`random/${path}`, 'float32', shape);
  }

  /** Builds nodes that carry this place's name. */
  build<T>(nodes: () => T): T {
    return this.graph.inScope(this.path, nodes);
  }

  /** Has the convolution of the given path built in another way: what ablations exchange a model's layer by. */
  substitute(path: string, builder: Conv2dBuilder): void {
    this.#tree.substitutes.set(path, builder);
  }

  /** What builds this place's convolution instead of `conv2d`, once. */
  takeSubstitute(): Conv2dBuilder | undefined {
    const builder = this.#tree.substitutes.get(this.path);
    this.#tree.substitutes.delete(this.path);
    return builder;
  }

  /** Everything declared so far in the whole tree, in the order of declaration. */
  get parameters(): ReadonlyMap<string, Parameter> {
    return this.#tree.parameters;
  }

  get buffers(): ReadonlyMap<string, Buffer> {
    return this.#tree.buffers;
  }

  /** The inputs that hold random numbers, by the names that they were asked for. */
  #join(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  #unused(name: string): string {
    const path = this.#join(name);
    if (this.#tree.parameters.has(path) || this.#tree.buffers.has(path))
      throw new GraphError(`the model declares "${path}" twice`);
    return path;
  }
}
