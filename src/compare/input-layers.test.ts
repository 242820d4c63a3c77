import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '../engine/compile.js';
import { createModel } from '../models/registry.js';
import { Random } from '../random/random.js';
import { type Tensor, elementCount, tensor } from '../tensor/tensor.js';
import { relativeError } from '../testing/distance.js';
import { tract } from '../tract/tract.js';
import { patchNormConv2d } from './input-layers.js';
import { traceAlone } from '../nn/model.js';
import { Scope } from '../nn/scope.js';
import { Graph } from '../graph/graph.js';
import { stateFeeds } from '../graph/state-names.js';
import { whiteningFilters } from './whitening.js';

const random = Random.fromSeed(2);
const normal = (shape: readonly number[], mean = 0): Tensor<'float32'> =>
  tensor(
    'float32',
    shape,
    Array.from({ length: elementCount(shape) }, () => random.normal(mean)),
  );

/** Patches of images without padding, one after the other. */
function patchesOf({ shape, data }: Tensor<'float32'>, size: number): number[][] {
  const [count, channels, height, width] = shape;
  const result: number[][] = [];
  for (let n = 0; n < count; n++)
    for (let y = 0; y + size <= height; y++)
      for (let x = 0; x + size <= width; x++) {
        const patch: number[] = [];
        for (let c = 0; c < channels; c++)
          for (let k = 0; k < size; k++)
            for (let l = 0; l < size; l++)
              patch.push(data[((n * channels + c) * height + y + k) * width + x + l]);
        result.push(patch);
      }
  return result;
}

describe('patchNormConv2d', () => {
  it('convolves patches of mean 0 and variance 1', async () => {
    const [images, weight] = [normal([2, 3, 5, 6], 2), normal([4, 3, 3, 3])];
    const graph = new Graph();
    const x = graph.input('images', 'float32', images.shape);
    const scope = Scope.root(graph, { training: true });
    graph.output('z', patchNormConv2d(scope, x, 4, { kernelSize: 3, bias: false }));
    const program = await compile(graph);
    const { z } = await program.run({ images, ...stateFeeds({ weight }) });
    await program.release();
    assert.deepEqual(z.shape, [2, 4, 3, 4]);
    const expected = new Float32Array(elementCount(z.shape));
    patchesOf(images, 3).forEach((patch, row) => {
      const mean = patch.reduce((a, b) => a + b) / patch.length;
      const variance = patch.reduce((sum, value) => sum + (value - mean) ** 2, 0) / patch.length;
      for (let o = 0; o < 4; o++) {
        const sum = patch.reduce((total, value, i) => total + (value - mean) * weight.data[o * 27 + i], 0);
        expected[(Math.floor(row / 12) * 4 + o) * 12 + (row % 12)] = sum / Math.sqrt(variance + 1e-5);
      }
    });
    assert.ok(relativeError(z.data as Float32Array, expected) < 1e-4);
  });
});

describe('whiteningFilters', () => {
  it('leave uncorrelated outputs of unit variance', () => {
    // Neighbouring pixels and channels alike, as in photographs.
    const images = normal([60, 2, 8, 8]);
    const { data } = images;
    for (let i = 1; i < data.length; i++) data[i] = 0.8 * data[i - 1] + data[i] + 0.05;
    const filters = whiteningFilters(images, { kernelSize: 3 });
    assert.deepEqual(filters.shape, [18, 2, 3, 3]);
    const patches = patchesOf(images, 3);
    const outputs = patches.map((patch) =>
      Array.from({ length: 18 }, (_, o) =>
        patch.reduce((sum, v, i) => sum + v * filters.data[o * 18 + i], 0),
      ),
    );
    const means = Array.from(
      { length: 18 },
      (_, o) => outputs.reduce((sum, z) => sum + z[o], 0) / outputs.length,
    );
    for (let a = 0; a < 18; a++)
      for (let b = 0; b <= a; b++) {
        const covariance =
          outputs.reduce((sum, z) => sum + (z[a] - means[a]) * (z[b] - means[b]), 0) / outputs.length;
        assert.ok(Math.abs(covariance - (a === b ? 1 : 0)) < 0.05, `${a}, ${b}: ${covariance}`);
      }
  });

  it('are finite for images of one colour', () => {
    const { data } = whiteningFilters(tensor('float32', [2, 1, 4, 4], new Float32Array(32).fill(3)), {
      kernelSize: 2,
    });
    assert.ok(data.every(Number.isFinite));
  });
});

describe('models with another first layer', () => {
  const names = (model: ReturnType<typeof createModel>): Map<string, readonly number[]> => {
    const { parameters, buffers } = traceAlone(model, 2, true);
    return new Map([...parameters, ...buffers].map(([name, { value }]) => [name, value.shape]));
  };

  it('keep the parameters they had, but for the layer itself', () => {
    const plain = names(createModel('resnet18', { width: 8 }));
    assert.deepEqual(names(createModel('resnet18', { width: 8, firstLayer: 'patch-norm' })), plain);
    const white = names(createModel('resnet18', { width: 8, firstLayer: 'whitening' }));
    assert.deepEqual(white.get('conv1.weight'), [8, 27, 1, 1]);
    assert.deepEqual(white.get('conv1.whitening'), [27, 3, 3, 3]);
    const vit = names(createModel('vit', { depth: 1 }));
    const dual = names(createModel('vit', { depth: 1, firstLayer: 'dual-patch-norm' }));
    assert.deepEqual(dual.get('patch_embed.proj.weight'), vit.get('patch_embed.proj.weight'));
    assert.deepEqual(dual.get('patch_embed.norm_before.weight'), [48]);
    assert.deepEqual(dual.get('patch_embed.norm_after.weight'), [96]);
  });

  it('are refused where they do not exist', () => {
    assert.throws(
      () => createModel('resnet18', { firstLayer: 'dual-patch-norm' }),
      /resnet18: firstLayer must be one of plain, patch-norm, whitening/,
    );
    assert.throws(() => createModel('mlp', { firstLayer: 'whitening' }), /mlp has no option "firstLayer"/);
  });

  it('leave nothing for TrAct where the first weights are fixed', () => {
    assert.throws(
      () => tract(createModel('resnet18', { firstLayer: 'whitening' })),
      /TrAct cannot look through/,
    );
  });
});
