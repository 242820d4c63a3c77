/** One check of a backward rule, as data: `autodiff/rules.test.ts` runs them all and finds the rules without one. */
import type { Value } from '../../graph/graph.js';
import type { Shape } from '../../tensor/tensor.js';
import type { GradientCheck } from '../gradients.js';

export interface GradientCase extends GradientCheck {
  readonly name: string;
  readonly shapes: readonly Shape[];
  readonly build: (...inputs: Value[]) => Value;
}
