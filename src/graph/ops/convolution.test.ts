import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Shape } from '../../tensor/tensor.js';
import { convolutionCases, hostConv, resultShape } from '../../testing/convolution.js';
import { assertClose, evaluate, randomTensor } from '../../testing/run.js';
import { Graph, type Value } from '../graph.js';
import * as op from '../ops.js';

describe('Conv', () => {
  for (const geometry of convolutionCases) {
    test(`${geometry.name} is the sum of its definition`, async () => {
      const [x, weight] = [
        randomTensor('float32', geometry.x, 1),
        randomTensor('float32', geometry.weight, 2),
      ];
      const z = await evaluate([x, weight], (...inputs) =>
        op.conv(inputs[0], inputs[1], null, geometry.options),
      );
      assert.deepEqual(z.shape, resultShape(geometry));
      assertClose(z, hostConv(geometry, x, weight), 1e-5);
    });
  }

  test('adds the bias to every position of its channel', async () => {
    const tensors = [[1, 1, 2, 2] as Shape, [2, 1, 1, 1], [2]].map((shape) => randomTensor('float32', shape));
    const build = (x: Value, weight: Value, bias: Value): Value =>
      op.sub(op.conv(x, weight, bias), op.conv(x, weight));
    const added = await evaluate(tensors, build);
    const expected = await evaluate([tensors[2]], (bias) =>
      op.expand(op.reshape(bias, [1, 2, 1, 1]), [1, 2, 2, 2]),
    );
    assertClose(added, expected, 1e-5);
  });

  test('remembers its geometry', () => {
    const graph = new Graph();
    const options = op.geometry({ stride: [2, 1], padding: [0, 1, 2, 3], dilation: [1, 2], groups: 2 });
    const z = op.conv(
      graph.input('x', 'float32', [1, 4, 8, 8]),
      graph.input('w', 'float32', [2, 2, 3, 3]),
      null,
      options,
    );
    assert.deepEqual(op.geometryOf(z.producer!), options);
  });
});

describe('Conv refuses', () => {
  const refused = (
    x: Shape,
    weight: Shape,
    bias: Shape | null,
    options: Partial<op.ConvolutionGeometry>,
    message: RegExp,
  ): void => {
    const graph = new Graph();
    const inputs = [x, weight, bias].map((shape, i) => shape && graph.input(`x${i}`, 'float32', shape));
    assert.throws(() => op.conv(inputs[0]!, inputs[1]!, inputs[2], options), {
      name: 'GraphError',
      message,
    });
    assert.equal(graph.nodes.length, 0);
  };
  const fit =
    /^Conv: image, weight and bias do not fit with (\d) group\(s\): float(32|64) \[.*\] and float32 \[.*\]/;

  test('channels that do not fit', () => {
    refused([1, 3, 4, 4], [2, 2, 3, 3], null, {}, fit);
    refused([1, 4, 4, 4], [2, 4, 3, 3], null, { groups: 2 }, fit);
    refused([1, 4, 4, 4], [3, 2, 3, 3], null, { groups: 2 }, fit);
  });

  test('images and weights of different ranks, and of no or four axes', () => {
    refused([1, 3, 4], [2, 3, 3, 3], null, {}, fit);
    refused([1, 3, 4, 4], [2, 3, 3], null, {}, fit);
    refused([1, 3], [2, 3], null, {}, fit);
    refused([1, 3, 4, 4, 4, 4], [2, 3, 3, 3, 3, 3], null, {}, fit);
  });

  test('a bias that is not one number a channel', () => {
    refused([1, 3, 4, 4], [2, 3, 3, 3], [3], {}, fit);
    refused([1, 3, 4, 4], [2, 3, 3, 3], [1, 2], {}, fit);
  });

  test('types that differ', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [1, 3, 4, 4]);
    const weight = graph.input('weight', 'float32', [2, 3, 3, 3]);
    const bias = graph.input('bias', 'float64', [2]);
    assert.throws(() => op.conv(x, weight, bias), { name: 'GraphError', message: fit });
    assert.throws(() => op.conv(op.cast(x, 'float64'), weight), { name: 'GraphError', message: fit });
  });

  test('a kernel larger than the padded image', () => {
    const larger =
      /^Conv: the kernel is larger than the padded image: float32 \[1, 1, 2, 4\] and float32 \[1, 1, 3, 3\]$/;
    refused([1, 1, 2, 4], [1, 1, 3, 3], null, {}, larger);
    refused([1, 1, 2, 4], [1, 1, 3, 3], null, { padding: [1, 0, 0, 0], dilation: [2, 1] }, larger);
  });

  test('numbers that are no geometry', () => {
    const wrong: Partial<op.ConvolutionGeometry>[] = [
      { stride: [0, 1] },
      { stride: [1, -1] },
      { stride: [1.5, 1] },
      { dilation: [0, 1] },
      { groups: 0 },
      { padding: [0, -1, 0, 0] },
      { padding: [0, 0, 0, 0.5] },
      { padding: [0, NaN, 0, 0] },
    ];
    for (const options of wrong) {
      refused([1, 1, 4, 4], [1, 1, 3, 3], null, options, /^Conv: stride \[.* are no geometry for float32/);
    }
    refused(
      [1, 1, 4, 4],
      [1, 1, 3, 3],
      null,
      { stride: [0, 1] },
      /^Conv: stride \[0,1\], padding \[0,0,0,0\], dilation \[1,1\], groups 1 are no geometry for float32 \[1, 1, 4, 4\] and float32 \[1, 1, 3, 3\]$/,
    );
  });
});

