/** Attributes of a node of a file, by name, with their types checked. */
import { quote } from '../../tensor/shorten.js';
import { GraphError } from '../graph.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type TensorProto,
} from '../onnx_pb.js';

/** The attributes of one node. They may be taken away and added to, as older forms are turned into newer ones. */
export class AttributeReader {
  readonly entries: Map<string, AttributeProto>;

  /** @throws GraphError where a name is there twice */
  constructor(attributes: readonly AttributeProto[]) {
    this.entries = new Map();
    for (const attribute of attributes) {
      if (this.entries.has(attribute.name))
        throw new GraphError(`it has the attribute ${quote(attribute.name)} twice`);
      this.entries.set(attribute.name, attribute);
    }
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** A whole number; undefined where it is not there and there is no fallback. */
  int(name: string): number | undefined;
  int(name: string, fallback: number): number;
  int(name: string, fallback?: number): number | undefined {
    const attribute = this.#typed(name, AttributeType.INT);
    return attribute ? whole(name, attribute.i) : fallback;
  }

  ints(name: string): readonly number[] | undefined {
    return this.#typed(name, AttributeType.INTS)?.ints.map((element) => whole(name, element));
  }

  /** A 64-bit number as it is. */
  bigint(name: string): bigint | undefined {
    return this.#typed(name, AttributeType.INT)?.i;
  }

  bigints(name: string): readonly bigint[] | undefined {
    return this.#typed(name, AttributeType.INTS)?.ints;
  }

  float(name: string): number | undefined;
  float(name: string, fallback: number): number;
  float(name: string, fallback?: number): number | undefined {
    const attribute = this.#typed(name, AttributeType.FLOAT);
    return attribute ? attribute.f : fallback;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#typed(name, AttributeType.FLOATS)?.floats;
  }

  /** A word of at most 100 letters. */
  text(name: string, fallback: string): string {
    const attribute = this.#typed(name, AttributeType.STRING);
    return attribute ? new TextDecoder().decode(attribute.s.subarray(0, 100)) : fallback;
  }

  tensor(name: string): TensorProto | undefined {
    return this.#typed(name, AttributeType.TENSOR)?.t;
  }

  /** Takes an attribute away. */
  remove(...names: readonly string[]): void {
    for (const name of names) this.entries.delete(name);
  }

  #typed(name: string, type: AttributeType): AttributeProto | undefined {
    const attribute = this.entries.get(name);
    if (attribute && attribute.type !== type)
      throw new GraphError(`its attribute ${quote(name)} is of another type than ${AttributeType[type]}`);
    return attribute;
  }
}

function whole(name: string, value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new GraphError(`attribute ${quote(name)} is ${value}, which is out of range`);
  return number;
}
