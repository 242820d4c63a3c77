/** From what is known of a file's values to values of the graph. */
import { shorten } from '../../tensor/shorten.js';
import { type Tensor, transposedMatrix } from '../../tensor/tensor.js';
import { GraphError, type Value } from '../graph.js';
import { transpose } from '../ops.js';
import { asFloat32 } from './constants.js';
import type { ImportOptions } from './import-options.js';
import type { Known, OperatorNode } from './known.js';
import { neverTrained, useOf } from './weight-use.js';

/** The graph that a file is added to. A constant or a weight of the file is one value of it, however often it is used. */
export class GraphBuilder {
  readonly options: ImportOptions;
  /** How many nodes of each operator there are. */
  readonly operators = new Map<string, number>();
  readonly #constants = new Map<Tensor, Value>();
  readonly #weights = new Map<string, Value>();

  constructor(options: ImportOptions) {
    this.options = options;
  }

  /** What is known of an input as a value of the graph. */
  operand(known: Known, node: OperatorNode, index: number): Value {
    if (known.kind !== 'weight') return this.value(known, `input ${index}`);
    if (neverTrained(node, index, known)) return this.constant(known.tensor);
    const found = this.#weights.get(known.name);
    if (found) return found;
    const { name, tensor, transposed = false } = known;
    const use = useOf(node, index, known);
    const value = transposed
      ? transpose(this.options.weight(name, turned(tensor), use), [1, 0])
      : this.options.weight(name, tensor, use);
    this.#weights.set(known.name, value);
    return value;
  }

  value(known: Known, what: string): Value {
    switch (known.kind) {
      case 'value':
        return known.value;
      case 'constant':
      case 'weight':
        return this.constant(known.tensor);
      default:
        throw new GraphError(`${what} is not known`);
    }
  }

  constant(value: Tensor): Value {
    let found = this.#constants.get(value);
    if (!found) {
      found = this.options.graph.constant(asFloat32(value));
      this.#constants.set(value, found);
    }
    return found;
  }

  count({ opType }: Pick<OperatorNode, 'opType'>): void {
    this.operators.set(opType, (this.operators.get(opType) ?? 0) + 1);
  }

  /** Builds nodes that carry the name of the part of the model that they are of. */
  scoped<T>(node: OperatorNode, build: () => T): T {
    const name = shorten(node.name, 200).replace(/^\/+/, '');
    return this.options.graph.inScope(name.slice(0, Math.max(name.lastIndexOf('/'), 0)), build);
  }
}

/** A matrix with its axes exchanged; its elements are copied when they are asked for. */
const turned = (matrix: Tensor): Tensor => ({
  dtype: matrix.dtype,
  shape: [matrix.shape[1], matrix.shape[0]],
  get data() {
    return transposedMatrix(matrix).data;
  },
});
