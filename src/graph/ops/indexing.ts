/** Operators that choose elements by their positions, or put them there. */
import { type Shape, formatShape, sameShape } from '../../tensor/tensor.js';
import { int, string } from '../attributes.js';
import { GraphError, type Value, describe } from '../graph.js';
import { type Operand, operands } from './build.js';
import { add, cast, where } from './elementwise.js';
import { equal, less } from './logic.js';
import { int64s, normalizeAxis, range, reshape, zerosLike } from './shape.js';

const isIndex = ({ dtype }: Value): boolean => dtype === 'int64' || dtype === 'int32';

/** The least and the greatest element of each constant that was looked at. */
const extremes = new WeakMap<Value, readonly [number, number]>();

/** Refuses constant indices outside of -length … length - 1; computed ones are checked when the graph runs. */
function checkIndices(opType: string, indices: Value, length: number, what: () => string): void {
  if (!indices.constant) return;
  let found = extremes.get(indices);
  if (!found) {
    let [low, high] = [0, 0];
    for (const index of indices.constant.data) {
      low = Math.min(low, Number(index));
      high = Math.max(high, Number(index));
    }
    found = [low, high];
    extremes.set(indices, found);
  }
  if (found[0] < -length || found[1] >= length)
    throw new GraphError(`${opType}: there are indices outside of the ${length} ${what()}`);
}

/**
 * ONNX Gather-13 along an axis.
 *
 * @param x [before..., n, after...], with n the length of the axis
 * @param indices int64 or int32 of any shape, -n to n - 1; a list of numbers is a constant
 * @returns [before..., indices..., after...]
 */
export function gather(x: Value, indices: Value | readonly number[], axis = 0): Value {
  const at = normalizeAxis('Gather', axis, x.shape);
  const chosen = 'graph' in indices ? indices : indexList(x, indices, at);
  if (!isIndex(chosen))
    throw new GraphError(`Gather: ${describe(chosen)} are no indices into ${describe(x)}`);
  checkIndices('Gather', chosen, x.shape[at], () => `along axis ${at} of ${describe(x)}`);
  const shape = [...x.shape.slice(0, at), ...chosen.shape, ...x.shape.slice(at + 1)];
  return x.graph.add('Gather', [x, chosen], { axis: int(at) }, [{ dtype: x.dtype, shape }])[0];
}

function indexList(x: Value, indices: readonly number[], axis: number): Value {
  const whole = indices.every((index) => Number.isSafeInteger(index));
  if (indices.length === 0 || !whole)
    throw new GraphError(
      `Gather: ${formatShape(indices)} are no indices along axis ${axis} of ${describe(x)}`,
    );
  return int64s(x.graph, indices);
}

/** Checks indices that lie beside what they choose: no longer than it along the other axes. */
function checkElements(opType: string, x: Value, indices: Value, axis: number): number {
  const at = normalizeAxis(opType, axis, x.shape);
  const fits =
    isIndex(indices) &&
    indices.shape.length === x.shape.length &&
    indices.shape.every((length, i) => i === at || length <= x.shape[i]);
  if (!fits) throw new GraphError(`${opType}: ${describe(indices)} are no indices into ${describe(x)}`);
  checkIndices(opType, indices, x.shape[at], () => `along axis ${at} of ${describe(x)}`);
  return at;
}

/**
 * ONNX GatherElements-13: along axis 0, result[i, j, …] = x[indices[i, j, …], j, …].
 *
 * @param indices int64 or int32, of the rank of x and along the other axes at most as long
 * @returns alike in shape with the indices
 */
export function gatherElements(x: Value, indices: Value, axis = 0): Value {
  const at = checkElements('GatherElements', x, indices, axis);
  const result = { dtype: x.dtype, shape: indices.shape };
  return x.graph.add('GatherElements', [x, indices], { axis: int(at) }, [result])[0];
}

/** What becomes of an element that updates are written to: `none` replaces it. */
export type ScatterReduction = 'none' | 'add' | 'mul' | 'min' | 'max';

/**
 * ONNX ScatterElements-18: x with elements replaced by updates, or reduced with them. Along axis 0 update [i, j, …] goes
 * to [indices[i, j, …], j, …].
 *
 * @param indices int64 or int32, of the rank of x; without a reduction no element is named twice
 * @param updates alike in shape with the indices
 */
export function scatterElements(
  x: Value,
  indices: Value,
  updates: Value,
  { axis = 0, reduction = 'none' }: { readonly axis?: number; readonly reduction?: ScatterReduction } = {},
): Value {
  const at = checkElements('ScatterElements', x, indices, axis);
  if (!sameShape(indices.shape, updates.shape) || updates.dtype !== x.dtype)
    throw new GraphError(
      `ScatterElements: ${describe(indices, updates)} are no indices and updates of ${describe(x)}`,
    );
  const attributes = { axis: int(at), reduction: string(reduction) };
  return x.graph.add('ScatterElements', [x, indices, updates], attributes, [
    { dtype: x.dtype, shape: x.shape },
  ])[0];
}

