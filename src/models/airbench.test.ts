/** airbench's network: its whitening, its initial values, and its forward pass against one written out in float64. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { initialWeights, weightsFromImages } from '../train/initial-state.js';
import { Graph } from '../graph/graph.js';
import { stateFeeds } from '../graph/state-names.js';
import { trace, traceAlone } from '../nn/model.js';
import { Random } from '../random/random.js';
import { type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { runGraph } from '../testing/run.js';
import { airbench } from './airbench.js';
import { symmetricEigen } from './symmetric-eigen.js';
import { whiteningFilters } from './whitening.js';

const size = 12;
const random = Random.fromSeed(1);
/** Smooth, so that neighbours are alike. */
const images = tensor(
  'float32',
  [8, 3, size, size],
  Array.from({ length: 8 * 3 * size * size }, (_, i) => {
    const [plane, row, column] = [Math.floor(i / size ** 2), Math.floor(i / size) % size, i % size];
    return Math.sin(plane + row / 3 + column / 4) + 0.3 * random.normal();
  }),
);

describe('whitening', () => {
  it('has eigenvectors, largest eigenvalue first', () => {
    const n = 6;
    const half = Float64Array.from({ length: n * n }, () => random.normal());
    const matrix = Float64Array.from({ length: n * n }, (_, i) => {
      const [row, column] = [Math.floor(i / n), i % n];
      return Array.from({ length: n }, (_none, k) => half[row * n + k] * half[column * n + k]).reduce(
        (a, b) => a + b,
      );
    });
    const found = symmetricEigen(matrix, n);
    found.forEach(({ value, vector }, i) => {
      const product = Array.from({ length: n }, (_, row) =>
        vector.reduce((sum, element, k) => sum + matrix[row * n + k] * element, 0),
      );
      product.forEach((element, k) => {
        const error = Math.abs(element - vector[k] * value);
        assert.ok(error < 1e-12 * found[0].value, `vector ${i}: the error is ${error}`);
      });
      if (i > 0) assert.ok(value <= found[i - 1].value);
      assert.ok(Math.max(...vector) >= -Math.min(...vector));
    });
    assert.deepEqual(
      symmetricEigen(Float64Array.of(1, 0, 0, 2), 2).map(({ value, vector }) => [value, ...vector]),
      [
        [2, 0, 1],
        [1, 1, 0],
      ],
    );
  });

  it('makes what the filters see uncorrelated and of unit variance, each once with either sign', () => {
    const filters = tensor('float32', [24, 3, 2, 2], whiteningFilters(images, 2));
    const n = 12;
    const { data } = images;
    const moments = new Float64Array(n * n);
    let count = 0;
    for (let image = 0; image < 8; image++)
      for (let row = 0; row < size - 1; row++)
        for (let column = 0; column < size - 1; column++, count++) {
          const seen = Array.from({ length: n }, (_, f) => {
            let sum = 0;
            for (let i = 0; i < n; i++) {
              const [c, dy, dx] = [Math.floor(i / 4), Math.floor(i / 2) % 2, i % 2];
              sum += filters.data[f * n + i] * data[((image * 3 + c) * size + row + dy) * size + column + dx];
            }
            return sum;
          });
          for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) moments[i * n + j] += seen[i] * seen[j];
        }
    moments.forEach((sum, i) => {
      // Shrunk by what is added to the eigenvalues.
      const wanted = i % (n + 1) === 0 ? 1 : 0;
      assert.ok(Math.abs(sum / count - wanted) < 0.02, `element ${i} is ${sum / count}`);
    });
    const [first, second] = [filters.data.subarray(0, n * n), filters.data.subarray(n * n)];
    assert.deepEqual(
      [...second],
      [...first].map((value) => -value),
    );
  });
});

