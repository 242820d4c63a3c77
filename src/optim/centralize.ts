/** Gradient centralisation (Yong et al., "Gradient centralization: a new optimization technique for DNNs", 2020). */
import * as op from '../graph/ops.js';
import type { GradientTransform } from './transform.js';

/**
 * Takes the mean off the gradient of each output's weights: `g ← g - mean(g)` over all axes but the first, for parameters
 * of at least two dimensions; others stay as they are. In a chain it stands behind TrAct and before clipping.
 */
export function centralizeGradients(): GradientTransform {
  return {
    name: 'centralize',
    config: {},
    apply: (gradients) => ({
      gradients: new Map(
        [...gradients].map(([name, gradient]) => {
          const axes = gradient.shape.map((_, axis) => axis).slice(1);
          return [name, axes.length === 0 ? gradient : op.sub(gradient, op.reduceMean(gradient, axes, true))];
        }),
      ),
    }),
  };
}
