import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Graph, GraphError, type Value } from '../graph/graph.js';
import { stateFeeds } from '../graph/state-names.js';
import { type Shape, type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { randomTensor, runGraph } from '../testing/run.js';
import type { Conv2dOptions } from './conv2d-options.js';
import { batchNorm, conv2d, layerNorm, linear } from './layers.js';
import { type PaddingMode, padImage } from './padding.js';
import { Scope } from './scope.js';

/** A layer on an image of the given shape, without running it. */
function build(shape: Shape, layer: (scope: Scope, x: Value) => Value): Value {
  const graph = new Graph();
  return layer(Scope.root(graph, { training: true }).child('layer'), graph.input('x', 'float32', shape));
}

/** Where PyTorch's padding modes take an element from that lies outside of 0 to length - 1; undefined for a zero. */
const sources: Readonly<Record<PaddingMode, (at: number, length: number) => number | undefined>> = {
  zeros: (at, length) => (at >= 0 && at < length ? at : undefined),
  replicate: (at, length) => Math.min(Math.max(at, 0), length - 1),
  circular: (at, length) => (at + length) % length,
  reflect: (at, length) => {
    const folded = Math.abs(at);
    return folded < length ? folded : 2 * (length - 1) - folded;
  },
};

/** The convolution as its definition has it: 5x4 images of 4 channels, 6 output channels, 2 groups. */
function expectedConvolution(
  x: Tensor,
  weight: Tensor,
  options: Required<Pick<Conv2dOptions, 'paddingMode'>>,
) {
  const [images, kernels] = [toNumbers(x), toNumbers(weight)];
  const [height, width, kernelHeight, kernelWidth] = [5, 4, 3, 2];
  const [top, left, bottom, right] = [2, 1, 1, 3];
  const [stride, dilation] = [
    [2, 1],
    [1, 2],
  ];
  const outHeight =
    Math.floor((height + top + bottom - dilation[0] * (kernelHeight - 1) - 1) / stride[0]) + 1;
  const outWidth = Math.floor((width + left + right - dilation[1] * (kernelWidth - 1) - 1) / stride[1]) + 1;
  const source = sources[options.paddingMode];
  const result: number[] = [];
  for (let n = 0; n < 2; n++)
    for (let out = 0; out < 6; out++)
      for (let i = 0; i < outHeight; i++)
        for (let j = 0; j < outWidth; j++) {
          let sum = 0;
          for (let c = 0; c < 2; c++)
            for (let u = 0; u < kernelHeight; u++)
              for (let v = 0; v < kernelWidth; v++) {
                const row = source(i * stride[0] + u * dilation[0] - top, height);
                const column = source(j * stride[1] + v * dilation[1] - left, width);
                if (row === undefined || column === undefined) continue;
                const channel = Math.floor(out / 3) * 2 + c;
                sum +=
                  images[((n * 4 + channel) * height + row) * width + column] *
                  kernels[((out * 2 + c) * kernelHeight + u) * kernelWidth + v];
              }
          result.push(sum);
        }
  return { shape: [2, 6, outHeight, outWidth], values: result };
}

describe('conv2d', () => {
  it('has PyTorch’s options: rectangular, grouped, dilated, with four sides of every padding mode', async () => {
    const x = randomTensor('float32', [2, 4, 5, 4], 1);
    const weight = randomTensor('float32', [6, 2, 3, 2], 2);
    for (const paddingMode of ['zeros', 'reflect', 'replicate', 'circular'] as const) {
      const graph = new Graph();
      const y = conv2d(Scope.root(graph, { training: true }), graph.input('x', 'float32', x.shape), 6, {
        kernelSize: [3, 2],
        stride: [2, 1],
        dilation: [1, 2],
        padding: [2, 1, 1, 3],
        paddingMode,
        groups: 2,
        bias: false,
      });
      graph.output('y', y);
      const results = await runGraph(graph, { x, ...stateFeeds({ weight }) });
      const expected = expectedConvolution(x, weight, { paddingMode });
      assert.deepEqual(results.y.shape, expected.shape, paddingMode);
      assertWithin(toNumbers(results.y), expected.values, 1e-6, paddingMode);
    }
  });

  it('keeps the size with "same", and takes no more than there is with "valid"', () => {
    const shapeOf = (options: Conv2dOptions): Shape =>
      build([1, 2, 9, 7], (scope, x) => conv2d(scope, x, 3, options)).shape;
    assert.deepEqual(shapeOf({ kernelSize: [4, 3], dilation: 2, padding: 'same' }), [1, 3, 9, 7]);
    assert.deepEqual(shapeOf({ kernelSize: [4, 3], padding: 'valid' }), [1, 3, 6, 5]);
    assert.deepEqual(shapeOf({ kernelSize: 3, padding: [0, 1], stride: [3, 2] }), [1, 3, 3, 4]);
  });

  it('that does not fit says so with the shapes', () => {
    const refused = (shape: Shape, options: Conv2dOptions, message: RegExp): void => {
      assert.throws(
        () => build(shape, (scope, x) => conv2d(scope, x, 6, options)),
        (error) => error instanceof GraphError && message.test(error.message),
      );
    };
    refused([2, 4, 5], { kernelSize: 3 }, /conv2d layer: .*\[2, 4, 5\] is not \[N, C, H, W\]/);
    refused(
      [2, 4, 5, 5],
      { kernelSize: 3, groups: 4 },
      /4 channels of .*\[2, 4, 5, 5\] and 6 output channels/,
    );
    refused([2, 4, 5, 5], { kernelSize: [3, 0] }, /kernelWidth must be a positive whole number, not 0/);
    refused(
      [2, 4, 5, 5],
      { kernelSize: 3, padding: 'same', stride: 2 },
      /"same" needs a stride of 1, not \[2, 2\]/,
    );
    refused(
      [2, 4, 5, 3],
      { kernelSize: 3, padding: [0, 3], paddingMode: 'reflect' },
      /a border of 3 and 3 in mode "reflect" does not fit axis 3 of .*\[2, 4, 5, 3\]/,
    );
    refused([2, 4, 5, 5], { kernelSize: 7 }, /\[2, 4, 5, 5\]/);
  });
});

describe('padding', () => {
  it('of no width leaves an image as it is', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1, 1, 2, 2]);
    graph.output('y', padImage(x, [0, 0, 0, 0], 'reflect'));
    const given = tensor('float32', [1, 1, 2, 2], [1, 2, 3, 4]);
    assert.deepEqual(toNumbers((await runGraph(graph, { x: given })).y), [1, 2, 3, 4]);
  });
});

