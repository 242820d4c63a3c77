import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Model, traceAlone } from '../nn/model.js';
import { type Shape, elementCount } from '../tensor/tensor.js';
import { initialWeights } from '../train/initial-state.js';
import { mlp } from './mlp.js';
import { createModel, models } from './registry.js';
import { type ResNetOptions, resnet18, resnet34, resnet50 } from './resnet.js';
import { vit, vitBase, vitSmall, vitTiny } from './vit.js';

const parametersOf = (model: Model): Record<string, Shape> =>
  Object.fromEntries(
    [...traceAlone(model, 1, true).parameters].map(([name, { value }]) => [name, value.shape]),
  );
const count = (model: Model): number =>
  Object.values(parametersOf(model)).reduce((sum, shape) => sum + elementCount(shape), 0);

/** torchvision's names and shapes, by the rule that its ResNet follows. */
function torchvision(depths: readonly number[], expansion: 1 | 4): Record<string, Shape> {
  const shapes: Record<string, Shape> = { 'conv1.weight': [64, 3, 7, 7] };
  const norm = (name: string, channels: number): void => {
    shapes[`${name}.weight`] = [channels];
    shapes[`${name}.bias`] = [channels];
  };
  norm('bn1', 64);
  let inputs = 64;
  depths.forEach((depth, stage) => {
    const channels = 64 * 2 ** stage;
    for (let index = 0; index < depth; index++) {
      const block = `layer${stage + 1}.${index}`;
      const outputs = channels * expansion;
      const convolutions: [number, number, number][] =
        expansion === 1
          ? [
              [channels, inputs, 3],
              [channels, channels, 3],
            ]
          : [
              [channels, inputs, 1],
              [channels, channels, 3],
              [outputs, channels, 1],
            ];
      convolutions.forEach(([out, channelsIn, kernel], i) => {
        shapes[`${block}.conv${i + 1}.weight`] = [out, channelsIn, kernel, kernel];
        norm(`${block}.bn${i + 1}`, out);
      });
      if (index === 0 && (stage > 0 || expansion > 1)) {
        shapes[`${block}.downsample.0.weight`] = [outputs, inputs, 1, 1];
        norm(`${block}.downsample.1`, outputs);
      }
      inputs = outputs;
    }
  });
  shapes['fc.weight'] = [1000, inputs];
  shapes['fc.bias'] = [1000];
  return shapes;
}

describe('ResNet', () => {
  const imagenet: ResNetOptions = { classes: 1000, stem: 'imagenet' };
  for (const { make, depths, expansion, total } of [
    { make: resnet18, depths: [2, 2, 2, 2], expansion: 1, total: 11_689_512 },
    { make: resnet34, depths: [3, 4, 6, 3], expansion: 1, total: 21_797_672 },
    { make: resnet50, depths: [3, 4, 6, 3], expansion: 4, total: 25_557_032 },
  ] as const) {
    const model = make(imagenet);
    it(`has torchvision's parameters: ${model.name}`, () => {
      assert.deepEqual(parametersOf(model), torchvision(depths, expansion));
      assert.equal(count(model), total);
    });
  }

  it("starts from torchvision's zero_init_residual where that is asked for, and then says so", () => {
    for (const [make, last] of [
      [resnet18, 'bn2'],
      [resnet50, 'bn3'],
    ] as const) {
      const zeros = (model: Model): string[] =>
        Object.entries(initialWeights(traceAlone(model, 1, true), 0))
          .filter(([name, { data }]) => /bn\d\.weight$/.test(name) && data.every((value) => value === 0))
          .map(([name]) => name);
      const model = make({ width: 4, zeroInitResidual: true });
      const blocks = Object.keys(parametersOf(model)).filter((name) => name.endsWith('.conv2.weight'));
      assert.deepEqual(
        zeros(model),
        blocks.map((name) => name.replace('conv2', last)),
      );
      assert.deepEqual(createModel(model.name, model.config).config, model.config);
      const plain = make({ width: 4 });
      assert.deepEqual(zeros(plain), []);
      assert.deepEqual(createModel(model.name, { width: 4, zeroInitResidual: false }).config, plain.config);
    }
  });

  it("has torchvision's running statistics", () => {
    const { buffers } = traceAlone(resnet18({ width: 4 }), 1, true);
    // Every normalisation has two: one at the start, two in each of eight blocks, one in each of three shortcuts.
    assert.equal(buffers.size, 2 * (1 + 16 + 3));
    assert.deepEqual(buffers.get('layer4.0.downsample.1.running_var')?.value.shape, [32]);
    const initial = initialWeights({ parameters: new Map(), buffers }, 0);
    assert.ok(initial['bn1.running_mean'].data.every((value) => value === 0));
    assert.ok(initial['bn1.running_var'].data.every((value) => value === 1));
  });

  it('chooses the stem by the size of the images, and the size by the stem', () => {
    const chosen = (options: ResNetOptions): unknown => {
      const { config } = resnet18(options);
      return [config.stem, config.imageSize];
    };
    assert.deepEqual(chosen({}), ['cifar', 32]);
    assert.deepEqual(chosen({ imageSize: 64 }), ['cifar', 64]);
    assert.deepEqual(chosen({ imageSize: 96 }), ['imagenet', 96]);
    assert.deepEqual(chosen({ stem: 'imagenet' }), ['imagenet', 224]);
    assert.deepEqual(chosen({ stem: 'cifar', imageSize: 96 }), ['cifar', 96]);
  });

  it('keeps the max-pool after either stem', () => {
    for (const [stem, size] of [
      ['cifar', 16],
      ['imagenet', 8],
    ] as const) {
      const { graph } = traceAlone(resnet18({ width: 4, stem, imageSize: 32 }), 1, true);
      const pool = graph.nodes.find(({ opType }) => opType === 'MaxPool');
      assert.deepEqual(pool?.outputs[0].shape, [1, 4, size, size]);
    }
  });

  it('refuses bad options, naming them', () => {
    for (const width of [0, -4, 1.5, NaN]) {
      assert.throws(() => resnet18({ width }), new RegExp(`resnet18: width must be .*, not ${width}`));
    }
    assert.throws(() => resnet50({ classes: 0 }), /resnet50: classes must be a positive whole number, not 0/);
    assert.throws(
      () => resnet34({ stem: 'other' as 'cifar' }),
      /stem must be "cifar" or "imagenet", not "other"/,
    );
  });
});

