/**
 * The shape arithmetic of exporters (Shape, Gather, Concat, Cast, Range, …), and whatever else depends on constants
 * alone, computed while a file is read: what comes out are lengths, axes, masks and positions.
 *
 * Every result is counted against a budget before it is allocated, so that a small file cannot grow large.
 */
import {
  type DType,
  type Shape,
  type Tensor,
  allocate,
  elementCount,
  sameShape,
} from '../../tensor/tensor.js';
import { broadcastShape, broadcastStrides, rowMajorStrides } from '../broadcast.js';
import { GraphError } from '../graph.js';
import type { AttributeReader } from './attribute-reader.js';
import { readAs } from './file-tensor.js';
import { forEachIndex, moved, offsetIn, reshaped, strided } from './host-indices.js';

/** The most elements of one computed constant, and of all together. */
const MOST_ELEMENTS = 4_000_000;
const MOST_IN_ALL = 32_000_000;

/** How much may still be computed for one graph. */
export class HostBudget {
  #left = MOST_IN_ALL;

  /** @throws GraphError where nothing is left for a result of the given shape */
  spend(shape: Shape): void {
    const count = elementCount(shape);
    if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0))
      throw new GraphError(`a constant of shape [${shape.join(', ')}] is none`);
    if (count > MOST_ELEMENTS || count > this.#left)
      throw new GraphError(`computing a constant of shape [${shape.join(', ')}] is too much`);
    this.#left -= Math.max(count, 1);
  }
}

/** A node whose inputs are all constant. */
interface HostCall {
  readonly attributes: AttributeReader;
  readonly inputs: readonly (Tensor | null)[];
  readonly outputCount: number;
  readonly budget: HostBudget;
}

type HostOperator = (call: HostCall) => readonly Tensor[];

const input = ({ inputs }: HostCall, index: number): Tensor => {
  const found = inputs[index];
  if (!found) throw new GraphError(`it lacks input ${index}`);
  return found;
};

