/** Operators on the host that move, join and cut elements, and those that tell shapes. */
import { type Shape, type Tensor, allocate, elementCount } from '../../../tensor/tensor.js';
import { broadcastShape, broadcastStrides, rowMajorStrides } from '../../broadcast.js';
import { GraphError } from '../../graph.js';
import type { AttributeReader } from '../attribute-reader.js';
import { forEachIndex, offsetIn, reshaped, strided } from './indices.js';
import { type HostOperator, axisOf, input, int64, optionalAxes, wholeNumbers } from './call.js';

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

const shapeOf: HostOperator = (call) => [shapeTensor(input(call, 0).shape, call.attributes)];

/** What Shape gives: the lengths from `start` to before `end`. */
export function shapeTensor(shape: Shape, attributes: AttributeReader): Tensor {
  return int64(shape.slice(attributes.int('start', 0), attributes.int('end', shape.length)));
}

export const shapeOperators: readonly (readonly [string, HostOperator])[] = [
  ['Concat', concat],
  ['Expand', expand],
  ['Flatten', flatten],
  ['Identity', (call) => [input(call, 0)]],
  ['Pad', pad],
  ['Reshape', reshape],
  ['Shape', shapeOf],
  ['Size', (call) => [int64([elementCount(input(call, 0).shape)], [])]],
  ['Slice', slice],
  ['Split', split],
  ['Squeeze', squeeze],
  ['Tile', tile],
  ['Transpose', transpose],
  ['Unsqueeze', unsqueeze],
];
