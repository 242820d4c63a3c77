/** Moving elements of host tensors: what every operator does that rearranges without computing. */
import { type Shape, type Tensor, allocate, elementCount } from '../../../tensor/tensor.js';
import { rowMajorStrides } from '../../broadcast.js';

/** A tensor whose element i is element `from(i)` of another. */
export function moved(source: Tensor, shape: Shape, from: (position: number) => number): Tensor {
  const data = allocate(source.dtype, elementCount(shape));
  for (let i = 0; i < data.length; i++) data[i] = source.data[from(i)];
  return { dtype: source.dtype, shape, data };
}

/** The elements of `source` at the offsets that strides over the result's shape lead to. */
export function strided(source: Tensor, shape: Shape, strides: readonly number[], start = 0): Tensor {
  const data = allocate(source.dtype, elementCount(shape));
  const index = shape.map(() => 0);
  let offset = start;
  for (let i = 0; i < data.length; i++) {
    data[i] = source.data[offset];
    // The next index in row-major order.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis];
      if (++index[axis] < shape[axis]) break;
      offset -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { dtype: source.dtype, shape, data };
}

/** The same elements in another shape. */
export function reshaped({ dtype, data }: Tensor, shape: Shape): Tensor {
  return { dtype, shape, data };
}

/** Calls back for every index of a shape, in row-major order. The index is one array, changed from call to call. */
export function forEachIndex(
  shape: Shape,
  visit: (index: readonly number[], position: number) => void,
): void {
  const count = elementCount(shape);
  const index = shape.map(() => 0);
  for (let position = 0; position < count; position++) {
    visit(index, position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/** Where an index lies in a row-major array of a shape. */
export function offsetIn(shape: Shape, index: readonly number[]): number {
  const strides = rowMajorStrides(shape);
  return index.reduce((sum, at, axis) => sum + at * strides[axis], 0);
}