/** The elements of a small list of whole numbers. */
export function wholeNumbers({ data, dtype }: Tensor): number[] {
  if (dtype !== 'int64' && dtype !== 'int32') throw new GraphError('it needs a list of whole numbers');
  if (data.length > 10_000) throw new GraphError(`a list of ${data.length} numbers is too long`);
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

const axisOf = (axis: number, rank: number): number => {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw new GraphError(`there is no axis ${axis} among ${rank}`);
  return positive;
};

const int64 = (values: readonly (number | bigint)[], shape: Shape = [values.length]): Tensor => ({
  dtype: 'int64',
  shape,
  data: BigInt64Array.from(values, BigInt),
});

/** Elementwise, with broadcasting. 64-bit integers are computed as such. */
function elementwise(
  call: HostCall,
  count: number,
  numbers: (...operands: number[]) => number,
  integers: ((...operands: bigint[]) => bigint) | undefined,
  result?: DType,
): Tensor {
  const operands = Array.from({ length: count }, (_, i) => input(call, i));
  const shape = operands
    .map((operand) => operand.shape)
    .reduce((a, b) => {
      const both = broadcastShape(a, b);
      if (!both) throw new GraphError(`[${a.join()}] and [${b.join()}] do not broadcast together`);
      return both;
    });
  call.budget.spend(shape);
  const dtype = result ?? operands.at(-1)!.dtype;
  const data = allocate(dtype, elementCount(shape));
  const sources = operands.map((operand) =>
    sameShape(operand.shape, shape)
      ? operand.data
      : strided(operand, shape, broadcastStrides(operand.shape, shape)).data,
  );
  const asIntegers = dtype === 'int64' && integers && operands.every((operand) => operand.dtype === 'int64');
  for (let i = 0; i < data.length; i++) {
    if (asIntegers) (data as BigInt64Array)[i] = integers(...sources.map((source) => source[i] as bigint));
    else {
      const value = numbers(...sources.map((source) => Number(source[i])));
      if (data instanceof BigInt64Array) data[i] = toBigInt(value);
      else data[i] = value;
    }
  }
  return { dtype, shape, data };
}

/** A number cut to a 64-bit integer, as C does it where it fits. */
const toBigInt = (value: number): bigint =>
  Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : 0n;

const binary =
  (
    numbers: (a: number, b: number) => number,
    integers?: (a: bigint, b: bigint) => bigint,
    result?: DType,
  ): HostOperator =>
  (call) => {
    if (input(call, 0).dtype !== input(call, 1).dtype) throw new GraphError('its operands differ in type');
    return [elementwise(call, 2, numbers, integers, result)];
  };

const truth = (holds: boolean): number => (holds ? 1 : 0);
const comparison = (holds: (a: number, b: number) => boolean): HostOperator =>
  binary((a, b) => truth(holds(a, b)), undefined, 'bool');
const unary =
  (compute: (x: number) => number, result?: DType): HostOperator =>
  (call) => [elementwise(call, 1, compute, (x) => toBigInt(compute(Number(x))), result)];

const nonZero = (divisor: bigint): bigint => {
  if (divisor === 0n) throw new GraphError('a whole number is divided by 0');
  return divisor;
};

/** Division of whole numbers drops the fraction. */
const divide: HostOperator = (call) => {
  const whole = ['int32', 'uint8'].includes(input(call, 0).dtype);
  return binary(
    (a, b) => (whole ? Math.trunc(a / Number(nonZero(BigInt(b)))) : a / b),
    (a, b) => a / nonZero(b),
  )(call);
};

/** The sign of the divisor, or with fmod that of the dividend. */
const modulo: HostOperator = (call) => {
  const likeDividend = call.attributes.int('fmod', 0) !== 0;
  return binary(
    (a, b) => (likeDividend || a % b === 0 || a < 0 === b < 0 ? a % b : (a % b) + b),
    (a, b) => {
      const rest = a % nonZero(b);
      return likeDividend || rest === 0n || rest < 0n === b < 0n ? rest : rest + b;
    },
  )(call);
};

const power: HostOperator = (call) => {
  const [base, exponent] = [input(call, 0), input(call, 1)];
  const result = elementwise(
    { ...call, inputs: [base, exponent] },
    2,
    (a, b) => a ** b,
    (a, b) => (b >= 0n && b < 64n ? BigInt.asIntN(64, a ** b) : toBigInt(Number(a) ** Number(b))),
    base.dtype,
  );
  return [result];
};

const roundHalfToEven = (x: number): number => {
  const down = Math.floor(x);
  const rest = x - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
};

const cast: HostOperator = (call) => {
  const to = call.attributes.int('to', 0);
  const dtype = readAs(to);
  if (!dtype) throw new GraphError(`it casts to the element type ${to}, which is not read`);
  const x = input(call, 0);
  if (x.dtype === dtype) return [x];
  call.budget.spend(x.shape);
  const data = allocate(dtype, x.data.length);
  for (let i = 0; i < data.length; i++) {
    const value = Number(x.data[i]);
    if (data instanceof BigInt64Array) data[i] = toBigInt(value);
    else data[i] = dtype === 'bool' ? truth(value !== 0) : value;
  }
  return [{ dtype, shape: x.shape, data }];
};

const gather: HostOperator = (call) => {
  const [x, indices] = [input(call, 0), input(call, 1)];
  const axis = axisOf(call.attributes.int('axis', 0), x.shape.length);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  call.budget.spend(shape);
  const length = x.shape[axis];
  const inner = elementCount(x.shape.slice(axis + 1));
  const count = indices.data.length;
  const rows = Array.from(indices.data as ArrayLike<number | bigint>, (index) =>
    within(Number(index), length),
  );
  return [
    moved(x, shape, (i) => {
      const outer = Math.floor(i / (count * inner));
      return (outer * length + rows[Math.floor(i / inner) % count]) * inner + (i % inner);
    }),
  ];
};

/** An index counted from the front. */
const within = (index: number, length: number): number => {
  const positive = index < 0 ? index + length : index;
  if (!(positive >= 0 && positive < length))
    throw new GraphError(`there is no index ${index} among ${length}`);
  return positive;
};

const concat: HostOperator = (call) => {
  const parts = call.inputs.map((_, i) => input(call, i));
  const [first] = parts;
  const axis = axisOf(call.attributes.int('axis', 0), first.shape.length);
  const fits = parts.every(
    ({ dtype, shape }) =>
      dtype === first.dtype &&
      shape.length === first.shape.length &&
      shape.every((length, i) => i === axis || length === first.shape[i]),
  );
  if (!fits) throw new GraphError(`constants that differ in type or shape do not join along axis ${axis}`);
  const shape = first.shape.map((length, i) =>
    i === axis ? parts.reduce((sum, part) => sum + part.shape[axis], 0) : length,
  );
  call.budget.spend(shape);
  const data = allocate(first.dtype, elementCount(shape));
  const outer = elementCount(shape.slice(0, axis));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const part of parts) {
      const block = elementCount(part.shape.slice(axis));
      (data as Float32Array).set((part.data as Float32Array).subarray(row * block, (row + 1) * block), at);
      at += block;
    }
  }
  return [{ dtype: first.dtype, shape, data }];
};

