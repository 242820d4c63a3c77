/** LAMB (You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2020). */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { biasCorrection } from './adam.js';
import { norm } from './norm.js';
import { type Optimizer, checkRange } from './optimizer.js';
import { type LearningRate, scheduleOf } from './schedule.js';

/** Options of LAMB. */
export interface LambOptions {
  /** A number, or a schedule. Default 1e-3. */
  readonly learningRate?: LearningRate;
  /** Decay of the mean of gradients and of their squares. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-6. */
  readonly epsilon?: number;
  /** Default 0.01. */
  readonly weightDecay?: number;
}

/**
 * LAMB: Adam's step with the decay in it, `u = m̂ / (√v̂ + ε) + decay · p`, made as long as the parameter is in proportion
 * to the learning rate: `p ← p - lr · ‖p‖ / ‖u‖ · u`; where either norm is 0, `p ← p - lr · u`. A norm is that of a whole
 * tensor (the paper's algorithm 2, with φ the identity).
 *
 * @throws OptionError for an option out of range
 */
export function lamb(options: LambOptions = {}): Optimizer {
  const { betas = [0.9, 0.999], epsilon = 1e-6, weightDecay = 0.01 } = options;
  const [beta1, beta2] = betas;
  checkRange('lamb', 'beta 1', beta1, (value) => value >= 0 && value < 1, 'at least 0 and below 1');
  checkRange('lamb', 'beta 2', beta2, (value) => value >= 0 && value < 1, 'at least 0 and below 1');
  checkRange('lamb', 'epsilon', epsilon, (value) => value > 0, 'above 0');
  checkRange('lamb', 'weight decay', weightDecay, (value) => value >= 0, 'at least 0');
  return {
    name: 'lamb',
    config: { beta1, beta2, epsilon, weightDecay },
    schedule: scheduleOf(options.learningRate ?? 1e-3),
    slots: [{ name: 'exp_avg' }, { name: 'exp_avg_sq' }],
    update(parameter, gradient, [mean, square], context) {
      const { learningRate, weightDecay: decay = weightDecay } = context;
      const nextMean = op.add(op.mul(mean, beta1), op.mul(gradient, 1 - beta1));
      const nextSquare = op.add(op.mul(square, beta2), op.mul(op.mul(gradient, gradient), 1 - beta2));
      const corrected = (value: Value, beta: number): Value =>
        op.div(value, op.cast(biasCorrection(beta, context), 'float32'));
      const adam = op.div(corrected(nextMean, beta1), op.add(op.sqrt(corrected(nextSquare, beta2)), epsilon));
      const direction = decay === 0 ? adam : op.add(adam, op.mul(parameter, decay));
      const [length, step] = [norm(parameter), norm(direction)];
      const product = op.mul(length, step);
      const ratio = op.where(op.greater(product, 0), op.div(length, step), 1);
      return {
        parameter: op.sub(parameter, op.mul(direction, op.mul(ratio, learningRate))),
        slots: [nextMean, nextSquare],
      };
    },
  };
}
