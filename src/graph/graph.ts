/**
 * The one intermediate representation of this project, and it is ONNX: nodes with an operator type and attributes,
 * values with a static shape, constants (ONNX initializers), named inputs and outputs.
 *
 * Nodes are added by the typed builders in `ops/`, which infer shapes at once. A node is never changed after it was
 * added, and it only refers to values that exist already, so the list of nodes is in topological order by
 * construction. Adding a node that is already there (same operator, inputs, attributes and results) returns the
 * existing one, unless it draws random numbers.
 */
import {
  type DType,
  type Shape,
  type Tensor,
  type TensorType,
  elementCount,
  formatShape,
} from '../tensor/tensor.js';
import { type Attributes, attributesKey } from './attributes.js';
import { FoldingBudget, fold } from './fold.js';
import { isRandom } from './random-operators.js';

export { MICROSOFT_DOMAIN, TRACT_DOMAIN } from './domains.js';

/** A tensor of a graph that is not computed yet; its type and shape are known. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** The node that computes it; absent for inputs and constants. */
  readonly producer?: Node;
  /** The elements of a constant. */
  readonly constant?: Tensor;
}

/** An operator's use. */
export interface Node {
  readonly opType: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  /** `null` stands for an optional input that was left out. */
  readonly inputs: readonly (Value | null)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** The part of the model it belongs to, such as `layer1.0.conv1` or `layer1.0.conv1/grad`. */
  readonly scope: string;
}

/** An operator by its name, with the domain in front where it is not ONNX's own: `Conv`, `tract.Linear`. */
export function operatorName({ domain, opType }: Pick<Node, 'domain' | 'opType'>): string {
  return domain === '' ? opType : `${domain}.${opType}`;
}

/** A mistake in building a graph; the message names the operator and the shapes it saw. */
export class GraphError extends Error {
  override name = 'GraphError';
}

/** Nodes in topological order, with inputs and outputs: what becomes an `.onnx` file. */
export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly outputs = new Map<string, Value>();
  readonly #known = new Map<string, readonly Value[]>();
  readonly #names = new Set<string>();
  readonly #reserved: ReadonlySet<string>;
  readonly #folding = new FoldingBudget();
  #generated = 0;
  #scope = '';

  /** @param reserved names that inputs and outputs will get later: no value between is given one of them */
  constructor(reserved: Iterable<string> = []) {
    this.#reserved = new Set(reserved);
  }

  /** A graph input that is fed at every run. */
  input(name: string, dtype: DType, shape: Shape): Value {
    checkShape(`input ${name}`, shape);
    if (this.outputs.has(name) || this.#names.has(name))
      throw new GraphError(`the graph has a value or an output named "${name}" already`);
    this.#names.add(name);
    const value: Value = { graph: this, name, dtype, shape };
    this.inputs.push(value);
    return value;
  }

  /** Names a value as a result of the graph. */
  output(name: string, value: Value): void {
    if (value.graph !== this) throw new GraphError(`output "${name}" belongs to another graph`);
    // ONNX has one name space for inputs, results of nodes and outputs.
    if (this.outputs.has(name) || this.#names.has(name))
      throw new GraphError(`the graph has a value or an output named "${name}" already`);
    this.outputs.set(name, value);
  }

  /** A constant (ONNX initializer). Small constants with the same contents are one value. */
  constant(tensor: Tensor): Value {
    const create = (): Value => ({
      graph: this,
      name: this.#unusedName('constant'),
      dtype: tensor.dtype,
      shape: tensor.shape,
      constant: tensor,
    });
    const { dtype, shape, data } = tensor;
    if (data.length > 64) return create();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return this.#once(`constant ${dtype} [${shape.join()}] ${bytes.join()}`, () => [create()])[0];
  }

  /** Runs `build` with every node it adds belonging to the given part of the model. */
  inScope<T>(scope: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = scope;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  get scope(): string {
    return this.#scope;
  }

  /**
   * Adds a node whose result types the caller has inferred. Builders in `ops/` are the way to call this; a node
   * whose inputs are all constant is computed at once, where that is possible. Of a node that is there already the
   * results are given back, but a node that draws random numbers is always a new one.
   */
  add(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes,
    results: readonly TensorType[],
    domain = '',
  ): readonly Value[] {
    for (const input of inputs) {
      if (input && input.graph !== this)
        throw new GraphError(`${opType}: the input "${input.name}" belongs to another graph`);
    }
    for (const { shape } of results) checkShape(opType, shape);
    const create = (): readonly Value[] => {
      const folded =
        domain === ''
          ? fold(
              opType,
              inputs.map((input) => input?.constant),
              attributes,
              results,
              this.#folding,
            )
          : undefined;
      if (folded) return [this.constant(folded)];
      const node: Node & { outputs: Value[] } = {
        opType,
        domain,
        inputs,
        attributes,
        outputs: [],
        scope: this.#scope,
      };
      for (const { dtype, shape } of results) {
        const name = this.#unusedName(this.#scope ? `${this.#scope}/${opType}` : opType);
        node.outputs.push({ graph: this, name, dtype, shape, producer: node });
      }
      this.nodes.push(node);
      return node.outputs;
    };
    if (isRandom(opType, inputs, domain)) return create();
    const key = JSON.stringify([
      domain,
      opType,
      inputs.map((input) => input?.name ?? null),
      attributesKey(attributes),
      results.map(({ dtype, shape }) => [dtype, shape]),
    ]);
    return this.#once(key, create);
  }

  #once(key: string, create: () => readonly Value[]): readonly Value[] {
    let values = this.#known.get(key);
    if (!values) {
      values = create();
      this.#known.set(key, values);
    }
    return values;
  }

  #unusedName(stem: string): string {
    let name: string;
    do name = `${stem}_${this.#generated++}`;
    while (this.#names.has(name) || this.#reserved.has(name) || this.outputs.has(name));
    this.#names.add(name);
    return name;
  }
}

/** Values in words, for error messages: `float32 [128, 64] and float32 [10, 32]`. */
export function describe(...values: readonly TensorType[]): string {
  return values.map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`).join(' and ');
}

function checkShape(what: string, shape: Shape): void {
  if (!shape.every((dimension) => Number.isSafeInteger(dimension) && dimension > 0)) {
    throw new GraphError(
      `${what}: every dimension must be a positive whole number, not ${formatShape(shape)}`,
    );
  }
  if (!Number.isSafeInteger(elementCount(shape)))
    throw new GraphError(`${what}: ${formatShape(shape)} is too large`);
}