const slice: HostOperator = (call) => {
  const x = input(call, 0);
  const [starts, ends] = [wholeNumbers(input(call, 1)), wholeNumbers(input(call, 2))];
  const axes = call.inputs[3] ? wholeNumbers(call.inputs[3]) : starts.map((_, i) => i);
  const steps = call.inputs[4] ? wholeNumbers(call.inputs[4]) : starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length))
    throw new GraphError('its starts, ends, axes and steps differ in number');
  const shape = [...x.shape];
  const strides = rowMajorStrides(x.shape);
  let offset = 0;
  for (const [i, axisNumber] of axes.entries()) {
    const axis = axisOf(axisNumber, x.shape.length);
    const length = x.shape[axis];
    const step = steps[i];
    if (step === 0) throw new GraphError('its step is 0');
    const cut = (index: number, low: number, high: number): number =>
      Math.min(Math.max(index < 0 ? index + length : index, low), high);
    const [low, high] = step < 0 ? [-1, length - 1] : [0, length];
    const from = cut(starts[i], Math.max(low, 0), high);
    const to = cut(ends[i], low, high);
    offset += from * strides[axis];
    shape[axis] = Math.max(Math.ceil((to - from) / step), 0);
    strides[axis] *= step;
  }
  call.budget.spend(shape);
  return [strided(x, shape, strides, offset)];
};

const optionalAxes = ({ inputs }: HostCall): number[] | undefined =>
  inputs[1] ? wholeNumbers(inputs[1]) : undefined;

const squeeze: HostOperator = (call) => {
  const x = input(call, 0);
  const axes = optionalAxes(call)?.map((axis) => axisOf(axis, x.shape.length));
  const dropped = (length: number, axis: number): boolean => (axes ? axes.includes(axis) : length === 1);
  if (axes?.some((axis) => x.shape[axis] !== 1)) throw new GraphError('it squeezes an axis that is not 1');
  return [
    reshaped(
      x,
      x.shape.filter((length, axis) => !dropped(length, axis)),
    ),
  ];
};

const unsqueeze: HostOperator = (call) => {
  const x = input(call, 0);
  return [reshaped(x, unsqueezedShape(x.shape, wholeNumbers(input(call, 1))))];
};

/** A shape with axes of 1 where `axes` says. */
function unsqueezedShape(shape: Shape, axes: readonly number[]): number[] {
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(axis, rank)));
  if (added.size < axes.length) throw new GraphError('its axes repeat');
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!));
}

/** The shape that Reshape gives. */
function reshapedShape(from: Shape, target: readonly number[], keepsZero: boolean): number[] {
  const lengths = target.map((length, axis) => (length === 0 && !keepsZero ? (from[axis] ?? 0) : length));
  const known = lengths.reduce((product, length) => (length === -1 ? product : product * length), 1);
  const full = lengths.map((length) =>
    length === -1 ? (known === 0 ? 0 : elementCount(from) / known) : length,
  );
  const fits =
    lengths.filter((length) => length === -1).length <= 1 &&
    full.every((length) => Number.isInteger(length) && length >= 0) &&
    elementCount(full) === elementCount(from);
  if (!fits) throw new GraphError(`[${from.join(', ')}] does not fit [${target.join(', ')}]`);
  return full;
}

