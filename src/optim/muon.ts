/** Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024). */
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { OptionError } from '../tensor/option-error.js';
import { elementCount, formatShape } from '../tensor/tensor.js';
import type { ParameterGroup } from './groups.js';
import { norm } from './norm.js';
import { type Optimizer, checkRange } from './optimizer.js';
import { type LearningRate, scheduleOf } from './schedule.js';

/** Options of Muon. */
export interface MuonOptions {
  /** A number, or a schedule. Default 0.02. */
  readonly learningRate?: LearningRate;
  /** Default 0.95. */
  readonly momentum?: number;
  /** Default true. */
  readonly nesterov?: boolean;
  /** Runs of the Newton–Schulz iteration, 1 to 20. Default 5. */
  readonly iterations?: number;
  /** Taken off the parameter itself. Default 0. */
  readonly weightDecay?: number;
  /** Whether the norm of a parameter [m, …] is set to √m before each step, as airbench does. Default false. */
  readonly normalizeWeights?: boolean;
}

/** The quintic iteration's coefficients, chosen for the steepest slope at 0. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
/** Added to the norm that the first iterate is divided by. */
const EPSILON = 1e-7;

/**
 * Muon: the momentum of a matrix is replaced by (nearly) the closest matrix with orthonormal rows or columns, so that a
 * step moves all directions alike. Filters [out, in, …] are matrices [out, in · …].
 *
 * `v ← momentum · v + g`, `u = orthogonalized(g + momentum · v)` (without Nesterov of v),
 * `p ← p - lr · (√max(1, rows / columns) · u + decay · p)`.
 *
 * It is for matrices and filters alone; `muonGroups` gives all other parameters an optimizer of their own. Keller
 * Jordan's reference averages, `v ← momentum · v + (1 - momentum) · g`; the scale of v makes no difference.
 *
 * @throws OptionError for an option out of range; when a step is built, for a parameter of less than two dimensions
 */
export function muon(options: MuonOptions = {}): Optimizer {
  const {
    momentum = 0.95,
    nesterov = true,
    iterations = 5,
    weightDecay = 0,
    normalizeWeights = false,
  } = options;
  checkRange('muon', 'momentum', momentum, (value) => value >= 0 && value < 1, 'at least 0 and below 1');
  checkRange(
    'muon',
    'iterations',
    iterations,
    (value) => Number.isInteger(value) && value >= 1 && value <= 20,
    'a whole number from 1 to 20',
  );
  checkRange('muon', 'weight decay', weightDecay, (value) => value >= 0, 'at least 0');
  if (nesterov && momentum === 0) throw new OptionError('muon: Nesterov needs a momentum above 0');
  return {
    name: 'muon',
    config: { momentum, nesterov, iterations, weightDecay, normalizeWeights },
    schedule: scheduleOf(options.learningRate ?? 0.02),
    slots: [{ name: 'momentum_buffer' }],
    update(parameter, gradient, [velocity], { learningRate, weightDecay: decay = weightDecay }) {
      const { shape } = parameter;
      if (shape.length < 2) {
        throw new OptionError(
          `muon is for matrices and filters, and this parameter has the shape ${formatShape(shape)}; give it another optimizer by a parameter group (muonGroups)`,
        );
      }
      const next = op.add(op.mul(velocity, momentum), gradient);
      const direction = nesterov ? op.add(gradient, op.mul(next, momentum)) : next;
      const [rows, columns] = [shape[0], elementCount(shape.slice(1))];
      const orthogonal = orthogonalized(op.reshape(direction, [rows, columns]), iterations);
      const scaled = op.mul(orthogonal, Math.sqrt(Math.max(1, rows / columns)));
      const normal = normalizeWeights
        ? op.mul(parameter, op.div(Math.sqrt(rows), norm(parameter)))
        : parameter;
      const start = decay === 0 ? normal : op.mul(normal, op.sub(1, op.mul(learningRate, decay)));
      return { parameter: op.sub(start, op.mul(op.reshape(scaled, shape), learningRate)), slots: [next] };
    },
  };
}

/**
 * What Muon makes of a matrix U S Vᵀ: U S' Vᵀ, with all singular values of S' near 1 (0.7 to 1.2 after 5 runs, but for
 * those that were smallest). X ← a X + (b A + c A²) X with A = X Xᵀ, from X = G / ‖G‖.
 *
 * @param matrix float32 [m, n]
 */
export function orthogonalized(matrix: Value, iterations: number): Value {
  const tall = matrix.shape[0] > matrix.shape[1];
  const wide = tall ? op.matrixTranspose(matrix) : matrix;
  let x = op.div(wide, op.add(norm(wide), EPSILON));
  for (let run = 0; run < iterations; run++) {
    const gram = op.matMul(x, op.matrixTranspose(x));
    const polynomial = op.add(op.mul(gram, B), op.mul(op.matMul(gram, gram), C));
    x = op.add(op.mul(x, A), op.matMul(polynomial, x));
  }
  return tall ? op.matrixTranspose(x) : x;
}

/**
 * The group of what Muon is not for: biases, norms, embeddings, and the last layer, which its author leaves to Adam, too.
 *
 * @param rest what they are trained by, such as `adamw({ learningRate: cosine(1e-3) })`
 */
export function muonGroups(rest: Optimizer): ParameterGroup[] {
  return [{ parameters: ['bias', 'norm', 'embedding', 'head'], optimizer: rest }];
}
