/** TrAct in the graph: the transformed gradient of a layer's weights. */
import { GraphError, type Node, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { ForwardPass, GradientTransform } from '../optim/transform.js';
import { elementCount, tensor } from '../tensor/tensor.js';
import { layerOf } from './first-layer.js';
import { matrixTrace, regularizedInverse } from './inverse.js';
import { type Lambda, RELATIVE_FLOOR, checkLambda } from './lambda.js';

/**
 * The transform that takes the vanilla gradients of the given weights to
 * `∇W = gᵀ x (xᵀx / b + λI)⁻¹` (paper, equation 5), or to the dual form `gᵀ (xxᵀ / b + λI)⁻¹ x` where b < n.
 *
 * Its statistics are the Gram matrices `xᵀx / b`, or for the dual form the rows of x and g themselves. b counts the rows
 * of the whole batch, into however many shards it is cut.
 *
 * @param weights the names of the weights of linear layers or convolutions, such as `conv1.weight`
 * @throws OptionError for a λ that is not finite and positive
 */
export function tractTransform(weights: readonly string[], lambda: Lambda): GradientTransform {
  checkLambda(lambda);
  return {
    name: 'tract',
    config: { weights, lambda },
    statistics: (pass) =>
      new Map(
        weights.flatMap((weight) => {
          // Frozen weights have no gradient to transform.
          if (!pass.parameters.has(weight)) return [];
          const { node, transposed } = layerOf(weight, pass.nodes, pass.parameters);
          const found = pass.images.graph.inScope(scopeOf(weight), () => layerStatistics(node, pass));
          return Object.entries<Value>({ ...found }).map(([name, value]): [string, Value] => [
            `${weight}/${transposed ? TRANSPOSED : ''}${name}`,
            value,
          ]);
        }),
      ),
    apply(gradients, { statistics }) {
      const result = new Map(gradients);
      for (const weight of weights) {
        const vanilla = gradients.get(weight);
        if (!vanilla) continue;
        const transposed = ['gram', 'rows'].some((name) => statistics.has(`${weight}/${TRANSPOSED}${name}`));
        const statistic = (name: string): Value | undefined =>
          statistics.get(`${weight}/${transposed ? TRANSPOSED : ''}${name}`);
        // [out, in], whichever way the parameter is stored.
        const turned = (matrix: Value): Value => (transposed ? op.matrixTranspose(matrix) : matrix);
        const gram = statistic('gram');
        const transformed = vanilla.graph.inScope(scopeOf(weight), () =>
          turned(
            gram
              ? primal(turned(vanilla), gram, lambda)
              : dual(turned(vanilla), statistic('rows')!, statistic('gradients')!, lambda),
          ),
        );
        result.set(weight, transformed);
      }
      return { gradients: result };
    },
  };
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
  return gram ? primal(vanilla, gram, lambda) : dual(vanilla, rows!, gradients!, lambda);
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

function layerStatistics(layer: Node, pass: Shard): LayerStatistics {
  if (layer.opType === 'Conv') return convStatistics(layer, pass);
  if (layer.opType === 'Linear') return linearStatistics(layer, pass);
  throw new GraphError(`TrAct is defined for linear layers and convolutions, not for ${layer.opType}`);
}

function linearStatistics({ inputs, outputs }: Node, pass: Shard): LayerStatistics {
  const x = op.reshape(inputs[0]!, [-1, inputs[0]!.shape.at(-1)!]);
  const [shardRows, features] = x.shape;
  const rows = shardRows * pass.shards;
  if (rows >= features) return { gram: meanOf(op.matMul(op.matrixTranspose(x), x), rows) };
  const gradZ = pass.gradientOf(outputs[0]);
  const g = op.matrixTranspose(op.reshape(gradZ, [-1, gradZ.shape.at(-1)!]));
  return { rows: placed(x, 0, pass), gradients: placed(g, 1, pass) };
}

function convStatistics(layer: Node, pass: Shard): LayerStatistics {
  const [x, weight] = layer.inputs as [Value, Value];
  const geometry = op.geometryOf(layer);
  const { groups } = geometry;
  const kernel = weight.shape.slice(2);
  const [batch, out, ...size] = layer.outputs[0].shape;
  const shardRows = batch * elementCount(size);
  const rows = shardRows * pass.shards;
  const features = elementCount(weight.shape.slice(1));
  if (rows >= features) return { gram: meanOf(op.convGram(x, kernel, geometry), rows) };
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

/** gᵀx (xᵀx / b + λI)⁻¹, with gᵀx the vanilla gradient. */
function primal(vanilla: Value, gram: Value, lambda: Lambda): Value {
  const [groups, features] = [gram.shape.length === 3 ? gram.shape[0] : undefined, gram.shape.at(-1)!];
  const rows = groups === undefined ? vanilla : op.reshape(vanilla, [groups, -1, features]);
  const product = op.matMul(op.cast(rows, 'float64'), regularized(gram, features, lambda));
  return op.reshape(op.cast(product, vanilla.dtype), vanilla.shape);
}

/** gᵀ (xxᵀ / b + λI)⁻¹ x */
function dual(vanilla: Value, x: Value, gradients: Value, lambda: Lambda): Value {
  const [rows, features] = x.shape.slice(-2);
  const gram = meanOf(op.matMul(x, op.matrixTranspose(x)), rows);
  const solved = op.matMul(regularized(gram, features, lambda), op.cast(x, 'float64'));
  return op.reshape(op.matMul(gradients, op.cast(solved, x.dtype)), vanilla.shape);
}

/**
 * (gram + λI)⁻¹. A relative λ is relative to the mean of the diagonal of xᵀx / b of this very batch; each group of a
 * convolution has its own. xxᵀ has the trace of xᵀx, so that both forms divide by the n features.
 */
function regularized(gram: Value, features: number, lambda: Lambda): Value {
  if (typeof lambda === 'number') return regularizedInverse(gram, lambda);
  const diagonal = op.div(matrixTrace(gram), features);
  return regularizedInverse(gram, op.add(op.mul(diagonal, lambda.relative), RELATIVE_FLOOR));
}
