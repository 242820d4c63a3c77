import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Graph } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { rewrite } from '../../graph/rewrite.js';
import { elementCount } from '../../tensor/tensor.js';
import { convolutionCases, hostPatches } from '../../testing/convolution.js';
import { assertClose, evaluate, randomTensor, runGraph } from '../../testing/run.js';
import { batchSlice, patches, sliceCount } from './patches.js';
import { portableLowering } from './portable.js';

describe('patches', () => {
  for (const geometry of convolutionCases) {
    test(`of a convolution ${geometry.name} are what its kernel looks at`, async () => {
      // Only copies, so the type with the least rounding will do for all.
      const x = randomTensor('float64', geometry.x);
      const columns = await evaluate([x], (input) =>
        patches(op.transpose(input, [1, 0, 2, 3]), geometry.weight.slice(2), geometry.options),
      );
      assertClose(columns, hostPatches(geometry, x), 0);
    });
  }
});

test('patches of one and three axes make the convolution, and their products the Gram matrix', async () => {
  const cases = [
    { x: [2, 4, 9], weight: [6, 2, 3], stride: [2], padding: [2, 1], dilation: [2] },
    {
      x: [2, 2, 4, 3, 5],
      weight: [4, 1, 2, 3, 2],
      stride: [1, 1, 2],
      padding: [1, 0, 1, 0, 2, 0],
      dilation: [1, 1, 2],
    },
  ];
  for (const { x, weight, ...steps } of cases) {
    const geometry = { ...steps, groups: 2 };
    const graph = new Graph();
    const [image, filter] = [graph.input('x', 'float32', x), graph.input('w', 'float32', weight)];
    const columns = op.convPatches(image, weight.slice(2), geometry);
    const z = op.channelsFirst(op.conv(image, filter, null, geometry));
    const rows = op.reshape(filter, [2, weight[0] / 2, -1]);
    graph.output('convolution', op.reshape(z, [2, weight[0] / 2, -1]));
    graph.output('product', op.matMul(rows, columns));
    graph.output('gram', op.convGram(image, weight.slice(2), geometry));
    graph.output('squares', op.matMul(columns, op.matrixTranspose(columns)));
    const results = await runGraph(graph, {
      x: randomTensor('float32', x),
      w: randomTensor('float32', weight, 1),
    });
    assertClose(results.product, results.convolution, 1e-5);
    assertClose(results.gram, results.squares, 1e-5);
  }
});

describe('slices of a batch', () => {
  const sizes = fc.record({
    batch: fc.integer({ min: 1, max: 40 }),
    channels: fc.integer({ min: 1, max: 4 }),
    positions: fc.integer({ min: 1, max: 50 }),
    kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    budget: fc.integer({ min: 1, max: 2 ** 20 }),
  });

  test('fit the budget, unless one image alone exceeds it, and are no more than needed', () => {
    fc.assert(
      fc.property(sizes, ({ batch, channels, positions, kernel, budget }) => {
        const x = new Graph().input('x', 'float32', [batch, channels, 1, 1]);
        const count = sliceCount(x, positions, kernel, budget);
        const bytes = (images: number): number => images * channels * positions * kernel[0] * kernel[1] * 4;
        const largest = Math.ceil(batch / count);
        assert.ok(count >= 1 && count <= batch);
        assert.ok(largest === 1 || bytes(largest) <= budget);
        if (count > 1) assert.ok(bytes(Math.ceil(batch / (count - 1))) > budget);
      }),
    );
  });

  test('cover the batch once, in order, in sizes that differ by at most one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (batch, wanted) => {
        const count = Math.min(batch, wanted);
        const x = new Graph().input('x', 'float32', [batch, 2]);
        const lengths = Array.from({ length: count }, (_, i) => batchSlice(x, 0, i, count).shape[0]);
        assert.equal(
          lengths.reduce((sum, length) => sum + length),
          batch,
        );
        assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 1);
      }),
    );
  });

  test('lie one behind the other', async () => {
    const x = randomTensor('float32', [5, 2]);
    const joined = await evaluate([x], (value) =>
      op.concat(
        [0, 1, 2].map((i) => batchSlice(value, 0, i, 3)),
        0,
      ),
    );
    assertClose(joined, x, 0);
  });
});

test('a lowering materialises no more patches at a time than its budget', () => {
  const build = (): Graph => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [7, 3, 6, 6]);
    const gradZ = graph.input('gradZ', 'float32', [7, 4, 6, 6]);
    const options = op.geometry({ padding: [1, 1, 1, 1] });
    graph.output('gram', op.convGram(x, [3, 3], options));
    graph.output('gradient', op.convGradWeight(x, gradZ, [4, 3, 3, 3], options));
    return graph;
  };
  const perImage = 3 * 3 * 3 * 6 * 6 * 4;
  for (const [budget, images] of [
    [1, 1],
    [perImage, 1],
    [3 * perImage - 1, 2],
    [3 * perImage, 3],
    [7 * perImage, 7],
    [undefined, 7],
  ] as const) {
    const { nodes } = rewrite(build(), portableLowering(budget));
    const largest = Math.max(
      ...nodes
        .filter(({ opType }) => opType === 'Concat')
        .map(({ outputs }) => elementCount(outputs[0].shape) * 4),
    );
    assert.equal(largest, images * perImage, `with a budget of ${budget ?? 'the default'}`);
  }
});
