/** Selections are exact: no magnitude of the values they select by, or of the gradients they pass on, may matter. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Graph, type Value } from '../../graph/graph.js';
import * as op from '../../graph/ops.js';
import { Random } from '../../random/random.js';
import { type Tensor, elementCount, tensor } from '../../tensor/tensor.js';
import { lowerings } from '../../testing/lowerings.js';
import { runGraph } from '../../testing/run.js';

/** The normal exponents of float32, -126 to 127, one a channel; in the last two channels any of them. */
const CHANNELS = 256;
const shape = [2, CHANNELS, 6, 8];
const pooledShape = [2, CHANNELS, 3, 4];
const pooling = { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] } as const;

const random = Random.fromSeed(0, 'extreme values');
const between = (low: number, high: number): number => low + random.integer(high - low + 1);

/** Numbers that are negative, zero, or of the exponent 2^exponent: ties and neighbours, one or two last places apart. */
function draw(exponent: number): number {
  const kind = random.integer(6);
  if (kind === 0) return -(2 ** exponent);
  if (kind === 1) return 0;
  const mantissa = kind === 5 ? random.integer(2 ** 23) : 2 ** 22 + random.integer(3);
  return 2 ** exponent * (1 + mantissa / 2 ** 23);
}

function perChannel(size: readonly number[], one: (channel: number) => number): Tensor<'float32'> {
  const inner = elementCount(size.slice(2));
  const numbers = Array.from({ length: elementCount(size) }, (_, i) => one(Math.floor(i / inner) % CHANNELS));
  return tensor('float32', size, numbers);
}

const image = perChannel(shape, (channel) => draw(channel < 254 ? channel - 126 : between(-126, 127)));
/** Small whole numbers times a power of two, so that sums of them are exact, up to 2^124. */
const gradients = (size: readonly number[]): Tensor<'float32'> =>
  perChannel(size, (channel) => between(-8, 8) * 2 ** (((channel * 7) % 244) - 123));

/** What ReLU makes of the image, by way of a convolution with the identity: so it comes in the layout of a lowering. */
function activation(x: Value): Value {
  const identity = Float32Array.from({ length: CHANNELS ** 2 }, (_, i) => (i % (CHANNELS + 1) === 0 ? 1 : 0));
  return op.relu(op.conv(x, x.graph.constant(tensor('float32', [CHANNELS, CHANNELS, 1, 1], identity))));
}

const activated = Array.from(image.data, (value) => Math.max(value, 0));

/** Each window's greatest element, and the gradient sent to the first of them. */
function hostMaxPool(gradient: Tensor): { values: number[]; gradients: number[] } {
  const [height, width] = shape.slice(2);
  const [rows, columns] = pooledShape.slice(2);
  const result = {
    values: Array<number>(gradient.data.length).fill(0),
    gradients: Array<number>(activated.length).fill(0),
  };
  Array.from(gradient.data, Number).forEach((value, at) => {
    const [column, row] = [at % columns, Math.floor(at / columns) % rows];
    const plane = Math.floor(at / (rows * columns)) * height * width;
    let best: number | undefined;
    for (let y = 2 * row - 1; y <= 2 * row + 1; y++)
      for (let x = 2 * column - 1; x <= 2 * column + 1; x++) {
        if (y < 0 || y >= height || x < 0 || x >= width) continue;
        const candidate = plane + y * width + x;
        if (best === undefined || activated[candidate] > activated[best]) best = candidate;
      }
    result.values[at] = activated[best!];
    result.gradients[best!] += value;
  });
  return result;
}

function assertSame(actual: Tensor, expected: ArrayLike<number>): void {
  assert.equal(actual.data.length, expected.length);
  Array.from(actual.data, Number).forEach((value, i) => {
    const channel = Math.floor(i / elementCount(actual.shape.slice(2))) % CHANNELS;
    assert.ok(value === expected[i], `element ${i} (channel ${channel}) is ${value}, not ${expected[i]}`);
  });
}

for (const [name, rewrites] of Object.entries(lowerings)) {
  describe(`in the lowering ${name}, for every normal number`, () => {
    test('max-pooling and its gradient choose the first greatest element of each window', async () => {
      const gradient = gradients(pooledShape);
      const graph = new Graph();
      const x = activation(graph.input('image', 'float32', shape));
      const g = graph.input('gradient', 'float32', pooledShape);
      const pooled = op.maxPool(x, pooling).values;
      graph.output('values', pooled);
      graph.output('gradients', op.maxPoolGrad(g, pooled.producer!));
      const results = await runGraph(graph, { image, gradient }, { rewrites });
      const expected = hostMaxPool(gradient);
      assertSame(results.values, expected.values);
      assertSame(results.gradients, expected.gradients);
    });

    test("ReLU's gradient passes on or stops what arrives", async () => {
      const gradient = gradients(shape);
      const graph = new Graph();
      const y = activation(graph.input('image', 'float32', shape));
      graph.output('gradients', op.reluGrad(graph.input('gradient', 'float32', shape), y));
      const { gradients: actual } = await runGraph(graph, { image, gradient }, { rewrites });
      assertSame(
        actual,
        activated.map((value, i) => (value > 0 ? gradient.data[i] : 0)),
      );
    });
  });
}