const reshape: HostOperator = (call) => {
  const x = input(call, 0);
  const keepsZero = call.attributes.int('allowzero', 0) !== 0;
  return [reshaped(x, reshapedShape(x.shape, wholeNumbers(input(call, 1)), keepsZero))];
};

const flatten: HostOperator = (call) => {
  const x = input(call, 0);
  const given = call.attributes.int('axis', 1);
  const axis = given === x.shape.length ? given : axisOf(given, x.shape.length);
  return [reshaped(x, [elementCount(x.shape.slice(0, axis)), elementCount(x.shape.slice(axis))])];
};

const transpose: HostOperator = (call) => {
  const x = input(call, 0);
  const perm = call.attributes.ints('perm') ?? x.shape.map((_, axis) => x.shape.length - 1 - axis);
  if ([...perm].sort((a, b) => a - b).some((axis, i) => axis !== i) || perm.length !== x.shape.length)
    throw new GraphError(`[${perm.join()}] is no permutation of its axes`);
  call.budget.spend(x.shape);
  const strides = rowMajorStrides(x.shape);
  return [
    strided(
      x,
      perm.map((axis) => x.shape[axis]),
      perm.map((axis) => strides[axis]),
    ),
  ];
};

const expand: HostOperator = (call) => {
  const x = input(call, 0);
  const target = wholeNumbers(input(call, 1));
  const shape = broadcastShape(x.shape, target);
  if (!shape) throw new GraphError(`[${x.shape.join()}] does not expand to [${target.join()}]`);
  call.budget.spend(shape);
  return [strided(x, shape, broadcastStrides(x.shape, shape))];
};

const tile: HostOperator = (call) => {
  const x = input(call, 0);
  const repeats = wholeNumbers(input(call, 1));
  if (repeats.length !== x.shape.length || repeats.some((times) => times < 0))
    throw new GraphError(`[${repeats.join()}] are no repeats of [${x.shape.join()}]`);
  const shape = x.shape.map((length, axis) => length * repeats[axis]);
  call.budget.spend(shape);
  const data = allocate(x.dtype, elementCount(shape));
  forEachIndex(shape, (index, position) => {
    data[position] =
      x.data[
        offsetIn(
          x.shape,
          index.map((at, axis) => at % x.shape[axis]),
        )
      ];
  });
  return [{ dtype: x.dtype, shape, data }];
};

const range: HostOperator = (call) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => input(call, i));
  const [from, to, step] = [start, limit, delta].map(({ data }) => Number(data[0]));
  if ([start, limit, delta].some(({ data }) => data.length !== 1) || step === 0 || Number.isNaN(to - from))
    throw new GraphError('its start, limit and delta are no range');
  const shape = [Math.max(Math.ceil((to - from) / step), 0)];
  call.budget.spend(shape);
  const data = allocate(start.dtype, shape[0]);
  for (let i = 0; i < shape[0]; i++) {
    if (data instanceof BigInt64Array) data[i] = toBigInt(from + i * step);
    else data[i] = from + i * step;
  }
  return [{ dtype: start.dtype, shape, data }];
};

const reduction =
  (initial: number, combine: (sum: number, x: number) => number, mean = false): HostOperator =>
  (call) => {
    const x = input(call, 0);
    const given = optionalAxes(call) ?? [];
    const nothing = given.length === 0 && call.attributes.int('noop_with_empty_axes', 0) !== 0;
    if (nothing) return [x];
    const axes = new Set(
      given.length === 0 ? x.shape.keys() : given.map((axis) => axisOf(axis, x.shape.length)),
    );
    const kept = x.shape.map((length, axis) => (axes.has(axis) ? 1 : length));
    call.budget.spend(kept);
    const sums = Array.from({ length: elementCount(kept) }, () => initial);
    const strides = broadcastStrides(kept, x.shape);
    forEachIndex(x.shape, (index, position) => {
      const at = index.reduce((sum, i, axis) => sum + i * strides[axis], 0);
      sums[at] = combine(sums[at], Number(x.data[position]));
    });
    const data = allocate(x.dtype, sums.length);
    const share = mean ? sums.length / Math.max(x.data.length, 1) : 1;
    sums.forEach((sum, i) => {
      if (data instanceof BigInt64Array) data[i] = toBigInt(sum * share);
      else data[i] = sum * share;
    });
    const keeps = call.attributes.int('keepdims', 1) !== 0;
    return [{ dtype: x.dtype, shape: keeps ? kept : x.shape.filter((_, axis) => !axes.has(axis)), data }];
  };

