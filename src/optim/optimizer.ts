/** What an optimizer is: an update rule that is appended to the graph. */
import type { Value } from '../graph/graph.js';

/** What an update rule may depend on besides the parameter and its gradient. */
export interface UpdateContext {
  /** float32 scalar, a graph input: schedules need no new graph. */
  readonly learningRate: Value;
  /** float64 scalar, a graph input: the number of this step, counted from 1. */
  readonly step: Value;
}

export interface Optimizer {
  /** Such as `sgd`. */
  readonly name: string;
  /** The options it was made with, complete. */
  readonly config: Readonly<Record<string, number | boolean>>;
  /** The state it keeps for each parameter, by PyTorch's names; every slot starts at zero and has the parameter's shape. */
  readonly slots: readonly string[];
  /**
   * Appends the update of one parameter.
   *
   * @param slots the present state, in the order of `slots`
   * @returns the next value of the parameter and of its slots, in the same order
   */
  update(
    parameter: Value,
    gradient: Value,
    slots: readonly Value[],
    context: UpdateContext,
  ): { parameter: Value; slots: readonly Value[] };
}

/** @throws RangeError naming the optimizer, the option and what it may be */
export function checkRange(
  optimizer: string,
  option: string,
  value: number,
  accepts: (value: number) => boolean,
  range: string,
): void {
  if (!Number.isFinite(value) || !accepts(value)) {
    throw new RangeError(`${optimizer}: ${option} must be ${range}, not ${value}`);
  }
}
