/**
 * Linear maps along one axis, with weights that are known when the graph is built: what padding by reflection, pooling
 * by averages and resizing do along each of their axes, and their transposes, which give the gradients.
 */
import { elementCount } from '../../tensor/tensor.js';
import { GraphError, type Value, describe } from '../graph.js';
import { isFloat } from './build.js';
import { matMul } from './linear-algebra.js';
import { normalizeAxis, reshape } from './shape.js';

/** For each element of the result, which elements of the axis are summed and with which weights. */
export interface AxisMap {
  /** The length of the axis that is mapped. */
  readonly from: number;
  /** The length of the result. */
  readonly to: number;
  /** What element i of the result is; asked for where the map is small enough alone. */
  readonly row: (i: number) => readonly (readonly [index: number, weight: number])[];
}

/** The most elements of a matrix that such a map becomes: that of 4,096 elements to as many. */
const MAXIMUM_WEIGHTS = 2 ** 24;

/**
 * The elements along an axis replaced by the sums that a map says, as a product with a constant matrix.
 *
 * @param transposed the transposed map: the gradient of the one that is given
 * @throws GraphError for a map whose matrix would be too large
 */
export function mapAxis(
  x: Value,
  axis: number,
  { from, to: length, row }: AxisMap,
  transposed = false,
): Value {
  const at = normalizeAxis('MatMul', axis, x.shape);
  const [into, outOf] = transposed ? [from, length] : [length, from];
  if (x.shape[at] !== outOf)
    throw new GraphError(`MatMul: a map of ${outOf} elements does not fit axis ${at} of ${describe(x)}`);
  if (into * outOf > MAXIMUM_WEIGHTS)
    throw new GraphError(`MatMul: a map of ${outOf} elements to ${into} is too large: ${describe(x)}`);
  const [before, after] = [elementCount(x.shape.slice(0, at)), elementCount(x.shape.slice(at + 1))];
  const last = after === 1;
  // From the left [into, outOf]; from the right, for the last axis, [outOf, into].
  const elements = new Float64Array(into * outOf);
  for (let i = 0; i < length; i++) {
    for (const [j, weight] of row(i)) {
      const [to, source] = transposed ? [j, i] : [i, j];
      elements[last ? source * into + to : to * outOf + source] += weight;
    }
  }
  if (!isFloat(x)) throw new GraphError(`MatMul: ${describe(x)} is not floating-point`);
  const data = x.dtype === 'float64' ? elements : Float32Array.from(elements);
  const matrix = x.graph.constant({ dtype: x.dtype, shape: last ? [outOf, into] : [into, outOf], data });
  const product = last
    ? matMul(reshape(x, [before, outOf]), matrix)
    : matMul(matrix, reshape(x, [before, outOf, after]));
  return reshape(product, x.shape.with(at, into));
}
