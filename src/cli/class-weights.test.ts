import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { shapes } from '../data/shapes.js';
import { classWeightsOf, classWeightsValue } from './class-weights.js';
import { UsageError } from './errors.js';

test('class weights are numbers by class, 1 for the others, or balanced', () => {
  const dataset = { ...shapes({ train: 4, test: 4 }), classNames: ['cat', 'dog', 'a=b'] };
  const weights = (text: string): unknown =>
    classWeightsOf({ classWeights: classWeightsValue(text) }, dataset).classWeights;
  assert.deepEqual(weights('dog=0.5, a=b=3'), [1, 0.5, 3]);
  const labels = Int32Array.of(0, 0, 0, 1, 2, 2);
  const uneven = { ...dataset, train: { ...dataset.train, labels } };
  assert.deepEqual(classWeightsOf({ classWeights: 'balanced' }, uneven), { classWeights: [2 / 3, 2, 1] });
  assert.deepEqual(classWeightsOf({}, dataset), {});
  for (const wrong of ['', 'cat', 'cat=0', 'cat=x', '=1', 'cat=1,cat=2', 'cat=1,'])
    assert.throws(() => classWeightsValue(wrong), InvalidArgumentError, wrong);
  assert.throws(
    () => weights('dag=2'),
    (error) =>
      error instanceof UsageError &&
      /--class-weights dag: .*no such class; did you mean dog/.test(error.message),
  );
});