/**
 * ONNX ScatterElements-18 of zeros with `reduction = "add"`: along axis 0, result[indices[i, …], …] += updates[i, …].
 *
 * @param length of the result's axis; its other axes are those of the updates
 * @param indices int64, alike in shape with the updates
 */
export function scatterAdd(length: number, indices: Value, updates: Value, axis = 0): Value {
  if (indices.dtype !== 'int64' || indices.shape.length === 0 || !sameShape(indices.shape, updates.shape)) {
    throw new GraphError(`ScatterElements: ${describe(indices, updates)} are no indices and updates`);
  }
  const { graph, dtype, shape } = updates;
  const at = normalizeAxis('ScatterElements', axis, shape);
  const base = zerosLike({ graph, dtype, shape: shape.with(at, length) });
  return scatterElements(base, indices, updates, { axis: at, reduction: 'add' });
}

/** Checks rows of coordinates, and gives how many coordinates there are and the shape of what they choose. */
function checkCoordinates(opType: string, x: Value, indices: Value, batch: number): [number, Shape] {
  const count = indices.shape.at(-1) ?? 0;
  const fits =
    indices.dtype === 'int64' &&
    Number.isSafeInteger(batch) &&
    batch >= 0 &&
    batch < Math.min(x.shape.length, indices.shape.length) &&
    sameShape(x.shape.slice(0, batch), indices.shape.slice(0, batch)) &&
    batch + count <= x.shape.length;
  if (!fits)
    throw new GraphError(
      `${opType}: ${describe(indices)} are no coordinates in ${describe(x)} with ${batch} axes of the batch`,
    );
  return [count, [...indices.shape.slice(0, -1), ...x.shape.slice(batch + count)]];
}

/**
 * ONNX GatherND-13: the parts of x at coordinates.
 *
 * @param indices int64 [..., k], rows of k coordinates
 * @param batchDimensions how many leading axes x and indices have in common
 * @returns [..., the axes of x behind the coordinates]
 */
export function gatherND(x: Value, indices: Value, batchDimensions = 0): Value {
  const [, shape] = checkCoordinates('GatherND', x, indices, batchDimensions);
  return x.graph.add('GatherND', [x, indices], { batch_dims: int(batchDimensions) }, [
    { dtype: x.dtype, shape },
  ])[0];
}

/**
 * ONNX ScatterND-18: x with the parts at coordinates replaced by updates, or reduced with them.
 *
 * @param indices int64 [..., k], rows of k coordinates; without a reduction none comes twice
 * @param updates [..., the axes of x behind the coordinates]
 */
export function scatterND(
  x: Value,
  indices: Value,
  updates: Value,
  reduction: ScatterReduction = 'none',
): Value {
  const [, shape] = checkCoordinates('ScatterND', x, indices, 0);
  if (!sameShape(updates.shape, shape) || updates.dtype !== x.dtype)
    throw new GraphError(
      `ScatterND: the updates of ${describe(x)} at ${describe(indices)} are not ${describe(updates)}`,
    );
  return x.graph.add('ScatterND', [x, indices, updates], { reduction: string(reduction) }, [
    { dtype: x.dtype, shape: x.shape },
  ])[0];
}

/** The most classes of a one-hot encoding. */
const MAXIMUM_DEPTH = 2 ** 20;

/**
 * ONNX OneHot-11 as a comparison with 0, 1, 2, …: `on` where a new axis says the index, else `off`. Negative indices
 * count from the back; where one is out of range all is `off`.
 *
 * @param indices of integers
 * @param depth length of the new axis
 * @param axis where it is in the result
 * @param off, on scalars, one of them a value
 */
export function oneHot(indices: Value, depth: number, off: Operand, on: Operand, axis = -1): Value {
  const rank = indices.shape.length + 1;
  const at = normalizeAxis('OneHot', axis, Array<number>(rank).fill(1));
  if (!Number.isSafeInteger(depth) || depth < 1 || depth > MAXIMUM_DEPTH)
    throw new GraphError(`OneHot: the depth must be from 1 to ${MAXIMUM_DEPTH}, not ${depth}`);
  const whole = cast(indices, 'int64');
  const positive = where(less(whole, 0), add(whole, depth), whole);
  const classes = reshape(
    range(indices.graph, 0, depth),
    Array.from({ length: rank }, (_, i) => (i === at ? depth : 1)),
  );
  const hit = equal(reshape(positive, indices.shape.toSpliced(at, 0, 1)), classes);
  const [low, high] = operands('OneHot', off, on);
  return where(hit, high, low);
}