describe('other layers', () => {
  it('refuse what cannot be, with their place', () => {
    assert.throws(() => build([4], (scope, x) => linear(scope, x, 3)), /linear layer: .*\[4\] is not/);
    assert.throws(
      () => build([4, 2], (scope, x) => linear(scope, x, 2.5)),
      /outFeatures must be .* not 2\.5/,
    );
    assert.throws(
      () => build([4, 2], (scope, x) => batchNorm(scope, x, { momentum: 2 })),
      /batchNorm layer: momentum must be from 0 to 1, not 2/,
    );
    for (const layer of [batchNorm, layerNorm]) {
      assert.throws(
        () => build([4, 2], (scope, x) => layer(scope, x, { epsilon: -1 })),
        /layer: epsilon must be at least 0, not -1/,
      );
    }
  });

  it('normalise without a trained scale and shift, and with an epsilon of one’s own', async () => {
    const graph = new Graph();
    const scope = Scope.root(graph, { training: true });
    const x = graph.input('x', 'float32', [1, 2]);
    graph.output('y', layerNorm(scope, x, { affine: false, epsilon: 1 }));
    assert.equal(scope.parameters.size, 0);
    const { y } = await runGraph(graph, { x: tensor('float32', [1, 2], [1, 3]) });
    // Mean 2, variance 1: (x - 2) / √(1 + 1).
    assertWithin(toNumbers(y), [-Math.SQRT1_2, Math.SQRT1_2], 1e-6, 'layer norm');
  });
});
