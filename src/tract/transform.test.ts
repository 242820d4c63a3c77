import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { grad } from '../autodiff/grad.js';
import { portable } from '../engine/lowering/portable.js';
import { Graph, type Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { ImageGeometry } from '../testing/convolution.js';
import { outputSize } from '../graph/ops/convolution.js';
import { type Shape, type Tensor, tensor, toNumbers } from '../tensor/tensor.js';
import { assertWithin } from '../testing/distance.js';
import { randomTensor, runGraph } from '../testing/run.js';
import { type ReferenceCase, referenceCases } from '../testing/tract-reference.js';
import { tractGradient } from './reference.js';
import { tractWeightGradient } from './transform.js';

const single = ({ shape, data }: Tensor): Tensor<'float32'> =>
  tensor('float32', shape, Array.from(data, Number));

/** The layer, its loss mean((z - target)²) and all gradients, in float32. */
function trainedLayer({ kind, lambda, geometry, x, weight, bias, target }: ReferenceCase): {
  graph: Graph;
  feeds: Record<string, Tensor>;
} {
  const graph = new Graph();
  const feeds: Record<string, Tensor> = {};
  const input = (name: string, value: Tensor): Value => {
    feeds[name] = single(value);
    return graph.input(name, 'float32', value.shape);
  };
  const values = [input('x', x), input('weight', weight), ...(bias ? [input('bias', bias)] : [])];
  const [image, weights, shift = null] = values;
  const z = kind === 'linear' ? op.linear(image, weights, shift) : op.conv(image, weights, shift, geometry);
  const difference = op.sub(z, input('target', target));
  const loss = op.reduceMean(
    op.mul(difference, difference),
    z.shape.map((_, axis) => axis),
  );
  const [gradX, vanilla, ...rest] = grad(loss, [...values, z]);
  graph.output('loss', loss);
  graph.output('gradX', gradX);
  graph.output('vanilla', vanilla);
  if (bias) graph.output('gradBias', rest[0]);
  graph.output('tract', tractWeightGradient(z.producer!, rest.at(-1)!, vanilla, lambda));
  return { graph, feeds };
}

/** What the graph makes of one layer's input and gradient, and what the reference does. */
interface Layer {
  readonly x: Shape;
  readonly weight: Shape;
  readonly lambda: number;
  readonly seed: number;
  readonly geometry?: ImageGeometry;
}

async function agrees({ x, weight, lambda, seed, geometry }: Layer): Promise<void> {
  const graph = new Graph();
  const image = graph.input('x', 'float32', x);
  const weights = graph.input('weight', 'float32', weight);
  const z = geometry ? op.conv(image, weights, null, geometry) : op.linear(image, weights);
  const gradZ = graph.input('gradZ', 'float32', z.shape);
  const [vanilla] = grad(op.reduceSum(op.mul(z, gradZ), [...z.shape.keys()]), [weights]);
  graph.output('tract', tractWeightGradient(z.producer!, gradZ, vanilla, lambda));
  const feeds = {
    x: randomTensor('float32', x, seed),
    weight: randomTensor('float32', weight, seed),
    gradZ: randomTensor('float32', z.shape, seed + 1),
  };
  const { tract } = await runGraph(graph, feeds);
  const layer = { x: feeds.x, gradZ: feeds.gradZ, lambda };
  const expected = geometry
    ? tractGradient({ kind: 'conv2d', ...layer, weightShape: weight, ...geometry })
    : tractGradient({ kind: 'linear', ...layer });
  assert.deepEqual(tract.shape, weight);
  assertWithin(toNumbers(tract), expected.data, 1e-4, `${x.join('x')} by ${weight.join('x')}`);
}

const lambdas = fc.constantFrom(0.01, 0.1, 1);
const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });

describe('tractWeightGradient', () => {
  for (const reference of referenceCases) {
    it(`agrees with the authors' package: ${reference.name}`, async () => {
      const { graph, feeds } = trainedLayer(reference);
      for (const rewrites of [undefined, portable]) {
        const results = await runGraph(graph, feeds, { rewrites });
        assertWithin(toNumbers(results.tract), reference.tract.data, 1e-4, 'TrAct');
        assertWithin(toNumbers(results.loss), [reference.loss], 1e-6, 'loss');
        // TrAct leaves everything else as it was.
        assertWithin(toNumbers(results.vanilla), reference.vanilla.data, 2e-6, 'vanilla');
        assertWithin(toNumbers(results.gradX), reference.gradX.data, 2e-6, 'gradient of x');
        if (reference.gradBias)
          assertWithin(toNumbers(results.gradBias), reference.gradBias.data, 2e-6, 'gradient of the bias');
      }
    });
  }

  it('is the reference for linear layers of any leading dimensions, with fewer rows than features and more', async () => {
    const layers = fc.record({
      leading: fc.array(upTo(5), { minLength: 1, maxLength: 3 }),
      features: upTo(16),
      out: upTo(4),
      lambda: lambdas,
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(layers, async ({ leading, features, out, lambda, seed }) => {
        await agrees({ x: [...leading, features], weight: [out, features], lambda, seed });
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it('is the reference for convolutions of any geometry', async () => {
    const padding = fc.nat({ max: 2 });
    const layers = fc
      .record({
        batch: upTo(3),
        image: fc.tuple(upTo(8), upTo(8)),
        kernel: fc.tuple(upTo(3), upTo(3)),
        channelsInGroup: upTo(3),
        outInGroup: upTo(3),
        groups: upTo(3),
        stride: fc.tuple(upTo(3), upTo(3)),
        padding: fc.tuple(padding, padding, padding, padding),
        dilation: fc.tuple(upTo(2), upTo(2)),
        lambda: lambdas,
        seed: fc.nat(),
      })
      .filter((layer) => outputSize(layer.image, layer.kernel, layer).every((length) => length > 0));
    const sides = { primal: 0, dual: 0 };
    await fc.assert(
      fc.asyncProperty(layers, async (layer) => {
        const { batch, image, kernel, channelsInGroup, outInGroup, groups, lambda, seed } = layer;
        const [height, width] = outputSize(image, kernel, layer);
        sides[batch * height * width < channelsInGroup * kernel[0] * kernel[1] ? 'dual' : 'primal']++;
        await agrees({
          x: [batch, channelsInGroup * groups, ...image],
          weight: [outInGroup * groups, channelsInGroup, ...kernel],
          lambda,
          seed,
          geometry: layer,
        });
      }),
      { numRuns: 80, seed: 1 },
    );
    assert.ok(sides.primal > 5 && sides.dual > 5, `the cases are one-sided: ${JSON.stringify(sides)}`);
  });

  it('refuses a λ that is not finite and positive, and other operators', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [4, 3]);
    const z = op.linear(x, graph.input('weight', 'float32', [2, 3]));
    const gradZ = graph.input('gradZ', 'float32', [4, 2]);
    for (const lambda of [0, -1, NaN, Infinity]) {
      assert.throws(() => tractWeightGradient(z.producer!, gradZ, z, lambda), /finite and positive/);
    }
    assert.throws(
      () => tractWeightGradient(op.relu(z).producer!, gradZ, z, 0.1),
      /linear layers and convolutions, not for Relu/,
    );
  });
});
