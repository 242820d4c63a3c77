/** TrAct in the graph: the transformed gradient of a layer's weights. */
import { GraphError, type Node, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { ForwardPass, GradientTransform } from '../optim/transform.js';
import { OptionError } from '../tensor/option-error.js';
import { type Shape, elementCount, tensor } from '../tensor/tensor.js';
import { layerOf } from './first-layer.js';
import { matrixTrace, regularizedInverse } from './inverse.js';
import { type Lambda, RELATIVE_FLOOR, checkLambda } from './lambda.js';
import { type TractOverTime, checkOverTime, lambdaAt, overTimeOf, runningMean } from './over-time.js';

/** What a layer's running mean of the Gram matrix needs to know before there is a graph. */
export type GramShapes = Readonly<Record<string, Shape>>;

/**
 * The transform that takes the vanilla gradients of the given weights to
 * `∇W = gᵀ x (xᵀx / b + λI)⁻¹` (paper, equation 5), or to the dual form `gᵀ (xxᵀ / b + λI)⁻¹ x` where b < n.
 *
 * Its statistics are the Gram matrices `xᵀx / b`, or for the dual form the rows of x and g themselves. b counts the rows
 * of the whole batch, into however many shards it is cut. A running mean of the Gram matrices is its state.
 *
 * @param weights the names of the weights of linear layers or convolutions, such as `conv1.weight`
 * @param overTime what changes from step to step
 * @param gramShapes with a running mean, the shape of each weight's Gram matrix, [n, n] or [groups, n, n]
 * @throws OptionError for a λ that is not finite and positive, or another value out of range
 */
export function tractTransform(
  weights: readonly string[],
  lambda: Lambda,
  overTime: TractOverTime = {},
  gramShapes: GramShapes = {},
): GradientTransform {
  checkLambda(lambda);
  checkOverTime(overTime);
  const { gramMomentum = 0, until } = overTime;
  const keepsGram = gramMomentum > 0;
  if (keepsGram) checkShapes(weights, gramShapes);
  return {
    name: 'tract',
    config: {
      weights,
      lambda,
      ...overTimeOf(overTime),
      ...(keepsGram && { gramShapes }),
    },
    ...(keepsGram && {
      state: (parameters: ReadonlyMap<string, Shape>) =>
        Object.fromEntries(
          weights.filter((weight) => parameters.has(weight)).map((weight) => [weight, gramShapes[weight]]),
        ),
    }),
    statistics: (pass) =>
      new Map(
        weights.flatMap((weight) => {
          // Frozen weights have no gradient to transform.
          if (!pass.parameters.has(weight)) return [];
          const { node, transposed } = layerOf(weight, pass.nodes, pass.parameters);
          const found = pass.images.graph.inScope(scopeOf(weight), () =>
            layerStatistics(node, pass, keepsGram),
          );
          return Object.entries<Value>({ ...found }).map(([name, value]): [string, Value] => [
            `${weight}/${transposed ? TRANSPOSED : ''}${name}`,
            value,
          ]);
        }),
      ),
    apply(gradients, { statistics, state, step }) {
      const result = new Map(gradients);
      const nextState = new Map(state);
      for (const weight of weights) {
        const vanilla = gradients.get(weight);
        if (!vanilla) continue;
        const transposed = ['gram', 'rows'].some((name) => statistics.has(`${weight}/${TRANSPOSED}${name}`));
        const statistic = (name: string): Value | undefined =>
          statistics.get(`${weight}/${transposed ? TRANSPOSED : ''}${name}`);
        // [out, in], whichever way the parameter is stored.
        const turned = (matrix: Value): Value => (transposed ? op.matrixTranspose(matrix) : matrix);
        const transformed = vanilla.graph.inScope(scopeOf(weight), () => {
          const strength = {
            lambda: lambdaAt(lambda, overTime, step),
            isRelative: typeof lambda !== 'number',
          };
          const gram = statistic('gram');
          if (!gram)
            return turned(dual(turned(vanilla), statistic('rows')!, statistic('gradients')!, strength));
          if (!keepsGram) return turned(primal(turned(vanilla), gram, strength));
          const { mean, after } = runningMean(gram, state.get(weight)!, gramMomentum, step);
          nextState.set(weight, after);
          return turned(primal(turned(vanilla), mean, strength));
        });
        const early = until === undefined ? undefined : op.greater(step, until);
        result.set(weight, early ? op.where(early, vanilla, transformed) : transformed);
      }
      return { gradients: result, ...(keepsGram && { state: nextState }) };
    },
  };
}

/** @throws OptionError */
function checkShapes(weights: readonly string[], shapes: GramShapes): void {
  const isSquare = (shape: Shape | undefined): boolean =>
    Array.isArray(shape) &&
    shape.every((size: unknown) => Number.isSafeInteger(size) && (size as number) > 0) &&
    (shape.length === 2 || shape.length === 3) &&
    shape.at(-1) === shape.at(-2);
  const other = weights.find((weight) => !isSquare(shapes[weight]));
  if (other !== undefined)
    throw new OptionError(`tract: gramShapes must hold the shape of the Gram matrix of ${other}`);
}

/** The shape of a layer's Gram matrix: [n, n], of a convolution [groups, n, n]. */
export function gramShapeOf(layer: Node): Shape {
  const features = elementCount(layer.inputs[1]!.shape.slice(1));
  return layer.opType === 'Conv' ? [op.geometryOf(layer).groups, features, features] : [features, features];
}

/** In front of the statistics of a layer that takes the transpose of its parameter. */
const TRANSPOSED = 'transposed/';

/** What nodes of the transform are known by, such as `conv1/tract`. */
const scopeOf = (weight: string): string => `${weight.slice(0, Math.max(weight.lastIndexOf('.'), 0))}/tract`;

/**
 * The gradient of one layer's weights by TrAct, of a batch in one piece.
 *
 * @param layer the tract.Linear or Conv node of the layer
 * @param gradZ the gradient of the mean loss towards the layer's result
 * @param vanilla the gradient of the mean loss towards its weights
 * @returns a value of the shape of the weights
 */
export function tractWeightGradient(layer: Node, gradZ: Value, vanilla: Value, lambda: Lambda): Value {
  checkLambda(lambda);
  const { gram, rows, gradients } = layerStatistics(layer, { gradientOf: () => gradZ, shards: 1 });
  const strength = {
    lambda: typeof lambda === 'number' ? lambda : lambda.relative,
    isRelative: typeof lambda !== 'number',
  };
  return gram ? primal(vanilla, gram, strength) : dual(vanilla, rows!, gradients!, strength);
}

/** Of one layer: the Gram matrix, or for the dual form rows and gradients. */
interface LayerStatistics {
  /** float64 [n, n], for a convolution [groups, n, n]: xᵀx / b. */
  readonly gram?: Value;
  /** [b, n], for a convolution [groups, b, n]. */
  readonly rows?: Value;
  /** [m, b], for a convolution [groups, m / groups, b]. */
  readonly gradients?: Value;
}

type Shard = Pick<ForwardPass, 'gradientOf' | 'shards' | 'shard'>;

/** @param asGram whether the Gram matrix is wanted where the dual form would be smaller, too */
function layerStatistics(layer: Node, pass: Shard, asGram = false): LayerStatistics {
  if (layer.opType === 'Conv') return convStatistics(layer, pass, asGram);
  if (layer.opType === 'Linear') return linearStatistics(layer, pass, asGram);
  throw new GraphError(`TrAct is defined for linear layers and convolutions, not for ${layer.opType}`);
}

function linearStatistics({ inputs, outputs }: Node, pass: Shard, asGram: boolean): LayerStatistics {
  const x = op.reshape(inputs[0]!, [-1, inputs[0]!.shape.at(-1)!]);
  const [shardRows, features] = x.shape;
  const rows = shardRows * pass.shards;
  if (asGram || rows >= features) return { gram: meanOf(op.matMul(op.matrixTranspose(x), x), rows) };
  const gradZ = pass.gradientOf(outputs[0]);
  const g = op.matrixTranspose(op.reshape(gradZ, [-1, gradZ.shape.at(-1)!]));
  return { rows: placed(x, 0, pass), gradients: placed(g, 1, pass) };
}

function convStatistics(layer: Node, pass: Shard, asGram: boolean): LayerStatistics {
  const [x, weight] = layer.inputs as [Value, Value];
  const geometry = op.geometryOf(layer);
  const { groups } = geometry;
  const kernel = weight.shape.slice(2);
  const [batch, out, ...size] = layer.outputs[0].shape;
  const shardRows = batch * elementCount(size);
  const rows = shardRows * pass.shards;
  const features = elementCount(weight.shape.slice(1));
  if (asGram || rows >= features) return { gram: meanOf(op.convGram(x, kernel, geometry), rows) };
  const patches = op.matrixTranspose(op.convPatches(x, kernel, geometry));
  const gradZ = pass.gradientOf(layer.outputs[0]);
  const g = op.reshape(op.channelsFirst(gradZ), [groups, out / groups, shardRows]);
  return { rows: placed(patches, 1, pass), gradients: placed(g, 2, pass) };
}

const meanOf = (gram: Value, rows: number): Value => op.div(op.cast(gram, 'float64'), rows);

/** A shard's rows in their place among those of the whole batch, zeros in all others': the sum has all rows. */
function placed(x: Value, axis: number, { shards, shard }: Shard): Value {
  if (!shard) return x;
  const { graph, shape } = x;
  const numbers = Array.from({ length: shards }, (_, i) => i);
  const chosen = op.cast(op.equal(graph.constant(tensor('int64', [shards], numbers)), shard), x.dtype);
  const before = shape.slice(0, axis);
  const spread = op.mul(
    op.reshape(x, [...before, 1, ...shape.slice(axis)]),
    op.reshape(chosen, [shards, ...shape.slice(axis).map(() => 1)]),
  );
  return op.reshape(spread, [...before, shards * shape[axis], ...shape.slice(axis + 1)]);
}

/** λ as it is at a step. */
interface Strength {
  /** A float64 scalar where it changes. */
  readonly lambda: number | Value;
  readonly isRelative: boolean;
}

/** gᵀx (xᵀx / b + λI)⁻¹, with gᵀx the vanilla gradient. */
function primal(vanilla: Value, gram: Value, strength: Strength): Value {
  const [groups, features] = [gram.shape.length === 3 ? gram.shape[0] : undefined, gram.shape.at(-1)!];
  const rows = groups === undefined ? vanilla : op.reshape(vanilla, [groups, -1, features]);
  const product = op.matMul(op.cast(rows, 'float64'), regularized(gram, features, strength));
  return op.reshape(op.cast(product, vanilla.dtype), vanilla.shape);
}

/** gᵀ (xxᵀ / b + λI)⁻¹ x */
function dual(vanilla: Value, x: Value, gradients: Value, strength: Strength): Value {
  const [rows, features] = x.shape.slice(-2);
  const gram = meanOf(op.matMul(x, op.matrixTranspose(x)), rows);
  const solved = op.matMul(regularized(gram, features, strength), op.cast(x, 'float64'));
  return op.reshape(op.matMul(gradients, op.cast(solved, x.dtype)), vanilla.shape);
}

/**
 * (gram + λI)⁻¹. A relative λ is relative to the mean of the diagonal of xᵀx / b of this very batch; each group of a
 * convolution has its own. xxᵀ has the trace of xᵀx, so that both forms divide by the n features.
 */
function regularized(gram: Value, features: number, { lambda, isRelative }: Strength): Value {
  if (!isRelative) return regularizedInverse(gram, lambda);
  const diagonal = op.div(matrixTrace(gram), features);
  return regularizedInverse(gram, op.add(op.mul(diagonal, lambda), RELATIVE_FLOOR));
}