const where: HostOperator = (call) => {
  const [condition, a, b] = [0, 1, 2].map((i) => input(call, i));
  if (a.dtype !== b.dtype) throw new GraphError('its operands differ in type');
  return [
    elementwise(
      { ...call, inputs: [condition, a, b] },
      3,
      (chosen, x, y) => (chosen ? x : y),
      undefined,
      a.dtype,
    ),
  ];
};

const constantOfShape: HostOperator = (call) => {
  const shape = wholeNumbers(input(call, 0));
  const filling = call.inputs[1];
  call.budget.spend(shape);
  const dtype = filling?.dtype ?? 'float32';
  const data = allocate(dtype, elementCount(shape));
  if (filling) (data as Float32Array).fill(filling.data[0] as number);
  return [{ dtype, shape, data }];
};

const scatterND: HostOperator = (call) => {
  const [x, indices, updates] = [0, 1, 2].map((i) => input(call, i));
  const reduce = call.attributes.text('reduction', 'none');
  if (reduce !== 'none') throw new GraphError(`its reduction ${reduce} is not read`);
  const depth = indices.shape.at(-1) ?? 0;
  const block = elementCount(x.shape.slice(depth));
  const rows = elementCount(indices.shape.slice(0, -1));
  if (depth > x.shape.length || updates.data.length !== rows * block || updates.dtype !== x.dtype)
    throw new GraphError('its indices and updates do not fit');
  call.budget.spend(x.shape);
  const result = moved(x, x.shape, (i) => i);
  const strides = rowMajorStrides(x.shape);
  for (let row = 0; row < rows; row++) {
    let at = 0;
    for (let axis = 0; axis < depth; axis++)
      at += within(Number(indices.data[row * depth + axis]), x.shape[axis]) * strides[axis];
    for (let i = 0; i < block; i++) result.data[at + i] = updates.data[row * block + i];
  }
  return [result];
};

const gatherND: HostOperator = (call) => {
  const [x, indices] = [input(call, 0), input(call, 1)];
  if (call.attributes.int('batch_dims', 0) !== 0) throw new GraphError('its batch_dims are not 0');
  const depth = indices.shape.at(-1) ?? 0;
  if (depth < 1 || depth > x.shape.length) throw new GraphError('its indices do not fit');
  const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
  call.budget.spend(shape);
  const block = elementCount(x.shape.slice(depth));
  const strides = rowMajorStrides(x.shape);
  return [
    moved(x, shape, (i) => {
      const row = Math.floor(i / block);
      let at = i % block;
      for (let axis = 0; axis < depth; axis++)
        at += within(Number(indices.data[row * depth + axis]), x.shape[axis]) * strides[axis];
      return at;
    }),
  ];
};

const nonZeros: HostOperator = (call) => {
  const x = input(call, 0);
  const found: number[][] = [];
  call.budget.spend([x.shape.length, x.data.length]);
  forEachIndex(x.shape, (index, position) => {
    if (Number(x.data[position]) !== 0) found.push([...index]);
  });
  return [
    int64(
      x.shape.flatMap((_, axis) => found.map((index) => index[axis])),
      [x.shape.length, found.length],
    ),
  ];
};

const split: HostOperator = (call) => {
  const x = input(call, 0);
  const axis = axisOf(call.attributes.int('axis', 0), x.shape.length);
  const count = call.attributes.int('num_outputs', call.outputCount);
  const part = Math.ceil(x.shape[axis] / count);
  const lengths = call.inputs[1]
    ? wholeNumbers(call.inputs[1])
    : Array.from({ length: count }, (_, i) => Math.min(part, x.shape[axis] - i * part));
  if (lengths.reduce((sum, length) => sum + length, 0) !== x.shape[axis])
    throw new GraphError(`[${lengths.join()}] are no parts of axis ${axis}`);
  const strides = rowMajorStrides(x.shape);
  let at = 0;
  return lengths.map((length) => {
    const shape = x.shape.map((full, i) => (i === axis ? length : full));
    call.budget.spend(shape);
    const result = strided(x, shape, strides, at * strides[axis]);
    at += length;
    return result;
  });
};

