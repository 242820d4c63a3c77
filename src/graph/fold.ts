/**
 * Constant folding: computes a node whose inputs are all constant, once, while the graph is built.
 *
 * Only operators that are exactly the same on the host are folded. The table is short on purpose: it covers what
 * builders and backward rules do to constants; ONNX Runtime folds whatever else is constant when it loads a graph.
 */
import {
  type Shape,
  type Tensor,
  type TensorType,
  type TypedArrays,
  allocate,
  elementCount,
  sameShape,
} from '../tensor/tensor.js';
import type { Attributes } from './attributes.js';
import { broadcastShape, broadcastStrides, rowMajorStrides } from './broadcast.js';

/** Larger results stay nodes: a file should not carry what can be computed faster than it is read. */
const MAXIMUM_ELEMENTS = 4096;

/**
 * How many elements may still be computed for one graph; what comes after that stays nodes. It bounds what a small
 * file of chained constants can grow to. The training step of a ViT computes 2,305.
 */
export class FoldingBudget {
  #elements = 1_000_000;

  /** Whether there is room for a result; takes it away. */
  spend(elements: number): boolean {
    if (elements > this.#elements) return false;
    this.#elements -= elements;
    return true;
  }
}

// Maps, because an operator's name may come from a file, and objects inherit properties with names of their own.
const binary = new Map<string, (a: number, b: number) => number>([
  ['Add', (a, b) => a + b],
  ['Sub', (a, b) => a - b],
  ['Mul', (a, b) => a * b],
  ['Div', (a, b) => a / b],
]);

const unary = new Map<string, (a: number) => number>([
  ['Neg', (a) => -a],
  ['Reciprocal', (a) => 1 / a],
  ['Sqrt', Math.sqrt],
]);

/** Operators that keep the order of the elements. */
const rearrangeNothing = new Set(['Reshape', 'Identity']);

/**
 * The folded constant, or undefined where the node has to stay. It also stays where the types it is said to have do
 * not hold: ONNX Runtime refuses such a graph.
 *
 * @param budget what may still be computed for this graph
 */
export function fold(
  opType: string,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes,
  results: readonly TensorType[],
  budget: FoldingBudget,
): Tensor | undefined {
  if (inputs.length === 0 || results.length !== 1 || elementCount(results[0].shape) > MAXIMUM_ELEMENTS)
    return undefined;
  const [a, b] = inputs;
  if (!a || inputs.includes(undefined)) return undefined;
  const [{ dtype, shape }] = results;
  if (dtype !== a.dtype) return undefined;
  if (rearrangeNothing.has(opType))
    return elementCount(shape) === a.data.length ? { dtype, shape, data: a.data } : undefined;
  // 64-bit integers do not fit JavaScript numbers, and the division of integers is another operation.
  if (!isFloat(a) || (b && !isFloat(b))) return undefined;
  const fill = computation(opType, a, b, attributes, results[0]);
  if (!fill || !budget.spend(elementCount(shape))) return undefined;
  const data = allocate(dtype, elementCount(shape)) as FloatArray;
  fill(data);
  return { dtype, shape, data };
}

type FloatArray = Float32Array | Float64Array;
type FloatTensor = Tensor<'float32' | 'float64'> & { readonly data: TypedArrays['float64'] };

/** What writes the elements of the result; undefined for operators that are not known, or where types do not fit. */
function computation(
  opType: string,
  a: FloatTensor,
  b: FloatTensor | undefined,
  attributes: Attributes,
  { dtype, shape }: TensorType,
): ((data: FloatArray) => void) | undefined {
  const combine = binary.get(opType);
  if (combine && b?.dtype === dtype && sameShape(broadcastShape(a.shape, b.shape) ?? [-1], shape)) {
    const strides = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
    return (data) => {
      forEachIndex(shape, strides, (position, [i, j]) => (data[position] = combine(a.data[i], b.data[j])));
    };
  }
  const compute = unary.get(opType);
  if (compute && sameShape(a.shape, shape)) {
    return (data) => {
      data.forEach((_, position) => (data[position] = compute(a.data[position])));
    };
  }
  const perm = opType === 'Transpose' ? permutation(attributes, a.shape, shape) : undefined;
  if (!perm) return undefined;
  const strides = rowMajorStrides(a.shape);
  return (data) => {
    forEachIndex(shape, [perm.map((axis) => strides[axis])], (position, [i]) => (data[position] = a.data[i]));
  };
}

/** The axes of a Transpose node, where they lead from the one shape to the other. */
function permutation(attributes: Attributes, from: Shape, to: Shape): readonly number[] | undefined {
  if (!Object.hasOwn(attributes, 'perm') || attributes.perm.type !== 'ints') return undefined;
  const { value } = attributes.perm;
  const permuted = value.map((axis) => from[axis]);
  return sameShape(permuted, to) ? value : undefined;
}

function isFloat(value: Tensor): value is FloatTensor {
  return value.dtype === 'float32' || value.dtype === 'float64';
}

/** Visits every index of `shape` in row-major order with the matching offsets into arrays of the given strides. */
function forEachIndex(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (position: number, offsets: readonly number[]) => void,
): void {
  const count = elementCount(shape);
  for (let position = 0; position < count; position++) {
    let rest = position;
    const offsets = strides.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = rest % shape[axis];
      rest = (rest - index) / shape[axis];
      for (let k = 0; k < strides.length; k++) offsets[k] += index * strides[k][axis];
    }
    visit(position, offsets);
  }
}
