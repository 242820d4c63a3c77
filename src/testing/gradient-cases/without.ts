/** What has no gradient to check, and why. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Shape } from '../../tensor/tensor.js';

export interface WithoutGradient {
  readonly reason: string;
  readonly shapes: readonly Shape[];
  readonly build: (...inputs: Value[]) => Value;
}

const image: Shape = [2, 3, 4, 4];

const comparison = (build: (a: Value, b: Value) => Value): WithoutGradient => ({
  reason: 'a comparison is constant almost everywhere',
  shapes: [[2], [2]],
  build,
});

/** Operators: differentiating through them is an error, but for comparisons, through which nothing flows. */
export const withoutGradient = {
  equal: comparison(op.equal),
  greater: comparison(op.greater),
  greaterOrEqual: comparison(op.greaterOrEqual),
  less: comparison(op.less),
  lessOrEqual: comparison(op.lessOrEqual),
  and: comparison((a, b) => op.and(op.greater(a, 0), op.greater(b, 0))),
  or: comparison((a, b) => op.or(op.greater(a, 0), op.greater(b, 0))),
  xor: comparison((a, b) => op.xor(op.greater(a, 0), op.greater(b, 0))),
  not: comparison((a, b) => op.not(op.greater(a, b))),
  isNaN: comparison((a, b) => op.isNaN(op.div(a, b))),
  isInf: comparison((a, b) => op.isInf(op.div(a, b))),
  argMax: {
    reason: 'a position is an integer',
    shapes: [[2, 3]],
    build: (x) => op.argMax(x, 1),
  },
  argMin: {
    reason: 'a position is an integer',
    shapes: [[2, 3]],
    build: (x) => op.argMin(x, 1, true),
  },
  batchNormTrainingGrad: {
    reason: 'the second derivative of batch norm is needed by nothing',
    shapes: [image, image, [3], [3], [3]],
    build: (...[g, x, scale, mean, variance]) =>
      op.batchNormTrainingGrad(g, x, scale, mean, variance, 0.01)[0],
  },
  convGram: {
    reason: 'TrAct takes the Gram matrix as a constant',
    shapes: [image],
    build: (x) => op.convGram(x, [3, 3], op.geometry()),
  },
  convPatches: {
    reason: 'only TrAct takes patches, and takes them as a constant',
    shapes: [image],
    build: (x) => op.convPatches(x, [3, 3], op.geometry()),
  },
} satisfies Record<string, WithoutGradient>;

/** Exports that add no operator to a value, or none that depends on its elements. */
export const notOperators = {
  scalarLike: 'a constant',
  int64s: 'a constant',
  range: 'a constant',
  lattice: 'a constant',
  mapAxis: 'a matrix product with a constant',
  zerosLike: 'a constant in the shape of a value',
  geometry: 'options',
  geometryOf: 'options',
  poolingGeometryOf: 'options',
  outputSize: 'a shape',
  normalizeAxis: 'an axis',
  averageAlong: 'a linear map',
  resizeAlong: 'a linear map',
  einsumTerms: 'letters',
  resizeModes: 'words',
  aspectRatioPolicies: 'words',
  coordinateModes: 'words',
  nearestModes: 'words',
  sampleModes: 'words',
  samplePaddings: 'words',
};
