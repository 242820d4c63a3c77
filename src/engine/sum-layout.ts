/** The sums of a step in one piece of memory, so that they are added, and sent, as one. */
import {
  type DType,
  type Tensor,
  type TensorType,
  bytesPerElement,
  elementCount,
  elementsAt,
} from '../tensor/tensor.js';
import type { Tensors } from './session.js';

/** Boundaries at which elements of every type begin and end. */
const ALIGNMENT = 8;

/** Not shared with other threads, and not copied. */
export type Memory = Uint8Array<ArrayBuffer>;

/** Elements of one type, one behind the other. */
interface Region {
  readonly dtype: DType;
  /** In bytes, from the beginning. */
  readonly offset: number;
  readonly end: number;
}

/** Where each sum lies: those of large elements first, so that all are aligned without gaps. */
export class SumLayout {
  /** Of a piece, in bytes. */
  readonly pieceLength: number;
  readonly pieces: number;
  readonly #places: readonly { readonly name: string; readonly type: TensorType; readonly offset: number }[];
  readonly #regions: readonly Region[];

  /** @param pieces into how many equal pieces the memory can be cut, between elements */
  constructor(types: readonly (readonly [name: string, type: TensorType])[], pieces = 1) {
    const sorted = [...types].sort(([, a], [, b]) => compareTypes(a.dtype, b.dtype));
    const regions: Region[] = [];
    let end = 0;
    this.#places = sorted.map(([name, type]) => {
      const offset = end;
      end += elementCount(type.shape) * bytesPerElement(type.dtype);
      const last = regions.at(-1);
      if (last?.dtype === type.dtype) regions[regions.length - 1] = { ...last, end };
      else regions.push({ dtype: type.dtype, offset, end });
      return { name, type, offset };
    });
    this.#regions = regions;
    this.pieces = pieces;
    this.pieceLength = Math.ceil(end / ALIGNMENT / pieces) * ALIGNMENT;
  }

  /** Memory for all sums, zeros. */
  allocate(): Memory {
    return new Uint8Array(new ArrayBuffer(this.pieces * this.pieceLength));
  }

  /** The sums as tensors that lie in the memory. */
  tensorsIn({ buffer, byteOffset }: Memory): Tensors {
    return Object.fromEntries(
      this.#places.map(({ name, type: { dtype, shape }, offset }): [string, Tensor] => [
        name,
        { dtype, shape, data: elementsAt(dtype, buffer, byteOffset + offset, elementCount(shape)) },
      ]),
    );
  }

  /**
   * left += right, element by element.
   *
   * @param left, right the same part of the memory of two
   * @param from where it begins, a multiple of the length of a piece
   */
  add(left: Memory, right: Memory, from = 0): void {
    for (const { dtype, offset, end } of this.#regions) {
      const [first, last] = [Math.max(offset, from), Math.min(end, from + left.length)];
      if (first >= last) continue;
      const length = (last - first) / bytesPerElement(dtype);
      const elements = ({ buffer, byteOffset }: Memory): Float32Array =>
        elementsAt(dtype, buffer, byteOffset + first - from, length) as Float32Array;
      const [to, added] = [elements(left), elements(right)];
      for (let i = 0; i < length; i++) to[i] += added[i];
    }
  }
}

/** Large elements first, and those of one type together. */
function compareTypes(a: DType, b: DType): number {
  return bytesPerElement(b) - bytesPerElement(a) || (a < b ? -1 : Number(a > b));
}