describe('ViT', () => {
  // timm's vit_tiny_patch16_224, vit_small_patch16_224 and vit_base_patch16_224 with 1000 classes.
  for (const [model, total] of [
    [vitTiny({ classes: 1000 }), 5_717_416],
    [vitSmall({ classes: 1000 }), 22_050_664],
    [vitBase({ classes: 1000 }), 86_567_656],
  ] as const) {
    it(`has as many parameters as timm's: ${model.name}`, () => {
      assert.equal(count(model), total);
    });
  }

  it("has timm's names", () => {
    const shapes = parametersOf(vit({ depth: 1, width: 12, mlpRatio: 2, classes: 5 }));
    assert.deepEqual(shapes, {
      cls_token: [1, 1, 12],
      pos_embed: [1, 65, 12],
      'patch_embed.proj.weight': [12, 3, 4, 4],
      'patch_embed.proj.bias': [12],
      'blocks.0.norm1.weight': [12],
      'blocks.0.norm1.bias': [12],
      'blocks.0.attn.qkv.weight': [36, 12],
      'blocks.0.attn.qkv.bias': [36],
      'blocks.0.attn.proj.weight': [12, 12],
      'blocks.0.attn.proj.bias': [12],
      'blocks.0.norm2.weight': [12],
      'blocks.0.norm2.bias': [12],
      'blocks.0.mlp.fc1.weight': [24, 12],
      'blocks.0.mlp.fc1.bias': [24],
      'blocks.0.mlp.fc2.weight': [12, 24],
      'blocks.0.mlp.fc2.bias': [12],
      'norm.weight': [12],
      'norm.bias': [12],
      'head.weight': [5, 12],
      'head.bias': [5],
    });
    const withoutToken = parametersOf(vit({ depth: 1, classToken: false }));
    assert.ok(!('cls_token' in withoutToken));
    assert.deepEqual(withoutToken.pos_embed, [1, 64, 96]);
  });

  it('refuses bad options, naming them', () => {
    assert.throws(() => vit({ patch: 5 }), /vit: images of 32 pixels are not a whole number of patches of 5/);
    assert.throws(() => vit({ heads: 5 }), /vit: the width 96 is not a multiple of the 5 heads/);
    assert.throws(() => vit({ depth: 0 }), /vit: depth must be a positive whole number, not 0/);
    for (const mlpRatio of [0, -1, NaN, Infinity])
      assert.throws(() => vit({ mlpRatio }), new RegExp(`vit: mlpRatio must be .*, not ${mlpRatio}`));
    assert.throws(() => vitTiny({ imageSize: 100 }), /vit-tiny: images of 100 pixels/);
  });
});

describe('MLP', () => {
  it('has linear layers in a row', () => {
    assert.deepEqual(parametersOf(mlp({ imageSize: 4, channels: 1, width: 7, depth: 2, classes: 3 })), {
      'layers.0.weight': [7, 16],
      'layers.0.bias': [7],
      'layers.1.weight': [7, 7],
      'layers.1.bias': [7],
      'layers.2.weight': [3, 7],
      'layers.2.bias': [3],
    });
  });

  it('refuses bad options, naming them', () => {
    assert.throws(() => mlp({ depth: 0 }), /mlp: depth must be a positive whole number, not 0/);
    assert.throws(() => mlp({ classes: 2.5 }), /mlp: classes must be a positive whole number, not 2.5/);
  });
});

describe('createModel', () => {
  it('makes every model again from its name and configuration, through JSON', () => {
    for (const name of models.keys()) {
      const model = createModel(name, { classes: 7 });
      assert.equal(model.name, name);
      assert.equal(model.classes, 7);
      const again = createModel(name, JSON.parse(JSON.stringify(model.config)) as typeof model.config);
      assert.deepEqual(parametersOf(again), parametersOf(model));
      assert.deepEqual(again.config, model.config);
    }
  });

  it('takes options that were left undefined as not given', () => {
    assert.deepEqual(createModel('resnet18', { width: undefined }).config, resnet18().config);
  });

  it('refuses names, options and values that do not exist', () => {
    assert.throws(
      () => createModel('resnet19'),
      /there is no model "resnet19"; there are resnet18, resnet34,/,
    );
    assert.throws(
      () => createModel('mlp', { heads: 3 }),
      /mlp has no option "heads"; it has classes, imageSize,/,
    );
    assert.throws(() => createModel('vit', { width: '96' }), /vit: width must be a number, not "96"/);
    assert.throws(() => createModel('vit', { classToken: 1 }), /vit: classToken must be a boolean, not 1/);
    // Names that every object has are no options.
    assert.throws(() => createModel('mlp', { constructor: 1 }), /mlp has no option "constructor"/);
    assert.throws(() => createModel('constructor'), /there is no model "constructor"/);
  });
});
