/**
 * Checks of backward rules, as data: `autodiff/rules.test.ts` runs them all, and finds what has none.
 *
 * Every export of `graph/ops.ts` is listed in `all.ts`, or the project does not compile: with the cases that check its
 * gradient, as an operator that has none, or as no operator at all.
 */
import type { Value } from '../../graph/graph.js';
import type { Shape } from '../../tensor/tensor.js';
import type { GradientCheck } from '../gradients.js';

export interface GradientCase extends GradientCheck {
  readonly name: string;
  readonly shapes: readonly Shape[];
  /** The result, or several: the gradients of them all are checked. */
  readonly build: (...inputs: Value[]) => Value | readonly Value[];
}

/** The cases of each builder of `ops`. */
export type GradientCases = Readonly<Record<string, readonly GradientCase[]>>;
