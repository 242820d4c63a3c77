/** Adam (Kingma and Ba, 2015) and AdamW (Loshchilov and Hutter, 2019), as torch.optim.Adam and AdamW. */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { tensor } from '../tensor/tensor.js';
import { type Optimizer, type UpdateContext, checkRange } from './optimizer.js';
import { type LearningRate, scheduleOf } from './schedule.js';

/** Options of Adam and AdamW. */
export interface AdamOptions {
  /** A number, or a schedule such as `cosine(1e-3)`. Default 1e-3. */
  readonly learningRate?: LearningRate;
  /** Decay of the mean of gradients and of their squares. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** Adam: added to the gradient as weightDecay · parameter; default 0. AdamW: decoupled from it; default 0.01. */
  readonly weightDecay?: number;
}

function adaptive(name: 'adam' | 'adamw', decayDefault: number, options: AdamOptions): Optimizer {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = decayDefault } = options;
  const [beta1, beta2] = betas;
  checkRange(name, 'beta 1', beta1, (value) => value >= 0 && value < 1, 'at least 0 and below 1');
  checkRange(name, 'beta 2', beta2, (value) => value >= 0 && value < 1, 'at least 0 and below 1');
  checkRange(name, 'epsilon', epsilon, (value) => value > 0, 'above 0');
  checkRange(name, 'weight decay', weightDecay, (value) => value >= 0, 'at least 0');
  const decoupled = name === 'adamw';
  return {
    name,
    config: { beta1, beta2, epsilon, weightDecay },
    schedule: scheduleOf(options.learningRate ?? 1e-3),
    slots: [{ name: 'exp_avg' }, { name: 'exp_avg_sq' }],
    update(parameter, gradient, [mean, square], context) {
      const { learningRate, weightDecay: decay = weightDecay } = context;
      const g = decay !== 0 && !decoupled ? op.add(gradient, op.mul(parameter, decay)) : gradient;
      const start =
        decay !== 0 && decoupled ? op.mul(parameter, op.sub(1, op.mul(learningRate, decay))) : parameter;
      const nextMean = op.add(op.mul(mean, beta1), op.mul(g, 1 - beta1));
      const nextSquare = op.add(op.mul(square, beta2), op.mul(op.mul(g, g), 1 - beta2));
      const rate = op.div(learningRate, op.cast(biasCorrection(beta1, context), 'float32'));
      const root = op.cast(op.sqrt(biasCorrection(beta2, context)), 'float32');
      const denominator = op.add(op.div(op.sqrt(nextSquare), root), epsilon);
      return {
        parameter: op.sub(start, op.mul(op.div(nextMean, denominator), rate)),
        slots: [nextMean, nextSquare],
      };
    },
  };
}

/** `1 - βᵗ`, in float64: in float32 the first steps would lose four digits of it for β = 0.999. */
export function biasCorrection(beta: number, { step }: UpdateContext): Value {
  const base = step.graph.constant(tensor('float64', [], [beta]));
  return op.sub(1, op.pow(base, step));
}

/** Adam: `p ← p - lr · m̂ / (√v̂ + ε)`. @throws OptionError for an option out of range */
export const adam = (options: AdamOptions = {}): Optimizer => adaptive('adam', 0, options);

/** AdamW: Adam with the weight decay taken off the parameter itself. @throws OptionError for an option out of range */
export const adamw = (options: AdamOptions = {}): Optimizer => adaptive('adamw', 0.01, options);
