import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Value } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { mlp } from '../models/mlp.js';
import { resnet18, resnet34, resnet50 } from '../models/resnet.js';
import { vit, vitTiny } from '../models/vit.js';
import { pytorchDefault } from '../nn/init.js';
import { batchNorm, conv2d, layerNorm, linear } from '../nn/layers.js';
import type { Scope } from '../nn/scope.js';
import { clipByGlobalNorm } from '../optim/transform.js';
import { customModel } from '../testing/models.js';
import { FirstLayerError } from './first-layer.js';
import { tract, tractSetting } from './tract.js';

type Forward = (scope: Scope, images: Value) => Value;

const flatten = (x: Value): Value => op.reshape(x, [x.shape[0], -1]);
/** A classifier on top of whatever comes first. */
const head = (scope: Scope, x: Value): Value => linear(scope.child('head'), flatten(op.relu(x)), 3);
const stem = (scope: Scope, x: Value): Value => conv2d(scope.child('stem'), x, 4, { kernelSize: 3 });

/** The path of the layer that TrAct takes. */
const layerOf = (...parameters: Parameters<typeof tract>): string | undefined =>
  tractSetting(tract(...parameters))
    ?.weights.join()
    .replace(/\.weight$/, '');
const found = (forward: Forward): string | undefined => layerOf(customModel(forward));
const refused = (forward: Forward, message: RegExp, options = {}): void => {
  const model = customModel(forward);
  assert.throws(
    () => tract(model, options),
    (error) => error instanceof FirstLayerError && message.test(error.message),
  );
};

