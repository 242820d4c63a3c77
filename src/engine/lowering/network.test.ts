/** Operators that follow each other, where a lowering may keep a layout of its own from one to the next. */
import { describe, test } from 'node:test';
import { grad } from '../../autodiff/grad.js';
import { Graph, type Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import type { Rewrites } from '../../graph/rewrite.js';
import type { Shape, Tensor } from '../../tensor/tensor.js';
import { lowerings } from '../../testing/lowerings.js';
import { assertClose, randomTensor, runGraph } from '../../testing/run.js';
import { portable } from './portable.js';

interface Network {
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly build: (values: Record<string, Value>) => Value;
}

const around = { padding: [1, 1, 1, 1] } as const;
const halving = { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] } as const;

const networks: Readonly<Record<string, Network>> = {
  'convolution, batch norm, ReLU and max-pooling': {
    shapes: { x: [16, 3, 8, 8], weight: [16, 3, 3, 3], scale: [16], bias: [16] },
    build: ({ x, weight, scale, bias }) => {
      const { y } = op.batchNormTraining(op.conv(x, weight, null, around), scale, bias);
      return op.maxPool(op.relu(y), halving).values;
    },
  },
  'a residual block': {
    shapes: {
      x: [16, 16, 6, 6],
      weight1: [32, 16, 3, 3],
      scale1: [32],
      bias1: [32],
      weight2: [32, 32, 3, 3],
      scale2: [32],
      bias2: [32],
      shortcut: [32, 16, 1, 1],
    },
    build: (v) => {
      const stride = [2, 2] as const;
      const first = op.conv(v.x, v.weight1, null, { ...around, stride });
      const hidden = op.relu(op.batchNormTraining(first, v.scale1, v.bias1).y);
      const second = op.batchNormTraining(op.conv(hidden, v.weight2, null, around), v.scale2, v.bias2).y;
      return op.relu(op.add(second, op.conv(v.x, v.shortcut, null, { stride })));
    },
  },
  'a value used in blocked and in plain form': {
    shapes: { x: [2, 16, 4, 4], weight: [16, 16, 3, 3], bias: [16] },
    build: ({ x, weight, bias }) => {
      const z = op.conv(x, weight, bias, around);
      const active = op.relu(z);
      const pooled = op.reduceMean(active, [2, 3], true);
      return op.add(op.add(op.mul(z, pooled), active), op.add(z, active));
    },
  },
  'the sum of two convolutions, and of one with itself': {
    shapes: { x: [2, 16, 4, 4], left: [16, 16, 1, 1], right: [16, 16, 3, 3] },
    build: ({ x, left, right }) => {
      const [a, b] = [op.conv(x, left), op.conv(x, right, null, around)];
      return op.relu(op.add(op.relu(op.add(a, b)), op.add(a, a)));
    },
  },
  'batch norm in its inference form': {
    shapes: {
      x: [2, 16, 4, 4],
      weight: [16, 16, 1, 1],
      scale: [16],
      bias: [16],
      mean: [16],
      deviation: [16],
    },
    build: ({ x, weight, scale, bias, mean, deviation }) => {
      const variance = op.add(op.mul(deviation, deviation), 0.5);
      return op.relu(op.batchNormalization(op.conv(x, weight), scale, bias, mean, variance, 0.01));
    },
  },
  'max-pooling of values that may be negative': {
    shapes: { x: [2, 16, 6, 6], weight: [16, 16, 1, 1] },
    build: ({ x, weight }) => op.maxPool(op.conv(x, weight), halving).values,
  },
  'max-pooling of ReLU with an odd size': {
    shapes: { x: [2, 16, 5, 7], weight: [16, 16, 1, 1] },
    build: ({ x, weight }) => op.maxPool(op.relu(op.conv(x, weight)), halving).values,
  },
};

/** The network's result and the gradients of its weighted sum. */
async function run({ shapes, build }: Network, rewrites: Rewrites): Promise<Record<string, Tensor>> {
  const graph = new Graph();
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, graph.input(name, 'float32', shape)]),
  );
  const result = build(values);
  const weights = graph.input('weights', 'float32', result.shape);
  const loss = op.reduceSum(
    op.mul(result, weights),
    result.shape.map((_, axis) => axis),
  );
  graph.output('result', result);
  const gradients = grad(loss, Object.values(values));
  Object.keys(shapes).forEach((name, i) => {
    graph.output(`gradient of ${name}`, gradients[i]);
  });
  const feeds = Object.fromEntries(
    Object.entries({ ...shapes, weights: result.shape }).map(([name, shape], i) => [
      name,
      randomTensor('float32', shape, i),
    ]),
  );
  return runGraph(graph, feeds, { rewrites });
}

for (const [lowering, rewrites] of Object.entries(lowerings)) {
  if (rewrites === portable) continue;
  describe(`the lowering ${lowering} computes the same as the plain one`, () => {
    for (const [name, network] of Object.entries(networks)) {
      test(name, async () => {
        const [expected, actual] = [await run(network, portable), await run(network, rewrites)];
        for (const key of Object.keys(expected)) assertClose(actual[key], expected[key], 1e-4, key);
      });
    }
  });
}
