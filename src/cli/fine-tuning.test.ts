import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { parameterKinds } from '../nn/kinds.js';
import { traceAlone } from '../nn/model.js';
import { mlp } from '../models/mlp.js';
import { resnet18 } from '../models/resnet.js';
import { assignGroups } from '../optim/groups.js';
import { groupsFor } from '../optim/model-groups.js';
import { sgd } from '../optim/sgd.js';
import { zeros } from '../tensor/tensor.js';
import { initialWeights } from '../train/initial-state.js';
import { trainingGraph } from '../train/training-graph.js';
import { UsageError } from './errors.js';
import {
  type FineTuningFlags,
  checkSelection,
  epochsOf,
  frozenGroups,
  stagesValue,
  withHead,
} from './fine-tuning.js';

const model = resnet18({ width: 4 });
const optimizer = sgd({ learningRate: 0.1 });

/** The names of the parameters that are trained, and their rates. */
function trained(flags: FineTuningFlags, layerDecay = 1): Map<string, number> {
  const traced = traceAlone(model, 1, true);
  const kinds = parameterKinds(traced);
  const all = [...traced.parameters.keys()].map((name) => ({ name, kinds: kinds.get(name)! }));
  const assigned = assignGroups(
    all,
    groupsFor({ groups: frozenGroups(flags), layerDecay })(model),
    optimizer,
  );
  return new Map(
    [...assigned].flatMap(([name, { trainable, learningRateFactor }]) =>
      trainable ? [[name, learningRateFactor] as const] : [],
    ),
  );
}

test('what is frozen is chosen by names, patterns and kinds, and costs no gradient', () => {
  assert.deepEqual([...trained({ trainOnly: ['head'] }).keys()], ['fc.weight', 'fc.bias']);
  const some = trained({ freeze: ['norm', 'layer1', 'conv1.weight'], trainOnly: ['layer*', 'fc.bias'] });
  assert.ok(some.has('layer2.0.conv1.weight') && some.has('fc.bias'));
  for (const name of ['fc.weight', 'layer1.0.conv1.weight', 'layer2.0.bn1.weight', 'conv1.weight'])
    assert.ok(!some.has(name), name);
  const groups = frozenGroups({ trainOnly: ['head'] });
  const { graph } = trainingGraph(model, { batchSize: 2, optimizer, groups });
  const backward = new Set(graph.nodes.flatMap(({ scope }) => (scope.endsWith('/grad') ? [scope] : [])));
  assert.deepEqual([...backward], ['loss/grad', 'fc/grad']);
});

test('stages are parameters and epochs, and what rates are multiplied by', () => {
  const stages = stagesValue('head:3, layer4+fc:2:lr-factor=0.5,net/fc:0:1,all:7:lr-factor=1e-1');
  assert.deepEqual(stages, [
    { parameters: ['head'], epochs: 3 },
    { parameters: ['layer4', 'fc'], epochs: 2, learningRateFactor: 0.5 },
    { parameters: ['net/fc:0'], epochs: 1 },
    { epochs: 7, learningRateFactor: 0.1 },
  ]);
  assert.equal(epochsOf(stages), 13);
  for (const wrong of [
    '',
    'head',
    'head:',
    ':3',
    'head:0',
    'head:3,',
    'head:3:lr-factor=0',
    'a+:1',
    'a:1:lr=2',
  ])
    assert.throws(() => stagesValue(wrong), InvalidArgumentError, wrong);
  assert.throws(() => {
    checkSelection({ stages: stagesValue('head:1,none:1') }, model);
  }, /--stages none: no parameter is that/);
});

test('a layer-wise decay is of what is trained', () => {
  const rates = trained({ freeze: ['first'] }, 0.5);
  assert.ok(!rates.has('conv1.weight'));
  assert.deepEqual([rates.get('fc.weight'), rates.get('layer4.1.bn1.weight')], [1, 0.5]);
});

test('a selection of nothing, and nothing left to train, are errors that say what there is', () => {
  assert.throws(
    () => {
      checkSelection({ freeze: ['conv1', 'none'] }, model);
    },
    (error) =>
      error instanceof UsageError && /--freeze none.*kinds weight.*conv1\.weight/.test(error.message),
  );
  assert.throws(() => {
    checkSelection({ freeze: ['*'] }, model);
  }, /nothing is left to train/);
});

test('weights without a head, or with one of another size, leave the head that the model begins with', () => {
  const own = mlp({ imageSize: 2, width: 3, depth: 1 });
  const initial = initialWeights(traceAlone(own, 1, true), 0);
  const { 'layers.0.weight': first, 'layers.0.bias': bias } = initial;
  const given = { 'layers.0.weight': zeros('float32', first.shape), 'layers.0.bias': bias };
  const whole = withHead({ ...given, 'layers.1.weight': zeros('float32', [7, 3]) }, initial, own);
  assert.deepEqual(whole.isNew, ['layers.1.weight', 'layers.1.bias']);
  assert.equal(whole.weights['layers.1.weight'], initial['layers.1.weight']);
  assert.equal(whole.weights['layers.0.weight'], given['layers.0.weight']);
  // What is missing elsewhere stays missing, for whoever loads it to say so.
  const lacking = withHead({ 'layers.0.bias': bias }, initial, own);
  assert.ok(!Object.hasOwn(lacking.weights, 'layers.0.weight'));
});
