import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '../engine/compile.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import { vit } from '../models/vit.js';
import { Random } from '../random/random.js';
import { type Tensor, elementCount, tensor } from '../tensor/tensor.js';
import { relativeError } from '../testing/distance.js';
import { tract } from '../tract/tract.js';
import { pytorchDefault } from '../nn/init.js';
import { type Model, traceAlone } from '../nn/model.js';
import { Scope } from '../nn/scope.js';
import { Graph } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { customModel } from '../testing/models.js';
import { patchNormConv2d, withFirstLayer } from './input-layers.js';
import { createVariantModel } from './variant.js';
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
  const names = (model: Model): Map<string, readonly number[]> => {
    const { parameters, buffers } = traceAlone(model, 2, true);
    return new Map([...parameters, ...buffers].map(([name, { value }]) => [name, value.shape]));
  };

  it('keep the parameters they had, but for the layer itself', () => {
    const resnet = resnet18({ width: 8 });
    const plain = names(resnet);
    assert.deepEqual(names(withFirstLayer(resnet, 'patch-norm')), plain);
    const white = names(withFirstLayer(resnet, 'whitening'));
    assert.deepEqual(white.get('conv1.weight'), [8, 27, 1, 1]);
    assert.deepEqual(white.get('conv1.whitening'), [27, 3, 3, 3]);
    const transformer = vit({ depth: 1 });
    const dual = names(withFirstLayer(transformer, 'dual-patch-norm'));
    assert.deepEqual(dual.get('patch_embed.proj.weight'), names(transformer).get('patch_embed.proj.weight'));
    assert.deepEqual(dual.get('patch_embed.norm_before.weight'), [48]);
    assert.deepEqual(dual.get('patch_embed.norm_after.weight'), [96]);
  });

  it('are made by the name that a checkpoint has, and leave the model as it is', () => {
    const resnet = resnet18({ width: 8 });
    const before = names(resnet);
    const { name, config } = withFirstLayer(resnet, 'whitening');
    assert.equal(name, 'resnet18+whitening');
    assert.deepEqual(config, resnet.config);
    assert.deepEqual(names(createVariantModel(name, config)), names(withFirstLayer(resnet, 'whitening')));
    assert.deepEqual(names(createVariantModel('resnet18', config)), before);
    assert.deepEqual(names(resnet), before);
    assert.throws(
      () => createVariantModel('resnet18+blur', {}),
      /there is no first layer "blur"; there are patch-norm, whitening, whitening-start, dual-patch-norm/,
    );
  });

  it('begin as whitening filters, their negatives behind them, where that is all they change', () => {
    const images = normal([4, 3, 8, 8]);
    const resnet = resnet18({ width: 30 });
    const begun = withFirstLayer(resnet, 'whitening-start');
    assert.deepEqual(names(begun), names(resnet));
    const { initializer } = traceAlone(begun, 2, true).parameters.get('conv1.weight')!;
    assert.ok('fromImages' in initializer);
    const [filters, found] = [
      whiteningFilters(images, { kernelSize: 3 }).data,
      initializer.fromImages(images),
    ];
    assert.equal(found.length, 30 * 27);
    assert.deepEqual(found.subarray(0, 27 * 27), filters);
    assert.deepEqual(
      found.subarray(27 * 27),
      filters.subarray(0, 3 * 27).map((value) => -value),
    );
  });

  it('are refused where the first layer is none that they can stand for', () => {
    assert.throws(
      () => withFirstLayer(resnet18(), 'dual-patch-norm'),
      /dual-patch-norm takes the place of a patch embedding .*, which the first layer of resnet18 is not/,
    );
    assert.throws(() => withFirstLayer(mlp(), 'whitening'), /whitening takes the place of a convolution/);
    // Built by hand: nothing asks what is to stand in its place.
    const own = customModel((scope, images) => {
      const weight = scope.child('stem').parameter('weight', [3, 2, 8, 8], pytorchDefault);
      return op.reshape(op.conv(images, weight, null), [images.shape[0], 3]);
    });
    assert.throws(
      () => traceAlone(withFirstLayer(own, 'patch-norm'), 1, true),
      /custom does not build stem by conv2d, so that it cannot be exchanged/,
    );
  });

  it('leave nothing for TrAct where the first weights are fixed', () => {
    assert.throws(() => tract(withFirstLayer(resnet18(), 'whitening')), /TrAct cannot look through/);
  });
});