describe('the network', () => {
  const model = airbench({ imageSize: size, width: 2, classes: 5 });

  it('has the parameters of its original', () => {
    const { parameters, buffers } = traceAlone(airbench(), 1, true);
    const shapes = Object.fromEntries(
      [...parameters].map(([name, { value }]) => [name, value.shape.join('x')]),
    );
    assert.deepEqual(shapes, {
      'whiten.bias': '24',
      'layers.1.conv1.weight': '64x24x3x3',
      'layers.1.norm1.bias': '64',
      'layers.1.conv2.weight': '64x64x3x3',
      'layers.1.norm2.bias': '64',
      'layers.2.conv1.weight': '256x64x3x3',
      'layers.2.norm1.bias': '256',
      'layers.2.conv2.weight': '256x256x3x3',
      'layers.2.norm2.bias': '256',
      'layers.3.conv1.weight': '256x256x3x3',
      'layers.3.norm1.bias': '256',
      'layers.3.conv2.weight': '256x256x3x3',
      'layers.3.norm2.bias': '256',
      'head.weight': '10x256',
    });
    assert.ok(buffers.has('whiten.weight') && buffers.has('layers.3.norm2.running_var'));
    const trained = traceAlone(airbench({ whitening: false }), 1, true);
    assert.ok(trained.parameters.has('whiten.weight'));
    assert.ok(!trained.buffers.has('whiten.weight'));
  });

  it('begins with filters that hand channels on, and a last layer of unit deviation', () => {
    const weights = initialWeights(traceAlone(model, 1, true), 3);
    const filters = toNumbers(weights['layers.2.conv1.weight']);
    // [8, 2, 3, 3]: the first two filters are a one in the middle of their own channel.
    assert.deepEqual(
      filters.slice(0, 36),
      Array.from({ length: 36 }, (_, i) => (i === 4 || i === 31 ? 1 : 0)),
    );
    assert.ok(filters.slice(36).every((value) => Math.abs(value) <= 1 / Math.sqrt(18) && value !== 0));
    const head = toNumbers(weights['head.weight']);
    const mean = head.reduce((a, b) => a + b) / head.length;
    const variance = head.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (head.length - 1);
    assert.ok(Math.abs(variance - 1) < 1e-5, `the variance is ${variance}`);
  });

  it('computes what its definition says', async () => {
    const graph = new Graph();
    const traced = trace(model, graph.input('images', 'float32', images.shape), { training: false });
    graph.output('logits', traced.logits);
    const weights = { ...initialWeights(traced, 3), ...weightsFromImages(traced, images) };
    // Running statistics that change something.
    for (const name of Object.keys(weights).filter((one) => one.includes('running')))
      weights[name] = tensor(
        'float32',
        weights[name].shape,
        toNumbers(weights[name]).map((_, i) => 0.5 + i / 10),
      );
    const { logits } = await runGraph(graph, { images, ...stateFeeds(weights) });
    assertWithin(toNumbers(logits), forward(weights, images), 1e-4, 'logits');
  });

  it('refuses images that are too small for its pools', () => {
    assert.throws(() => airbench({ imageSize: 8 }), /imageSize must be at least 9, not 8/);
    assert.throws(() => airbench({ width: 0 }), /width/);
    traceAlone(airbench({ imageSize: 9 }), 1, true);
  });
});

/** A map [channels][height][width] of one image. */
type Map3 = number[][][];

/** airbench94's CifarNet, one image after the other. */
function forward(weights: Readonly<Record<string, Tensor>>, { shape, data }: Tensor): number[] {
  const [count, channels, height, width] = shape;
  const of = (name: string): number[] => toNumbers(weights[name]);
  const conv = (x: Map3, name: string, padding: number): Map3 => {
    const [out, inputs, kernel] = weights[`${name}.weight`].shape;
    const w = of(`${name}.weight`);
    const length = x[0].length + 2 * padding - kernel + 1;
    return grid(out, length, (o, row, column) => {
      let sum = 0;
      for (let i = 0; i < inputs; i++)
        for (let k = 0; k < kernel; k++)
          for (let l = 0; l < kernel; l++)
            sum +=
              w[((o * inputs + i) * kernel + k) * kernel + l] *
              (x[i][row + k - padding]?.[column + l - padding] ?? 0);
      return sum;
    });
  };
  const pool = (x: Map3, by: number): Map3 =>
    grid(x.length, Math.floor(x[0].length / by), (c, row, column) =>
      Math.max(
        ...x[c].slice(row * by, (row + 1) * by).flatMap((line) => line.slice(column * by, (column + 1) * by)),
      ),
    );
  const each = (x: Map3, f: (value: number, channel: number) => number): Map3 =>
    x.map((plane, c) => plane.map((line) => line.map((value) => f(value, c))));
  const gelu = (x: Map3): Map3 => each(x, (value) => (value * (1 + erf(value / Math.SQRT2))) / 2);
  const norm = (x: Map3, name: string): Map3 => {
    const [mean, variance, bias] = [
      of(`${name}.running_mean`),
      of(`${name}.running_var`),
      of(`${name}.bias`),
    ];
    return gelu(each(x, (value, c) => (value - mean[c]) / Math.sqrt(variance[c] + 1e-12) + bias[c]));
  };
  return Array.from({ length: count }, (_, image) => {
    const pixels = grid(channels, height, (c, row, column) => {
      return Number(data[((image * channels + c) * height + row) * width + column]);
    });
    const bias = of('whiten.bias');
    let x = gelu(each(conv(pixels, 'whiten', 0), (value, c) => value + bias[c]));
    for (const name of ['layers.1', 'layers.2', 'layers.3']) {
      x = norm(pool(conv(x, `${name}.conv1`, 1), 2), `${name}.norm1`);
      x = norm(conv(x, `${name}.conv2`, 1), `${name}.norm2`);
    }
    const features = x.map((plane) => Math.max(...plane.flat()));
    const head = of('head.weight');
    const classes = head.length / features.length;
    return Array.from({ length: classes }, (_none, k) => {
      const sum = features.reduce((total, value, i) => total + value * head[k * features.length + i], 0);
      return sum / features.length;
    });
  }).flat();
}

function grid(planes: number, length: number, f: (c: number, row: number, column: number) => number): Map3 {
  return Array.from({ length: planes }, (_, c) =>
    Array.from({ length }, (_row, row) => Array.from({ length }, (_column, column) => f(c, row, column))),
  );
}

/** By its series, which for what occurs here converges fast enough. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