const trilu: HostOperator = (call) => {
  const x = input(call, 0);
  const [rows, columns] = x.shape.slice(-2);
  const diagonal = call.inputs[1] ? Number(call.inputs[1].data[0]) : 0;
  const upper = call.attributes.int('upper', 1) !== 0;
  if (x.shape.length < 2) throw new GraphError('it needs a matrix');
  call.budget.spend(x.shape);
  const result = moved(x, x.shape, (i) => i);
  for (let i = 0; i < result.data.length; i++) {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    const kept = upper ? column - row >= diagonal : column - row <= diagonal;
    if (!kept) result.data[i] = result.dtype === 'int64' ? 0n : 0;
  }
  return [result];
};

const shapeOf: HostOperator = (call) => [shapeTensor(input(call, 0).shape, call.attributes)];

/** What Shape gives: the lengths from `start` to before `end`. */
export function shapeTensor(shape: Shape, attributes: AttributeReader): Tensor {
  return int64(shape.slice(attributes.int('start', 0), attributes.int('end', shape.length)));
}

const pad: HostOperator = (call) => {
  const x = input(call, 0);
  const rank = x.shape.length;
  if (call.attributes.text('mode', 'constant') !== 'constant')
    throw new GraphError('its mode is not constant');
  const pads = wholeNumbers(input(call, 1));
  if (pads.length !== 2 * rank || call.inputs[3] || pads.some((length) => length < 0))
    throw new GraphError(`[${pads.join()}] are no pads of [${x.shape.join()}]`);
  const shape = x.shape.map((length, axis) => length + pads[axis] + pads[axis + rank]);
  call.budget.spend(shape);
  const data = allocate(x.dtype, elementCount(shape));
  const filling = call.inputs[2];
  if (filling) (data as Float32Array).fill(filling.data[0] as number);
  forEachIndex(x.shape, (index, position) => {
    data[
      offsetIn(
        shape,
        index.map((at, axis) => at + pads[axis]),
      )
    ] = x.data[position];
  });
  return [{ dtype: x.dtype, shape, data }];
};

const cumSum: HostOperator = (call) => {
  const x = input(call, 0);
  const axis = axisOf(wholeNumbers(input(call, 1))[0] ?? 0, x.shape.length);
  if (call.attributes.int('exclusive', 0) !== 0 || call.attributes.int('reverse', 0) !== 0)
    throw new GraphError('it is exclusive or reversed');
  call.budget.spend(x.shape);
  const result = moved(x, x.shape, (i) => i);
  const stride = rowMajorStrides(x.shape)[axis];
  forEachIndex(x.shape, (index, position) => {
    if (index[axis] === 0) return;
    const { data } = result;
    if (data instanceof BigInt64Array) data[position] += data[position - stride];
    else data[position] += data[position - stride];
  });
  return [result];
};

/** Products of matrices, for tables of positions. */
const matMul: HostOperator = (call) => {
  const [a, b] = [input(call, 0), input(call, 1)];
  const [rows, inner] = a.shape;
  const columns = b.shape[1];
  if (a.shape.length !== 2 || b.shape.length !== 2 || b.shape[0] !== inner || a.dtype !== b.dtype)
    throw new GraphError('its matrices do not fit');
  call.budget.spend([rows, inner, columns]);
  const data = allocate(a.dtype, rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += Number(a.data[i * inner + k]) * Number(b.data[k * columns + j]);
      if (data instanceof BigInt64Array) data[i * columns + j] = toBigInt(sum);
      else data[i * columns + j] = sum;
    }
  }
  return [{ dtype: a.dtype, shape: [rows, columns], data }];
};

