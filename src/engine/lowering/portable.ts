/**
 * The plain lowering: every operator of the tract domain in standard ONNX, in the form that every engine runs. It is
 * also the form that the faster lowerings are tested against.
 */
import type { Value } from '../../graph/graph.js';
import { GraphError } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Rewrite, Rewrites } from '../../graph/rewrite.js';
import { elementCount } from '../../tensor/tensor.js';
import { PATCH_BUDGET, batchSlice, patches, sliceCount } from './patches.js';

const linear: Rewrite = ([x, weight, bias], node) => {
  const rows = op.reshape(x!, [-1, x!.shape.at(-1)!]);
  return [op.reshape(op.gemm(rows, weight!, bias ?? null), node.outputs[0].shape)];
};

const convGradInput: Rewrite = ([gradZ, weight], node) => [
  op.convTranspose(gradZ!, weight!, node.outputs[0].shape, op.geometryOf(node)),
];

/** ∂W[o, (c,i,j)] = Σ over images and positions of ∂z[o, ·] · patch[(c,i,j), ·]: one matrix product a group. */
const convGradWeight =
  (patchBudget: number): Rewrite =>
  ([x, gradZ], node) => {
    const geometry = op.geometryOf(node);
    const { shape } = node.outputs[0];
    const [, outChannels, ...size] = gradZ!.shape;
    const { groups } = geometry;
    const sum = sumOverSlices(
      x!,
      node.attributes.kernel_shape.value as number[],
      geometry,
      patchBudget,
      (columns, index, count) => {
        const gradient = op.channelsFirst(batchSlice(gradZ!, 0, index, count));
        const columnsOf = gradient.shape[1] * elementCount(size);
        const rows = op.reshape(gradient, [groups, outChannels / groups, columnsOf]);
        return op.matMul(rows, op.matrixTranspose(columns));
      },
    );
    return [op.reshape(sum, shape)];
  };

/** xᵀx over the patches: [groups, n, n]. */
const convGram =
  (patchBudget: number): Rewrite =>
  ([x], node) => [
    sumOverSlices(
      x!,
      node.attributes.kernel_shape.value as number[],
      op.geometryOf(node),
      patchBudget,
      (columns) => op.matMul(columns, op.matrixTranspose(columns)),
    ),
  ];

const convPatches: Rewrite = ([x], node) => [
  patches(op.channelsFirst(x!), node.attributes.kernel_shape.value as number[], op.geometryOf(node)),
];

/** Σ of `term` over slices of the batch that are small enough for their patches to fit the memory budget. */
function sumOverSlices(
  x: Value,
  kernel: readonly number[],
  geometry: op.ConvolutionGeometry,
  patchBudget: number,
  term: (columns: Value, index: number, count: number) => Value,
): Value {
  const positions = elementCount(op.outputSize(x.shape.slice(2), kernel, geometry));
  const count = sliceCount(x, positions, kernel, patchBudget);
  let sum: Value | undefined;
  for (let index = 0; index < count; index++) {
    const images = op.channelsFirst(batchSlice(x, 0, index, count));
    const part = term(patches(images, kernel, geometry), index, count);
    sum = sum ? op.add(sum, part) : part;
  }
  if (!sum) throw new GraphError('a batch cannot be empty');
  return sum;
}

const statisticsAxes = (x: Value): number[] => x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
const perChannel = (value: Value, like: Value): Value =>
  op.reshape(value, [1, -1, ...like.shape.slice(2).map(() => 1)]);

const batchNormTraining: Rewrite = ([x, scale, bias], node) => {
  const axes = statisticsAxes(x!);
  const mean = op.reduceMean(x!, axes);
  const centred = op.sub(x!, perChannel(mean, x!));
  const variance = op.reduceMean(op.mul(centred, centred), axes);
  const y = op.batchNormalization(x!, scale!, bias!, mean, variance, node.attributes.epsilon.value as number);
  return [y, mean, variance];
};

/** With x̂ = (x - mean)/σ: ∂x = scale/σ · (g - mean(g) - x̂ · mean(g x̂)), which is a·g + b·x + c per channel. */
const batchNormTrainingGrad: Rewrite = ([g, x, scale, mean, variance], node) => {
  const axes = statisticsAxes(x!);
  const count = x!.shape.reduce((product, length, axis) => (axis === 1 ? product : product * length), 1);
  const inverse = op.reciprocal(op.sqrt(op.add(variance!, node.attributes.epsilon.value as number)));
  const sum = op.reduceSum(g!, axes);
  const centred = op.sub(x!, perChannel(mean!, x!));
  const gradScale = op.mul(op.reduceSum(op.mul(g!, centred), axes), inverse);
  const a = op.mul(scale!, inverse);
  const b = op.div(op.neg(op.mul(op.mul(a, inverse), gradScale)), count);
  const c = op.div(op.neg(op.mul(a, sum)), count);
  const gradX = op.add(
    op.add(op.mul(g!, perChannel(a, x!)), op.mul(centred, perChannel(b, x!))),
    perChannel(c, x!),
  );
  return [gradX, gradScale, sum];
};

const maxPoolGrad: Rewrite = ([g, x, , indices]) => {
  const size = x!.shape.reduce((product, length) => product * length, 1);
  return [op.reshape(op.scatterAdd(size, op.reshape(indices!, [-1]), op.reshape(g!, [-1])), x!.shape)];
};

const reluGrad: Rewrite = ([g, y]) => [op.where(op.greater(y!, 0), g!, 0)];

/**
 * The plain lowering.
 *
 * @param patchBudget the most memory in bytes that the patches of one slice of a batch may take
 */
export function portableLowering(patchBudget = PATCH_BUDGET): Rewrites {
  return new Map<string, Rewrite>([
    ['tract.Linear', linear],
    ['tract.ConvGradInput', convGradInput],
    ['tract.ConvGradWeight', convGradWeight(patchBudget)],
    ['tract.ConvGram', convGram(patchBudget)],
    ['tract.ConvPatches', convPatches],
    ['tract.BatchNormTraining', batchNormTraining],
    ['tract.BatchNormTrainingGrad', batchNormTrainingGrad],
    ['tract.MaxPoolGrad', maxPoolGrad],
    ['tract.ReluGrad', reluGrad],
  ]);
}

export const portable: Rewrites = portableLowering();
