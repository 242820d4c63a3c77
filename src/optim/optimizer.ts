/** What an optimizer is: an update rule that is appended to the graph. */
import type { Value } from '../graph/graph.js';
import { OptionError } from '../tensor/option-error.js';
import type { Schedule } from './schedule.js';

/** What an update rule may depend on besides the parameter and its gradient. */
export interface UpdateContext {
  /** float32 scalar: an input of the graph, or a multiple of it. */
  readonly learningRate: Value;
  /** float64 scalar, a graph input: the number of this step, counted from 1. */
  readonly step: Value;
  /** Takes the place of the optimizer's own, for the parameters of a group. */
  readonly weightDecay?: number;
}

/** A piece of state that an optimizer keeps for each parameter, of the parameter's shape. */
export interface Slot {
  /** PyTorch's name of it, such as `momentum_buffer`. */
  readonly name: string;
  /** What it begins with: zeros, or a copy of the parameter. Default `zeros`. */
  readonly initial?: 'zeros' | 'parameter';
}

/** An update rule with its learning rate. */
export interface Optimizer {
  /** Such as `sgd`. */
  readonly name: string;
  /** The options it was made with, complete, but for the learning rate. */
  readonly config: Readonly<Record<string, number | boolean>>;
  /** The learning rate of each step. */
  readonly schedule: Schedule;
  readonly slots: readonly Slot[];
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

/** @throws OptionError naming the optimizer, the option and what it may be */
export function checkRange(
  optimizer: string,
  option: string,
  value: number,
  accepts: (value: number) => boolean,
  range: string,
): void {
  if (!Number.isFinite(value) || !accepts(value)) {
    throw new OptionError(`${optimizer}: ${option} must be ${range}, not ${value}`);
  }
}
