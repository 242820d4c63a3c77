/** ONNX's multidirectional broadcasting: shapes are aligned at the last axis, and a dimension of 1 repeats. */
import type { Shape } from '../tensor/tensor.js';

/** The shape two shapes broadcast to, or undefined where they do not fit. */
export function broadcastShape(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    // Not the greater one, which for lengths of 0 and 1 would be wrong.
    result.push(left === 1 ? right : left);
  }
  return result;
}

/** How far apart neighbours along each axis lie in a row-major array. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** The strides with which an array of shape `from` is read at the indices of the shape it broadcasts to. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = rowMajorStrides(from);
  return to.map((_, axis) => {
    const source = axis - to.length + from.length;
    return source < 0 || from[source] === 1 ? 0 : strides[source];
  });
}
