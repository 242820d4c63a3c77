/** Stochastic gradient descent, as torch.optim.SGD. */
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';
import { type Optimizer, checkRange } from './optimizer.js';
import { type LearningRate, scheduleOf } from './schedule.js';

/** Options of stochastic gradient descent. */
export interface SgdOptions {
  /** A number, or a schedule such as `cosine(0.08)`. */
  readonly learningRate: LearningRate;
  /** Default 0: no momentum. */
  readonly momentum?: number;
  /** Default false. */
  readonly nesterov?: boolean;
  /** Added to the gradient as weightDecay · parameter. Default 0. */
  readonly weightDecay?: number;
}

/**
 * `v ← momentum · v + g`, `p ← p - lr · v`; with Nesterov `p ← p - lr · (g + momentum · v)`.
 *
 * @throws OptionError for an option out of range
 */
export function sgd(options: SgdOptions): Optimizer {
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
  checkRange('sgd', 'momentum', momentum, (value) => value >= 0 && value < 1, 'at least 0 and below 1');
  checkRange('sgd', 'weight decay', weightDecay, (value) => value >= 0, 'at least 0');
  if (nesterov && momentum === 0) throw new OptionError('sgd: Nesterov needs a momentum above 0');
  return {
    name: 'sgd',
    config: { momentum, nesterov, weightDecay },
    schedule: scheduleOf(options.learningRate),
    slots: momentum === 0 ? [] : [{ name: 'momentum_buffer' }],
    update(parameter, gradient, [velocity], { learningRate, weightDecay: decay = weightDecay }) {
      const g = decay === 0 ? gradient : op.add(gradient, op.mul(parameter, decay));
      if (momentum === 0) return { parameter: op.sub(parameter, op.mul(g, learningRate)), slots: [] };
      const next = op.add(op.mul(velocity, momentum), g);
      const direction = nesterov ? op.add(g, op.mul(next, momentum)) : next;
      return { parameter: op.sub(parameter, op.mul(direction, learningRate)), slots: [next] };
    },
  };
}
