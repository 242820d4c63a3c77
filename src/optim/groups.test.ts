import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../tensor/option-error.js';
import { type GroupedParameter, type Selector, assignGroups, selects } from './groups.js';
import { sgd } from './sgd.js';

const parameters: readonly GroupedParameter[] = [
  { name: 'conv1.weight', kinds: new Set(['weight', 'first']) },
  { name: 'layer1.0.bn1.bias', kinds: new Set(['norm']) },
  { name: 'layer1.0.conv1.weight', kinds: new Set(['weight']) },
  { name: 'layer10.conv1.weight', kinds: new Set(['weight']) },
  { name: 'fc.weight', kinds: new Set(['weight', 'head']) },
  { name: 'fc.bias', kinds: new Set(['bias', 'head']) },
];
const common = sgd({ learningRate: 0.1 });

describe('a selector', () => {
  const selected = (selector: Selector): string[] =>
    parameters.filter(selects(selector)).map(({ name }) => name);

  it('is a kind, a path, a pattern, several of these, or a function', () => {
    assert.deepEqual(selected('head'), ['fc.weight', 'fc.bias']);
    assert.deepEqual(selected('layer1'), ['layer1.0.bn1.bias', 'layer1.0.conv1.weight']);
    assert.deepEqual(selected('fc.bias'), ['fc.bias']);
    assert.deepEqual(selected('layer1*weight'), ['layer1.0.conv1.weight', 'layer10.conv1.weight']);
    assert.deepEqual(selected(['norm', 'fc.bias']), ['layer1.0.bn1.bias', 'fc.bias']);
    assert.deepEqual(
      selected(({ kinds }) => !kinds.has('weight')),
      ['layer1.0.bn1.bias', 'fc.bias'],
    );
  });

  it('takes a star for any text, and nothing else', () => {
    assert.deepEqual(selected('*').length, parameters.length);
    assert.deepEqual(selected('*.0.*1.*'), ['layer1.0.bn1.bias', 'layer1.0.conv1.weight']);
    // Parts of a pattern may not overlap in the name.
    assert.deepEqual(selected('fc.weight*weight'), []);
    assert.deepEqual(selected('fc.bi*bias'), []);
    assert.deepEqual(selected('fc?weight*'), []);
    assert.deepEqual(selected('conv1'), ['conv1.weight']);
  });
});

describe('groups', () => {
  it('take a parameter in the order they stand in, and leave the rest as it is', () => {
    const own = sgd({ learningRate: 1 });
    const assigned = assignGroups(
      parameters,
      [
        { parameters: 'fc.bias', trainable: false },
        { parameters: 'head', learningRateFactor: 10, weightDecay: 0 },
        { parameters: 'first', optimizer: own },
      ],
      common,
    );
    const rest = { trainable: true, learningRateFactor: 1, optimizer: common };
    assert.deepEqual(Object.fromEntries(assigned), {
      'conv1.weight': { ...rest, optimizer: own },
      'layer1.0.bn1.bias': rest,
      'layer1.0.conv1.weight': rest,
      'layer10.conv1.weight': rest,
      'fc.weight': { ...rest, learningRateFactor: 10, weightDecay: 0 },
      'fc.bias': { ...rest, trainable: false },
    });
  });

  it('that select nothing, or say what cannot be, are refused', () => {
    const refused = (group: Parameters<typeof assignGroups>[1][number], message: RegExp): void => {
      assert.throws(
        () => assignGroups(parameters, [group], common),
        (error) => error instanceof OptionError && message.test(error.message),
      );
    };
    refused(
      { parameters: 'layer2' },
      /selects nothing: no parameter is "layer2"; there are the kinds weight, first, norm, head, bias and the parameters conv1\.weight, /,
    );
    refused({ parameters: () => false }, /no parameter is the function given/);
    refused({ parameters: 'fc', learningRateFactor: -1 }, /learningRateFactor must be at least 0, not -1/);
    refused({ parameters: 'fc', weightDecay: NaN }, /weightDecay must be at least 0, not NaN/);
  });
});
