/** Arithmetic, comparisons and conversions, element by element. */
import { type DType, type Tensor, allocate, elementCount, sameShape } from '../../../tensor/tensor.js';
import { broadcastShape, broadcastStrides } from '../../broadcast.js';
import { GraphError } from '../../graph.js';
import { readAs } from '../file-tensor.js';
import { strided } from './indices.js';
import { type HostCall, type HostOperator, input, toBigInt, truth } from './call.js';

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

const logic = (holds: (a: boolean, b: boolean) => boolean): HostOperator =>
  binary((a, b) => truth(holds(a !== 0, b !== 0)));

/** Max and Min of any number of operands. */
function variadic(call: HostCall, compute: (...operands: number[]) => number): Tensor {
  const integers = (...operands: bigint[]): bigint =>
    operands.reduce((a, b) => (compute(Number(a), Number(b)) === Number(a) ? a : b));
  return elementwise(call, call.inputs.length, compute, integers);
}

/** Between two bounds, either of which may be left out. */
const clip: HostOperator = (call) => {
  const [, low, high] = call.inputs;
  const above = low ? variadic({ ...call, inputs: [input(call, 0), low] }, Math.max) : input(call, 0);
  return [high ? variadic({ ...call, inputs: [above, high] }, Math.min) : above];
};

export const elementwiseOperators: readonly (readonly [string, HostOperator])[] = [
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
  ['Clip', clip],
  ['Cos', unary(Math.cos)],
  ['Div', divide],
  ['Equal', comparison((a, b) => a === b)],
  ['Exp', unary(Math.exp)],
  ['Floor', unary(Math.floor)],
  ['Greater', comparison((a, b) => a > b)],
  ['GreaterOrEqual', comparison((a, b) => a >= b)],
  ['Less', comparison((a, b) => a < b)],
  ['LessOrEqual', comparison((a, b) => a <= b)],
  ['Log', unary(Math.log)],
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
  ['Not', unary((x) => truth(x === 0))],
  ['Or', logic((a, b) => a || b)],
  ['Pow', power],
  ['Reciprocal', unary((x) => 1 / x)],
  ['Round', unary(roundHalfToEven)],
  ['Sign', unary(Math.sign)],
  ['Sin', unary(Math.sin)],
  ['Sqrt', unary(Math.sqrt)],
  [
    'Sub',
    binary(
      (a, b) => a - b,
      (a, b) => BigInt.asIntN(64, a - b),
    ),
  ],
  ['Tanh', unary(Math.tanh)],
  ['Where', where],
  ['Xor', logic((a, b) => a !== b)],
];
