import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resnet18 } from '../models/resnet.js';
import { traceAlone } from '../nn/model.js';
import { OptionError } from '../tensor/option-error.js';
import { assignGroups } from './groups.js';
import { layerDecay } from './layer-decay.js';
import { sgd } from './sgd.js';

test('every block before the head has a share of the rate of the one behind it, and no parameter is left out', () => {
  const model = resnet18({ width: 4 });
  const names = [...traceAlone(model, 1, true).parameters.keys()];
  const assigned = assignGroups(
    names.map((name) => ({ name, kinds: new Set<string>() })),
    layerDecay(model, 0.5),
    sgd({ learningRate: 0.1 }),
  );
  const factor = (name: string): number => assigned.get(name)!.learningRateFactor;
  // conv1, bn1, eight blocks, fc
  assert.deepEqual(
    [
      'fc.weight',
      'fc.bias',
      'layer4.1.conv2.weight',
      'layer4.0.downsample.0.weight',
      'bn1.weight',
      'conv1.weight',
    ].map(factor),
    [1, 1, 2 ** -1, 2 ** -2, 2 ** -9, 2 ** -10],
  );
  assert.ok(names.every((name) => factor(name) <= 1 && factor(name) >= 2 ** -10));
});

test('a decay that is none is refused', () => {
  for (const decay of [0, -1, 1.5, NaN])
    assert.throws(() => layerDecay(resnet18({ width: 4 }), decay), OptionError);
});
