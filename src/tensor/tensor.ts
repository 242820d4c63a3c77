/**
 * Host tensors: a shape, an element type and a flat row-major array.
 *
 * Element types carry ONNX's names for them in lower case (`float32` is ONNX FLOAT, and so on).
 */

/** The typed array that holds the elements of each type; `bool` is one byte an element, 0 or 1, as in ONNX. */
export interface TypedArrays {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** Names of ONNX's types of elements. */
export type DType = keyof TypedArrays;
/** The lengths of the axes; none for a scalar. */
export type Shape = readonly number[];

/** What is known of a tensor before it is computed. */
export interface TensorType<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
}

/** Elements in row-major order, with their type and shape. */
export interface Tensor<D extends DType = DType> extends TensorType<D> {
  /** Row-major; its length is the product of the shape. */
  readonly data: TypedArrays[D];
}

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Bytes that one element of a type takes. */
export function bytesPerElement(dtype: DType): number {
  return constructors[dtype].BYTES_PER_ELEMENT;
}

/** The number of elements of a shape: the product of its dimensions, 1 for a scalar. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** A shape as people write it: `[128, 3, 32, 32]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** A zero-filled array for `length` elements of a type. */
export function allocate<D extends DType>(dtype: D, length: number): TypedArrays[D] {
  return new constructors[dtype](length) as TypedArrays[D];
}

/** The elements of a type that lie in memory from an offset on, which is a multiple of their size. */
export function elementsAt<D extends DType>(
  dtype: D,
  buffer: ArrayBuffer,
  offset: number,
  length: number,
): TypedArrays[D] {
  return new constructors[dtype](buffer, offset, length) as TypedArrays[D];
}

/**
 * A tensor over the given elements. Plain number arrays are converted; a typed array of the right type is not
 * copied.
 *
 * @throws RangeError when the number of elements does not fit the shape
 */
export function tensor<D extends DType>(
  dtype: D,
  shape: Shape,
  data: TypedArrays[D] | readonly number[],
): Tensor<D> {
  if (data.length !== elementCount(shape)) {
    throw new RangeError(
      `a ${dtype} tensor of shape ${formatShape(shape)} has ${elementCount(shape)} elements, but ${data.length} were given`,
    );
  }
  return {
    dtype,
    shape,
    data: Array.isArray(data) ? convert(dtype, data as number[]) : (data as TypedArrays[D]),
  };
}

/** A tensor filled with zeros. */
export function zeros<D extends DType>(dtype: D, shape: Shape): Tensor<D> {
  return { dtype, shape, data: allocate(dtype, elementCount(shape)) };
}

/** A matrix with its axes exchanged. */
export function transposedMatrix({ dtype, shape, data }: Tensor): Tensor {
  const [rows, columns] = shape;
  const result = allocate(dtype, data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = data[row * columns + column];
  return { dtype, shape: [columns, rows], data: result };
}

/** The elements as JavaScript numbers, for tests, printing and constant folding. */
export function toNumbers(value: Tensor): number[] {
  return Array.from(value.data as ArrayLike<number | bigint>, Number);
}

function convert<D extends DType>(dtype: D, values: readonly number[]): TypedArrays[D] {
  if (dtype === 'int64') return BigInt64Array.from(values, BigInt) as TypedArrays[D];
  return (constructors[dtype] as { from(values: readonly number[]): unknown }).from(values) as TypedArrays[D];
}
