/** Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023). */
import * as op from '../graph/ops.js';
import { type Optimizer, checkRange } from './optimizer.js';
import { type LearningRate, scheduleOf } from './schedule.js';

/** Options of Lion. */
export interface LionOptions {
  /** A number, or a schedule; three to ten times smaller than AdamW's. Default 1e-4. */
  readonly learningRate?: LearningRate;
  /** Of the mean that the step is made of, and of the one that is kept. Default [0.9, 0.99]. */
  readonly betas?: readonly [number, number];
  /** Taken off the parameter itself. Default 0. */
  readonly weightDecay?: number;
}

/**
 * Lion: `p ← p - lr · (sign(β₁ m + (1 - β₁) g) + decay · p)`, then `m ← β₂ m + (1 - β₂) g`.
 *
 * @throws OptionError for an option out of range
 */
export function lion(options: LionOptions = {}): Optimizer {
  const { betas = [0.9, 0.99], weightDecay = 0 } = options;
  const [beta1, beta2] = betas;
  checkRange('lion', 'beta 1', beta1, (value) => value >= 0 && value < 1, 'at least 0 and below 1');
  checkRange('lion', 'beta 2', beta2, (value) => value >= 0 && value < 1, 'at least 0 and below 1');
  checkRange('lion', 'weight decay', weightDecay, (value) => value >= 0, 'at least 0');
  return {
    name: 'lion',
    config: { beta1, beta2, weightDecay },
    schedule: scheduleOf(options.learningRate ?? 1e-4),
    slots: [{ name: 'exp_avg' }],
    update(parameter, gradient, [mean], { learningRate, weightDecay: decay = weightDecay }) {
      const start = decay === 0 ? parameter : op.mul(parameter, op.sub(1, op.mul(learningRate, decay)));
      const direction = op.sign(op.add(op.mul(mean, beta1), op.mul(gradient, 1 - beta1)));
      return {
        parameter: op.sub(start, op.mul(direction, learningRate)),
        slots: [op.add(op.mul(mean, beta2), op.mul(gradient, 1 - beta2))],
      };
    },
  };
}
