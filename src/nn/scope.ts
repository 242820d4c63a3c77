/** How layers declare their parameters while the forward graph is built. */
import { Graph, GraphError, type Value } from '../graph/graph.js';
import type { Shape } from '../tensor/tensor.js';
import type { Initializer } from './init.js';

export interface Parameter {
  readonly value: Value;
  readonly initializer: Initializer;
}

/** State that is not trained by gradients, such as running statistics. */
export interface Buffer {
  readonly value: Value;
  /** Every element's initial value. */
  readonly fill: number;
  /** What a training step leaves in its place; absent in evaluation. */
  readonly next?: Value;
}

interface Declarations {
  readonly parameters: Map<string, Parameter>;
  readonly buffers: Map<string, Buffer>;
  readonly weights: (name: string, shape: Shape) => Value;
}

/** One place in the tree of layers, named as PyTorch names it: `layer1.0.conv1`. */
export class Scope {
  readonly graph: Graph;
  /** Whether layers behave as in training: batch norm uses the statistics of the batch. */
  readonly training: boolean;
  readonly path: string;
  readonly #declared: Declarations;

  private constructor(graph: Graph, training: boolean, path: string, declared: Declarations) {
    this.graph = graph;
    this.training = training;
    this.path = path;
    this.#declared = declared;
  }

  /**
   * The root of a model.
   *
   * @param weights the value of each parameter and buffer by its full name; default: graph inputs of these names
   */
  static root(
    graph: Graph,
    training: boolean,
    weights = (name: string, shape: Shape): Value => graph.input(name, 'float32', shape),
  ): Scope {
    return new Scope(graph, training, '', { parameters: new Map(), buffers: new Map(), weights });
  }

  /** The place one level down. */
  child(name: string | number): Scope {
    return new Scope(this.graph, this.training, this.#join(String(name)), this.#declared);
  }

  /** Declares a trained parameter (float32). */
  parameter(name: string, shape: Shape, initializer: Initializer): Value {
    const path = this.#join(name);
    const value = this.#declared.weights(path, shape);
    this.#declared.parameters.set(path, { value, initializer });
    return value;
  }

  /** Declares a buffer (float32). */
  buffer(name: string, shape: Shape, fill: number): Value {
    const path = this.#join(name);
    const value = this.#declared.weights(path, shape);
    this.#declared.buffers.set(path, { value, fill });
    return value;
  }

  /** Says what a buffer of this place becomes after a training step. */
  update(name: string, next: Value): void {
    const path = this.#join(name);
    const buffer = this.#declared.buffers.get(path);
    if (!buffer) throw new GraphError(`there is no buffer "${path}" to update`);
    this.#declared.buffers.set(path, { ...buffer, next });
  }

  /** Builds nodes that carry this place's name. */
  build<T>(nodes: () => T): T {
    return this.graph.inScope(this.path, nodes);
  }

  /** Everything declared so far in the whole tree, in the order of declaration. */
  get parameters(): ReadonlyMap<string, Parameter> {
    return this.#declared.parameters;
  }

  get buffers(): ReadonlyMap<string, Buffer> {
    return this.#declared.buffers;
  }

  #join(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}