test('ConvGram refuses groups that do not divide the channels', () => {
  const x = new Graph().input('x', 'float32', [1, 3, 4, 4]);
  assert.throws(() => op.convGram(x, [1, 1], op.geometry({ groups: 2 })), {
    name: 'GraphError',
    message: /^ConvGram: /,
  });
});

describe('the gradients of a convolution refuse', () => {
  const options = op.geometry({ stride: [2, 2] });
  const [image, kernel, result] = [
    [2, 3, 7, 7],
    [4, 3, 3, 3],
    [2, 4, 3, 3],
  ];
  const builders: Record<string, (z: Value, x: Value, weight: Value) => Value> = {
    ConvGradInput: (z, x, weight) => op.convGradInput(z, weight, x.shape, options),
    ConvGradWeight: (z, x, weight) => op.convGradWeight(x, z, weight.shape, options),
    ConvTranspose: (z, x, weight) => op.convTranspose(z, weight, x.shape, options),
  };
  for (const [name, build] of Object.entries(builders)) {
    test(`${name}: a gradient of another shape or type`, () => {
      const graph = new Graph();
      const [x, weight] = [image, kernel].map((shape, i) => graph.input(`x${i}`, 'float32', shape));
      assert.ok(build(graph.input('right', 'float32', result), x, weight));
      const wrong = [
        [1, 1, 1, 1],
        [2, 4, 3, 4],
        [2, 4, 3],
      ].map((shape, i) => graph.input(`wrong${i}`, 'float32', shape));
      for (const z of [...wrong, graph.input('double', 'float64', result)])
        assert.throws(() => build(z, x, weight), {
          name: 'GraphError',
          message: new RegExp(`^${name}: the gradient is not \\[2, 4, 3, 3\\]: float`),
        });
    });

    test(`${name}: an image and a weight that do not fit`, () => {
      const graph = new Graph();
      const z = graph.input('z', 'float32', result);
      const [x, weight] = [image, [4, 2, 3, 3]].map((shape, i) => graph.input(`x${i}`, 'float32', shape));
      assert.throws(() => build(z, x, weight), {
        name: 'GraphError',
        message: new RegExp(`^${name}: image, weight and bias do not fit with 1 group`),
      });
    });
  }
});
