/** Constants out of lengths. */
import { allocate, elementCount } from '../../../tensor/tensor.js';
import { GraphError } from '../../graph.js';
import { type HostOperator, input, toBigInt, wholeNumbers } from './call.js';

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

const constantOfShape: HostOperator = (call) => {
  const shape = wholeNumbers(input(call, 0));
  const filling = call.inputs[1];
  call.budget.spend(shape);
  const dtype = filling?.dtype ?? 'float32';
  const data = allocate(dtype, elementCount(shape));
  if (filling) (data as Float32Array).fill(filling.data[0] as number);
  return [{ dtype, shape, data }];
};

export const creationOperators: readonly (readonly [string, HostOperator])[] = [
  ['ConstantOfShape', constantOfShape],
  ['Range', range],
];
