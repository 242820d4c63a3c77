import { describe, test } from 'node:test';
import { Graph } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { type Shape, type Tensor, elementCount, tensor, toNumbers } from '../../tensor/tensor.js';
import { lowerings } from '../../testing/lowerings.js';
import { assertClose, evaluate, randomTensor, runGraph } from '../../testing/run.js';

/** Channel of each element of an array of shape [N, C, ...]. */
function channelsOf(shape: Shape): number[] {
  const inner = elementCount(shape.slice(2));
  return Array.from({ length: elementCount(shape) }, (_, i) => Math.floor(i / inner) % shape[1]);
}

/** Sums per channel. */
function perChannel(shape: Shape, values: readonly number[]): number[] {
  const sums = Array.from({ length: shape[1] }, () => 0);
  channelsOf(shape).forEach((channel, i) => (sums[channel] += values[i]));
  return sums;
}

function hostBatchNorm(x: Tensor, scale: Tensor, bias: Tensor, epsilon: number) {
  const [values, scales, biases] = [x, scale, bias].map(toNumbers);
  const channels = channelsOf(x.shape);
  const count = values.length / x.shape[1];
  const mean = perChannel(x.shape, values).map((sum) => sum / count);
  const centred = values.map((value, i) => value - mean[channels[i]]);
  const squares = centred.map((value) => value * value);
  const variance = perChannel(x.shape, squares).map((sum) => sum / count);
  const normalized = centred.map((value, i) => value / Math.sqrt(variance[channels[i]] + epsilon));
  const y = normalized.map((value, i) => value * scales[channels[i]] + biases[channels[i]]);
  return { y, mean, variance, normalized };
}

