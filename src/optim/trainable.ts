/** A model together with what is done to its gradients: what a trainer takes. */
import type { Model } from '../nn/model.js';
import type { GradientTransform } from './transform.js';

/** A model with the transforms of its gradients, as `tract` gives it. */
export interface Trainable {
  readonly model: Model;
  /** In the order in which they are applied. */
  readonly transforms: readonly GradientTransform[];
}

/** A model alone trains with its gradients as they are. */
export function trainable(given: Model | Trainable): Trainable {
  return 'model' in given ? given : { model: given, transforms: [] };
}
