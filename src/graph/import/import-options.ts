/** What a file is added to a graph with, and what comes of it. */
import type { Shape, Tensor } from '../../tensor/tensor.js';
import type { Graph, Node, Value } from '../graph.js';
import type { Reference } from './batch-size.js';
import type { WeightUse } from './weight-use.js';

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
  /** Is told what each node that is added is called in the file (`labelOf`). */
  readonly origins?: WeakMap<Node, string>;
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