const logic = (holds: (a: boolean, b: boolean) => boolean): HostOperator =>
  binary((a, b) => truth(holds(a !== 0, b !== 0)));

/** By the operator's name, in its present form. */
const operators: ReadonlyMap<string, HostOperator> = new Map<string, HostOperator>([
  ['Abs', unary(Math.abs)],
  [
    'Add',
    binary(
      (a, b) => a + b,
      (a, b) => BigInt.asIntN(64, a + b),
    ),
  ],
  ['And', logic((a, b) => a && b)],
  ['Cast', cast],
  ['Ceil', unary(Math.ceil)],
  ['Concat', concat],
  ['ConstantOfShape', constantOfShape],
  ['Cos', unary(Math.cos)],
  ['CumSum', cumSum],
  ['Div', divide],
  ['Equal', comparison((a, b) => a === b)],
  ['Exp', unary(Math.exp)],
  ['Expand', expand],
  ['Flatten', flatten],
  ['Floor', unary(Math.floor)],
  ['Gather', gather],
  ['GatherND', gatherND],
  ['Greater', comparison((a, b) => a > b)],
  ['GreaterOrEqual', comparison((a, b) => a >= b)],
  ['Identity', (call) => [input(call, 0)]],
  ['Less', comparison((a, b) => a < b)],
  ['LessOrEqual', comparison((a, b) => a <= b)],
  ['Log', unary(Math.log)],
  ['MatMul', matMul],
  ['Max', (call) => [variadic(call, Math.max)]],
  ['Min', (call) => [variadic(call, Math.min)]],
  ['Mod', modulo],
  [
    'Mul',
    binary(
      (a, b) => a * b,
      (a, b) => BigInt.asIntN(64, a * b),
    ),
  ],
  ['Neg', unary((x) => -x)],
  ['NonZero', nonZeros],
  ['Not', unary((x) => truth(x === 0))],
  ['Or', logic((a, b) => a || b)],
  ['Pad', pad],
  ['Pow', power],
  ['Range', range],
  ['Reciprocal', unary((x) => 1 / x)],
  ['ReduceMax', reduction(-Infinity, Math.max)],
  ['ReduceMean', reduction(0, (sum, x) => sum + x, true)],
  ['ReduceMin', reduction(Infinity, Math.min)],
  ['ReduceProd', reduction(1, (product, x) => product * x)],
  ['ReduceSum', reduction(0, (sum, x) => sum + x)],
  ['Reshape', reshape],
  ['Round', unary(roundHalfToEven)],
  ['ScatterND', scatterND],
  ['Shape', shapeOf],
  ['Sign', unary(Math.sign)],
  ['Sin', unary(Math.sin)],
  ['Size', (call) => [int64([elementCount(input(call, 0).shape)], [])]],
  ['Slice', slice],
  ['Split', split],
  ['Sqrt', unary(Math.sqrt)],
  ['Squeeze', squeeze],
  [
    'Sub',
    binary(
      (a, b) => a - b,
      (a, b) => BigInt.asIntN(64, a - b),
    ),
  ],
  ['Tanh', unary(Math.tanh)],
  ['Tile', tile],
  ['Transpose', transpose],
  ['Trilu', trilu],
  ['Unsqueeze', unsqueeze],
  ['Where', where],
  ['Xor', logic((a, b) => a !== b)],
]);

/** Max and Min of any number of operands. */
function variadic(call: HostCall, compute: (...operands: number[]) => number): Tensor {
  const integers = (...operands: bigint[]): bigint =>
    operands.reduce((a, b) => (compute(Number(a), Number(b)) === Number(a) ? a : b));
  return elementwise(call, call.inputs.length, compute, integers);
}

/** Whether an operator is computed here where its inputs are constant. */
export function isHostOperator(opType: string): boolean {
  return operators.has(opType);
}

/**
 * The results of a node whose inputs are all constant; undefined for an operator that is not computed here.
 *
 * @param inputs null for those that are left out
 * @throws GraphError for inputs that the operator cannot have, or a result that is too large
 */
export function evaluateOnHost(opType: string, call: HostCall): readonly Tensor[] | undefined {
  return operators.get(opType)?.(call);
}
