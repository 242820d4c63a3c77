/** Parameter groups from settings: what each parameter is trained by. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { FileModel } from '../models/file-model-options.js';
import { modelFromOnnx } from '../models/file-model.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import { vit } from '../models/vit.js';
import { defineModel } from '../nn/model.js';
import * as nn from '../nn/nn.js';
import * as op from '../graph/ops.js';
import { adamw } from './adam.js';
import { type Assignment, assignGroups } from './groups.js';
import { type GroupSettings, groupedParameters, groupsFor, layersOf } from './model-groups.js';
import { muon } from './muon.js';
import { sgd } from './sgd.js';

const small = vit({ width: 12, depth: 2, heads: 2 });
/** A model as an exporter wrote it. */
const fixture = (name: string): FileModel =>
  modelFromOnnx(readFileSync(new URL(`../../src/models/fixtures/${name}.onnx`, import.meta.url)));

const common = sgd({ learningRate: 0.1 });

function assigned(settings: GroupSettings, model = small): ReadonlyMap<string, Assignment> {
  return assignGroups(groupedParameters(model), groupsFor(settings)(model), common);
}

describe('layers', () => {
  it('are stem, blocks and head, as timm counts them', () => {
    const layers = Object.fromEntries(layersOf(groupedParameters(small)));
    assert.equal(layers.cls_token, 0);
    assert.equal(layers.pos_embed, 0);
    assert.equal(layers['patch_embed.proj.weight'], 0);
    assert.equal(layers['blocks.0.norm1.weight'], 1);
    assert.equal(layers['blocks.1.mlp.fc2.bias'], 2);
    assert.equal(layers['norm.weight'], 3);
    assert.equal(layers['head.bias'], 3);
    const residual = Object.fromEntries(layersOf(groupedParameters(resnet18({ width: 4 }))));
    assert.equal(residual['conv1.weight'], 0);
    assert.equal(residual['bn1.bias'], 0);
    assert.equal(residual['layer1.0.conv1.weight'], 1);
    assert.equal(residual['layer4.1.bn2.weight'], 8);
    assert.equal(residual['fc.weight'], 9);
    assert.deepEqual([...layersOf(groupedParameters(mlp({ width: 4, depth: 1 }))).values()], [0, 0, 1, 1]);
  });

  it('of a model without numbers begin with each weight', () => {
    const model = defineModel({ imageShape: [3, 8, 8], classes: 2 }, (scope, images) => {
      const x = nn.batchNorm(scope.child('bn'), nn.conv2d(scope.child('conv'), images, 4, { kernelSize: 3 }));
      return nn.linear(scope.child('fc'), op.reduceMean(x, [2, 3]), 2);
    });
    assert.deepEqual(Object.fromEntries(layersOf(groupedParameters(model))), {
      'conv.weight': 0,
      'conv.bias': 0,
      'bn.weight': 0,
      'bn.bias': 0,
      'fc.weight': 1,
      'fc.bias': 1,
    });
  });

  it('of weights that an exporter numbered are those of their nodes, where these tell', () => {
    const model = fixture('pvt.torchscript.inference');
    const layers = layersOf(groupedParameters(model));
    assert.equal(layers.get('stages.0.blocks.0.attn.q.weight'), layers.get('stages.0.blocks.0.attn.q.bias'));
    assert.ok(assigned({ layerDecay: 0.5 }, model).size > 0);
  });

  it('of weights without a name are not known: no rate is made of them, and no path is taken for all below it', () => {
    const model = fixture('xcit.dynamo.inference');
    assert.throws(
      () => assigned({ layerDecay: 0.5 }, model),
      /layerDecay needs to know the layer of each weight, .* numbered "val_155"/,
    );
    const frozen = (parameters: string | string[]): unknown =>
      assigned({ groups: [{ parameters, trainable: false }] }, model);
    for (const path of ['blocks.0', 'blocks.*', '*.weight'])
      assert.throws(() => frozen(path), /nobody knows whether ".*" means "val_155", which the exporter/);
    for (const clear of ['head', 'norm', '*.bias', 'blocks.0.mlp.fc1.weight', ['blocks.0', 'val_155']])
      frozen(clear);
    assert.ok(assigned({ firstLayerFactor: 0.5 }, model).size > 0);
  });
});

describe('settings', () => {
  it('compose: each says its part of how a parameter is trained', () => {
    const rest = adamw();
    const found = assigned({
      groups: [
        { parameters: 'norm', weightDecay: 0.5 },
        { parameters: 'blocks.0', learningRateFactor: 3 },
      ],
      decayWeightsOnly: true,
      firstLayerFactor: 10,
      layerDecay: 0.5,
      rest,
    });
    const of = (name: string): Partial<Assignment> => found.get(name)!;
    assert.deepEqual(of('patch_embed.proj.weight'), {
      trainable: true,
      learningRateFactor: 10 / 8,
      optimizer: common,
    });
    assert.deepEqual(of('patch_embed.proj.bias'), {
      trainable: true,
      learningRateFactor: 10 / 8,
      weightDecay: 0,
      optimizer: rest,
    });
    assert.deepEqual(of('blocks.0.norm1.weight'), {
      trainable: true,
      learningRateFactor: 3 / 4,
      weightDecay: 0.5,
      optimizer: rest,
    });
    assert.deepEqual(of('blocks.1.attn.qkv.weight'), {
      trainable: true,
      learningRateFactor: 0.5,
      optimizer: common,
    });
    assert.deepEqual(of('head.weight'), { trainable: true, learningRateFactor: 1, optimizer: rest });
    assert.deepEqual(of('pos_embed').weightDecay, 0);
  });

  it('give Muon every matrix and filter but the last layer, and the others to the rest', () => {
    const rest = adamw();
    for (const model of [small, resnet18({ width: 4 })]) {
      const found = assignGroups(groupedParameters(model), groupsFor({ rest })(model), muon());
      for (const [name, { optimizer }] of found) {
        const matrix = name.endsWith('weight') && !/norm|bn|downsample\.1|fc\.|head/.test(name);
        const wanted = matrix || /mlp\.fc[12]\.weight/.test(name) ? 'muon' : 'adamw';
        assert.equal(optimizer.name, wanted, name);
      }
    }
  });

  it('that say nothing make no groups', () => {
    assert.deepEqual(groupsFor({})(small), []);
  });

  it('out of range, or for nothing, are refused', () => {
    for (const firstLayerFactor of [-1, NaN])
      assert.throws(() => groupsFor({ firstLayerFactor }), /firstLayerFactor must be at least 0/);
    for (const layerDecay of [0, 1.1, NaN])
      assert.throws(() => groupsFor({ layerDecay }), /layerDecay must be above 0 and at most 1/);
    assert.throws(
      () => assigned({ groups: [{ parameters: 'nowhere', weightDecay: 0 }] }),
      /a parameter group selects nothing: no parameter is "nowhere"/,
    );
  });
});
