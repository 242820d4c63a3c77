/** Reductions, over every kind of axes, and the functions of a distribution; ties have a test of their own. */
import type { Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { zeros } from '../../tensor/tensor.js';
import { type Draw, awayFromZero, distinct, normal, positive } from '../gradients.js';
import type { GradientCase, GradientCases } from './case.js';

const axes: readonly number[][] = [[0], [1], [-1], [0, 2], [1, -1], [0, 1, 2]];

const reduction = (name: string, build: typeof op.reduceSum, draw: Draw = normal): GradientCase[] =>
  axes.flatMap((over) =>
    [true, false].map((keep) => ({
      name: `${name} over ${over.join()}${keep ? ', kept as 1' : ''}`,
      shapes: [[2, 3, 4]],
      build: (x: Value) => build(x, over, keep),
      draw,
    })),
  );

const distribution = (name: string, build: typeof op.softmax): GradientCase[] =>
  [-1, 0, 1].map((axis) => ({
    name: `${name} along axis ${axis}`,
    shapes: [[2, 3, 4]],
    build: (x: Value) => build(x, axis),
  }));

export const reduce = {
  reduceSum: reduction('ReduceSum', op.reduceSum),
  reduceMean: reduction('ReduceMean', op.reduceMean),
  reduceMax: reduction('ReduceMax', op.reduceMax, distinct),
  reduceMin: reduction('ReduceMin', op.reduceMin, distinct),
  reduceProd: [
    ...reduction('ReduceProd', op.reduceProd, awayFromZero),
    {
      name: 'ReduceProd with no, one and two zeros',
      shapes: [[3, 4]],
      build: (x) => op.reduceProd(x, [1]),
      draw: () => [1, -2, 3, 0.5, 1.5, 0, -2, 3, 0, 2, 0, -1],
    },
  ],
  reduceL1: reduction('ReduceL1', op.reduceL1, awayFromZero),
  reduceL2: reduction('ReduceL2', op.reduceL2),
  reduceLogSum: reduction('ReduceLogSum', op.reduceLogSum, positive),
  reduceLogSumExp: reduction('ReduceLogSumExp', op.reduceLogSumExp),
  reduceSumSquare: reduction('ReduceSumSquare', op.reduceSumSquare),
  cumSum: [false, true].flatMap((exclusive) =>
    [false, true].map((reverse) => ({
      name: `CumSum${exclusive ? ', exclusive' : ''}${reverse ? ', reverse' : ''}`,
      shapes: [[2, 4, 3]],
      build: (x: Value) => op.cumSum(x, -2, { exclusive, reverse }),
    })),
  ),
  cumProd: [false, true].flatMap((exclusive) =>
    [false, true].map((reverse) => ({
      name: `CumProd${exclusive ? ', exclusive' : ''}${reverse ? ', reverse' : ''}, with zeros`,
      shapes: [[2, 5]],
      build: (x: Value) => op.cumProd(x, -1, { exclusive, reverse }),
      draw: () => [1.5, -2, 0.5, 3, -1, 0.5, 0, 2, 0, 3],
    })),
  ),
  topK: [
    { name: 'TopK', shapes: [[2, 5]], build: (x) => op.topK(x, 3).values, draw: distinct },
    {
      name: 'TopK, the least along the first axis',
      shapes: [[5, 3]],
      build: (x) => op.topK(x, 2, { axis: 0, largest: false }).values,
      draw: distinct,
    },
  ],
  lpNorm: [1, 2, 3].map((p) => ({
    name: `ReduceSum of powers of ${p}`,
    shapes: [[2, 3, 4]],
    build: (x: Value) => op.lpNorm(x, p, [0, -1]),
    draw: awayFromZero,
  })),
  softmax: distribution('Softmax', op.softmax),
  logSoftmax: distribution('LogSoftmax', op.logSoftmax),
  sumTo: [
    {
      name: 'ReduceSum to what was broadcast',
      shapes: [[2, 3, 4]],
      build: (x) => op.sumTo(x, x.graph.constant(zeros(x.dtype, [3, 1]))),
    },
  ],
} satisfies GradientCases;