describe('tract(model)', () => {
  it('finds the first layer of every model there is', () => {
    for (const stemName of ['cifar', 'imagenet'] as const) {
      assert.equal(layerOf(resnet18({ stem: stemName })), 'conv1');
      assert.equal(layerOf(resnet34({ stem: stemName, width: 4 })), 'conv1');
      assert.equal(layerOf(resnet50({ stem: stemName, width: 4 })), 'conv1');
    }
    assert.equal(layerOf(vit()), 'patch_embed.proj');
    assert.equal(layerOf(vit({ classToken: false })), 'patch_embed.proj');
    assert.equal(layerOf(vitTiny({ depth: 1 })), 'patch_embed.proj');
    assert.equal(layerOf(mlp()), 'layers.0');
  });

  it('returns the same model with the transform, and leaves its argument as it was', () => {
    const model = Object.freeze(mlp());
    const given = tract(model);
    assert.equal(given.model, model);
    assert.deepEqual(tractSetting(given), { weights: ['layers.0.weight'], lambda: 0.1 });
    assert.equal(tractSetting(tract(model, { lambda: 0.02 }))?.lambda, 0.02);
    assert.equal(tractSetting(model), undefined);
  });

  it('takes several layers, alike or each with a λ of its own, and comes before other transforms', () => {
    const model = mlp();
    const weights = ['layers.0.weight', 'layers.1.weight'];
    assert.deepEqual(tractSetting(tract(model, { layer: ['layers.0', 'layers.1'] }))?.weights, weights);
    const clip = clipByGlobalNorm(1);
    const first = tract(model, { layer: 'layers.0' });
    const both = tract(
      { ...first, transforms: [...first.transforms, clip] },
      { layer: 'layers.1', lambda: 1 },
    );
    assert.deepEqual(
      both.transforms.map(({ name }) => name),
      ['tract', 'tract', 'clip'],
    );
  });

  it('refuses a λ that is not finite and positive', () => {
    for (const lambda of [0, -0.1, NaN, Infinity]) {
      const model = mlp();
      assert.throws(() => tract(model, { lambda }), new RegExp(`finite and positive, not ${lambda}`));
    }
  });

  it('looks through padding, reshapes, transposes and arithmetic', () => {
    assert.equal(
      found((scope, x) => head(scope, stem(scope, op.pad(x, [0, 0, 1, 0], [0, 0, 2, 1])))),
      'stem',
    );
    assert.equal(
      found((scope, x) =>
        head(scope, stem(scope, op.transpose(op.transpose(x, [0, 2, 3, 1]), [0, 3, 2, 1]))),
      ),
      'stem',
    );
    assert.equal(
      found((scope, x) => {
        // Patches of 4x4 by reshapes and transposes alone, as some vision transformers make them.
        const blocks = op.transpose(op.reshape(x, [x.shape[0], 2, 2, 4, 2, 4]), [0, 2, 4, 1, 3, 5]);
        return head(scope, linear(scope.child('embed'), op.reshape(blocks, [x.shape[0], 4, 32]), 5));
      }),
      'embed',
    );
    assert.equal(
      found((scope, x) => head(scope, stem(scope, op.mul(op.sub(x, 0.5), 2)))),
      'stem',
    );
  });

  it('looks through normalisation', () => {
    assert.equal(
      found((scope, x) => head(scope, stem(scope, batchNorm(scope.child('norm'), x)))),
      'stem',
    );
    assert.equal(
      found((scope, x) =>
        head(scope, linear(scope.child('embed'), layerNorm(scope.child('norm'), flatten(x)), 5)),
      ),
      'embed',
    );
  });

  it('names both layers where the image reaches two', () => {
    const branches: Forward = (scope, x) =>
      head(
        scope,
        op.add(
          conv2d(scope.child('left'), x, 4, { kernelSize: 3 }),
          conv2d(scope.child('right'), x, 4, { kernelSize: 3 }),
        ),
      );
    refused(branches, /reaches 2 layers at once \(left, right\); name the one/);
    assert.equal(layerOf(customModel(branches), { layer: 'right' }), 'right');
  });

  it('says where it cannot look further', () => {
    refused(
      (scope, x) =>
        head(
          scope,
          stem(
            scope,
            scope.child('start').build(() => op.relu(x)),
          ),
        ),
      /the image reaches Relu in start, which TrAct cannot look through; .* one of stem, head/,
    );
    refused((scope, x) => linear(scope.child('head'), op.reduceMean(x, [2, 3]), 3), /reaches ReduceMean/);
  });

  it('says so where there is no layer with weights of its own', () => {
    refused(
      (_, x) => op.slice(flatten(x), [{ axis: 1, start: 0, end: 3 }]),
      /no linear layer or convolution/,
    );
    refused((scope, x) => {
      const weight = scope.graph.constant({ dtype: 'float32', shape: [3, 128], data: new Float32Array(384) });
      return op.linear(flatten(x), weight);
    }, /Linear/);
  });

  it('refuses a weight that two layers share: its gradient comes from two inputs', () => {
    const shared: Forward = (scope, x) => {
      const weight = scope.child('shared').parameter('weight', [2, 2, 1, 1], pytorchDefault);
      return head(scope, op.conv(op.relu(op.conv(x, weight)), weight));
    };
    refused(shared, /shared\.weight are used 2 times/);
    refused(shared, /shared\.weight are used 2 times/, { layer: 'shared' });
  });

  it('takes the path of a layer or the name of its weights', () => {
    const model = resnet18({ width: 4 });
    assert.equal(layerOf(model, { layer: 'layer1.0.conv1' }), 'layer1.0.conv1');
    assert.equal(layerOf(model, { layer: 'conv1.weight' }), 'conv1');
    assert.equal(layerOf(mlp(), { layer: 'layers.2' }), 'layers.2');
  });

  it('lists the layers there are for a name that is none', () => {
    assert.throws(
      () => tract(mlp(), { layer: 'conv1' }),
      new FirstLayerError(
        'there is no linear layer or convolution "conv1"; there are layers.0, layers.1, layers.2',
      ),
    );
    // A batch norm has a weight, but is no layer that TrAct is for.
    assert.throws(
      () => tract(resnet18({ width: 4 }), { layer: 'bn1' }),
      /no linear layer or convolution "bn1"/,
    );
  });
});
