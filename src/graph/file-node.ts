/** A node of a file on its way into a graph: inputs and attributes are checked as its operator asks for them. */
import { quote } from '../tensor/shorten.js';
import { type Graph, GraphError, type Value } from './graph.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
} from './onnx_pb.js';

/** The most dimensions of a tensor in a file. */
export const MAXIMUM_RANK = 32;
/** The most elements of an attribute or a constant that is a list of sizes, axes or indices of axes. */
const MAXIMUM_LIST = 2 * MAXIMUM_RANK;
/** The most bytes of an attribute that is a text. */
const MAXIMUM_TEXT = 500;

/** One node. What its checks throw says what is wrong; who reads the file puts the node's name in front. */
export class FileNode {
  readonly graph: Graph;
  /** How many results the file names. */
  readonly outputCount: number;
  readonly #inputs: readonly (Value | null)[];
  readonly #attributes = new Map<string, AttributeProto>();
  readonly #read = new Set<string>();
  #inputsRead = 0;

  /** @param inputs `null` for those that are left out */
  constructor(graph: Graph, { attribute, output }: NodeProto, inputs: readonly (Value | null)[]) {
    this.graph = graph;
    this.outputCount = output.length;
    this.#inputs = inputs;
    for (const entry of attribute) {
      if (this.#attributes.has(entry.name))
        throw new GraphError(`it has the attribute ${quote(entry.name)} twice`);
      this.#attributes.set(entry.name, entry);
    }
  }

  /** An input that has to be there. */
  input(index: number): Value {
    const value = this.optional(index);
    if (!value) throw new GraphError(`it lacks input ${index}`);
    return value;
  }

  /** An input, or null where it is left out. */
  optional(index: number): Value | null {
    this.#inputsRead = Math.max(this.#inputsRead, index + 1);
    return this.#inputs[index] ?? null;
  }

  /** All inputs, none of them left out. */
  inputs(): readonly Value[] {
    return this.#inputs.map((_, index) => this.input(index));
  }

  /** The elements of an input that has to be a constant list of whole numbers, such as a shape. */
  list(index: number): readonly number[] {
    const { dtype, shape, constant } = this.input(index);
    if (!constant || dtype !== 'int64' || shape.length !== 1 || shape[0] > MAXIMUM_LIST)
      throw new GraphError(`input ${index} is no constant list of at most ${MAXIMUM_LIST} int64 numbers`);
    return Array.from(constant.data as BigInt64Array, Number);
  }

  /** As `list`, or the fallback where the input is left out. */
  optionalList(index: number, fallback: readonly number[]): readonly number[] {
    return this.optional(index) ? this.list(index) : fallback;
  }

  /** The elements of an input that has to be a constant list of numbers, whole or not. */
  numbers(index: number): readonly number[] {
    const { dtype, shape, constant } = this.input(index);
    if (!constant || dtype === 'bool' || shape.length > 1 || (shape[0] ?? 1) > MAXIMUM_LIST)
      throw new GraphError(`input ${index} is no constant list of at most ${MAXIMUM_LIST} numbers`);
    return Array.from(constant.data as ArrayLike<number | bigint>, Number);
  }

  /** The one element of an input that has to be a constant number, in any of ONNX's two forms: [] or [1]. */
  constantNumber(index: number): number {
    const found = this.numbers(index);
    if (found.length !== 1) throw new GraphError(`input ${index} is no constant number`);
    return found[0];
  }

  /** An attribute that is a whole number; without a fallback it has to be there. */
  int(name: string, fallback?: number): number {
    const attribute = this.#attribute(name, AttributeType.INT, fallback);
    return attribute ? safe(name, attribute.i) : fallback!;
  }

  /** An attribute that is a list of whole numbers; without a fallback it has to be there. */
  ints(name: string, length: number, fallback?: readonly number[]): readonly number[] {
    const attribute = this.#attribute(name, AttributeType.INTS, fallback);
    if (!attribute) return fallback!;
    if (attribute.ints.length !== length)
      throw new GraphError(
        `attribute "${name}" has ${attribute.ints.length} elements where ${length} are needed`,
      );
    return attribute.ints.map((element) => safe(name, element));
  }

  /** An attribute that is a list of whole numbers of any length up to the most there are; undefined where it is absent. */
  optionalInts(name: string): readonly number[] | undefined {
    const attribute = this.#attribute(name, AttributeType.INTS, []);
    if (!attribute) return undefined;
    if (attribute.ints.length > MAXIMUM_LIST)
      throw new GraphError(
        `attribute "${name}" has ${attribute.ints.length} elements, and ${MAXIMUM_LIST} is the limit`,
      );
    return attribute.ints.map((element) => safe(name, element));
  }

  /** An attribute that is a yes, 1, or a no, 0. */
  flag(name: string, fallback: boolean): boolean {
    const value = this.int(name, fallback ? 1 : 0);
    if (value !== 0 && value !== 1)
      throw new GraphError(`attribute "${name}" must be 0 or 1, but is ${value}`);
    return value === 1;
  }

  /** An attribute that is a finite number. */
  number(name: string, fallback: number): number {
    const attribute = this.#attribute(name, AttributeType.FLOAT, fallback);
    const value = attribute ? attribute.f : fallback;
    if (!Number.isFinite(value)) throw new GraphError(`attribute "${name}" must be finite, but is ${value}`);
    return value;
  }

  /** An attribute that is a number of at least 0. */
  positive(name: string, fallback: number): number {
    const attribute = this.#attribute(name, AttributeType.FLOAT, fallback);
    const value = attribute ? attribute.f : fallback;
    if (!Number.isFinite(value) || value < 0)
      throw new GraphError(`attribute "${name}" must be finite and not negative, but is ${value}`);
    return value;
  }

  /** An attribute that is one of a few words. */
  text<T extends string>(name: string, words: readonly T[], fallback?: T): T {
    const attribute = this.#attribute(name, AttributeType.STRING, fallback);
    if (!attribute) return fallback!;
    // The longest word has a few letters.
    const written = new TextDecoder().decode(attribute.s.subarray(0, 100));
    const word = words.find((candidate) => candidate === written);
    if (word === undefined || attribute.s.length > 100)
      throw new GraphError(`attribute "${name}" must be ${words.join(' or ')}, but is ${quote(written)}`);
    return word;
  }

  /** An attribute that is any text of at most 500 bytes; it has to be there. */
  string(name: string): string {
    const { s } = this.#attribute(name, AttributeType.STRING, undefined)!;
    if (s.length > MAXIMUM_TEXT)
      throw new GraphError(`attribute "${name}" has ${s.length} bytes, and ${MAXIMUM_TEXT} is the limit`);
    return new TextDecoder().decode(s);
  }

  /** An attribute for which one value is supported; ONNX's default where the file has none. */
  only(name: string, value: number, standard = value): void {
    const found = this.int(name, standard);
    if (found !== value)
      throw new GraphError(`attribute "${name}" is ${found}, and tract-ts reads ${value} alone`);
  }

  /** @throws GraphError for an input or an attribute that nothing asked for */
  finish(): void {
    if (this.#inputs.length > this.#inputsRead)
      throw new GraphError(`it has ${this.#inputs.length} inputs where at most ${this.#inputsRead} are read`);
    for (const name of this.#attributes.keys())
      if (!this.#read.has(name)) throw new GraphError(`tract-ts does not read its attribute ${quote(name)}`);
  }

  #attribute(name: string, type: AttributeType, fallback: unknown): AttributeProto | undefined {
    this.#read.add(name);
    const attribute = this.#attributes.get(name);
    if (!attribute && fallback === undefined) throw new GraphError(`it lacks the attribute "${name}"`);
    if (attribute && attribute.type !== type)
      throw new GraphError(`its attribute "${name}" is of another type than ${AttributeType[type]}`);
    return attribute;
  }
}

/** A 64-bit number as JavaScript's, without rounding. */
function safe(name: string, value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new GraphError(`attribute "${name}" is ${value}, which is out of range`);
  return number;
}