function hostLinear(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor<'float64'> {
  const [out, features] = weight.shape;
  const [inputs, weights] = [toNumbers(x), toNumbers(weight)];
  const rows = inputs.length / features;
  const result = Array.from({ length: rows * out }, (_, at) => {
    const [row, o] = [Math.floor(at / out), at % out];
    let sum = bias ? Number(bias.data[o]) : 0;
    for (let k = 0; k < features; k++) sum += inputs[row * features + k] * weights[o * features + k];
    return sum;
  });
  return tensor('float64', [...x.shape.slice(0, -1), out], result);
}

for (const [name, rewrites] of Object.entries(lowerings)) {
  describe(`in the lowering ${name}`, () => {
    for (const shape of [
      [4, 3],
      [2, 5, 3],
      [2, 1, 4, 3],
      [32, 16],
    ]) {
      test(`a linear layer over [${shape.join()}] computes x Wᵀ + bias`, async () => {
        const x = randomTensor('float32', shape, 1);
        const weight = randomTensor('float32', [7, shape.at(-1)!], 2);
        const bias = randomTensor('float32', [7], 3);
        const withBias = await evaluate([x, weight, bias], op.linear, { rewrites });
        assertClose(withBias, hostLinear(x, weight, bias), 1e-5);
        const without = await evaluate([x, weight], (a, b) => op.linear(a, b), { rewrites });
        assertClose(without, hostLinear(x, weight, null), 1e-5);
      });
    }

    for (const shape of [
      [6, 3],
      [3, 2, 5],
      [2, 3, 4, 2],
      [2, 16, 3, 3],
    ]) {
      for (const [dtype, tolerance] of [
        ['float32', 1e-5],
        // The epsilon of ONNX's BatchNormalization is a float32.
        ['float64', 1e-8],
      ] as const) {
        const epsilon = 0.01;
        const x = randomTensor(dtype, shape, 1);
        const scale = randomTensor(dtype, [shape[1]], 2);
        const bias = randomTensor(dtype, [shape[1]], 3);
        const gradient = randomTensor(dtype, shape, 4);
        const host = hostBatchNorm(x, scale, bias, epsilon);

        test(`batch norm over [${shape.join()}] in ${dtype} takes the statistics of the batch`, async () => {
          const graph = new Graph();
          const inputs = Object.entries({ x, scale, bias }).map(([key, value]) =>
            graph.input(key, dtype, value.shape),
          );
          const results = op.batchNormTraining(inputs[0], inputs[1], inputs[2], epsilon);
          for (const [key, value] of Object.entries(results)) graph.output(key, value);
          const { y, mean, variance } = await runGraph(graph, { x, scale, bias }, { rewrites });
          assertClose(y, tensor('float64', shape, host.y), tolerance, 'y');
          assertClose(mean, tensor('float64', [shape[1]], host.mean), tolerance, 'mean');
          assertClose(variance, tensor('float64', [shape[1]], host.variance), tolerance, 'variance');
        });

        test(`batch norm over [${shape.join()}] in ${dtype} has the gradients of its definition`, async () => {
          const graph = new Graph();
          const feeds: Record<string, Tensor> = {
            gradient,
            x,
            scale,
            mean: tensor(dtype, [shape[1]], host.mean),
            variance: tensor(dtype, [shape[1]], host.variance),
          };
          const inputs = Object.entries(feeds).map(([key, value]) => graph.input(key, dtype, value.shape));
          const [g, image, s, mean, variance] = inputs;
          op.batchNormTrainingGrad(g, image, s, mean, variance, epsilon).forEach((value, i) => {
            graph.output(['gradX', 'gradScale', 'gradBias'][i], value);
          });
          const results = await runGraph(graph, feeds, { rewrites });

          const [gs, scales] = [toNumbers(gradient), toNumbers(scale)];
          const products = gs.map((value, i) => value * host.normalized[i]);
          const [sums, projections] = [perChannel(shape, gs), perChannel(shape, products)];
          const channels = channelsOf(shape);
          const count = gs.length / shape[1];
          const gradX = gs.map((value, i) => {
            const channel = channels[i];
            const inner = value - sums[channel] / count - (host.normalized[i] * projections[channel]) / count;
            return (scales[channel] / Math.sqrt(host.variance[channel] + epsilon)) * inner;
          });
          assertClose(results.gradX, tensor('float64', shape, gradX), tolerance, 'gradient of x');
          assertClose(results.gradScale, tensor('float64', [shape[1]], projections), tolerance, 'of scale');
          assertClose(results.gradBias, tensor('float64', [shape[1]], sums), tolerance, 'of bias');
        });
      }
    }

    test('the statistics of batch norm are exact far from zero', async () => {
      // Σx² - (Σx)²/n in float32 would lose the variance altogether.
      const x = tensor('float32', [4, 1], [10000, 10001, 10002, 10003]);
      const one = tensor('float32', [1], [1]);
      const variance = await evaluate(
        [x, one, one],
        (image, scale, bias) => op.batchNormTraining(image, scale, bias).variance,
        { rewrites },
      );
      assertClose(variance, tensor('float64', [1], [1.25]), 1e-3);
    });

    test('the gradient of max-pooling goes to the first greatest element of each window', async () => {
      const options: op.PoolingGeometry = { kernel: [3, 2], stride: [2, 1], padding: [1, 0, 1, 1] };
      // Two images of two channels with many ties; negative, so that padding with zeros would win.
      const shape = [2, 2, 5, 4];
      const x = tensor(
        'float32',
        shape,
        Array.from({ length: 80 }, (_, i) => -1 - (((i * 5) % 7) % 4)),
      );
      const size = op.outputSize(shape.slice(2), options.kernel, op.geometry(options));
      const gradient = randomTensor('float32', [2, 2, ...size]);
      const expected = Array.from({ length: 80 }, () => 0);
      toNumbers(gradient).forEach((value, at) => {
        const [column, row] = [at % size[1], Math.floor(at / size[1]) % size[0]];
        const plane = Math.floor(at / (size[0] * size[1])) * 20;
        let best: number | undefined;
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 2; j++) {
            const [top, left] = [row * 2 + i - 1, column + j];
            if (top < 0 || top >= 5 || left >= 4) continue;
            const candidate = plane + top * 4 + left;
            if (best === undefined || x.data[candidate] > x.data[best]) best = candidate;
          }
        expected[best!] += value;
      });
      const result = await evaluate(
        [x, gradient],
        (image, g) => op.maxPoolGrad(g, op.maxPool(image, options).values.producer!),
        { rewrites },
      );
      assertClose(result, tensor('float64', shape, expected), 1e-6);
    });
  });
}
