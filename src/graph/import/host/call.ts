/** What operators on the host have in common: how they are called, and what they may still allocate. */
import { type Shape, type Tensor, elementCount } from '../../../tensor/tensor.js';
import { GraphError } from '../../graph.js';
import type { AttributeReader } from '../attribute-reader.js';

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
export interface HostCall {
  readonly attributes: AttributeReader;
  readonly inputs: readonly (Tensor | null)[];
  readonly outputCount: number;
  readonly budget: HostBudget;
}

export type HostOperator = (call: HostCall) => readonly Tensor[];

export const input = ({ inputs }: HostCall, index: number): Tensor => {
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

export const axisOf = (axis: number, rank: number): number => {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw new GraphError(`there is no axis ${axis} among ${rank}`);
  return positive;
};

export const optionalAxes = ({ inputs }: HostCall): number[] | undefined =>
  inputs[1] ? wholeNumbers(inputs[1]) : undefined;

export const int64 = (values: readonly (number | bigint)[], shape: Shape = [values.length]): Tensor => ({
  dtype: 'int64',
  shape,
  data: BigInt64Array.from(values, BigInt),
});

/** A number cut to a 64-bit integer, as C does it where it fits. */
export const toBigInt = (value: number): bigint =>
  Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : 0n;

export const truth = (holds: boolean): number => (holds ? 1 : 0);

/** An index counted from the front. */
export const within = (index: number, length: number): number => {
  const positive = index < 0 ? index + length : index;
  if (!(positive >= 0 && positive < length))
    throw new GraphError(`there is no index ${index} among ${length}`);
  return positive;
};
