import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mlp } from '../models/mlp.js';
import { tensor } from '../tensor/tensor.js';
import { chooseDevice, proveDevice } from './prove-device.js';
import { changes, largestDifference, relativeDifference, significant } from './step-differences.js';

const vector = (...values: number[]): ReturnType<typeof tensor> => tensor('float32', [values.length], values);

describe('the differences of two steps', () => {
  it('are relative to the size of the tensor, and the largest by tensor counts', () => {
    assert.equal(relativeDifference(vector(3, 4), vector(3, 4)), 0);
    assert.equal(relativeDifference(vector(3, 5), vector(3, 4)), 0.2);
    const ours = { a: vector(3, 5), b: vector(0, 2), c: vector(1) };
    const theirs = { a: vector(3, 4), b: vector(0, 1), c: vector(1) };
    assert.deepEqual(largestDifference(ours, theirs), { difference: 1, tensor: 'b' });
    assert.deepEqual(largestDifference(ours, theirs, ['a', 'c']), { difference: 0.2, tensor: 'a' });
  });

  it('that are no numbers are the largest', () => {
    const [ours, theirs] = [
      { a: vector(2), b: vector(NaN), c: vector(9) },
      { a: vector(1), b: vector(1), c: vector(1) },
    ];
    assert.deepEqual(largestDifference(ours, theirs), { difference: NaN, tensor: 'b' });
    assert.equal(largestDifference({ a: vector(1) }, { a: vector(0) }).difference, Infinity);
  });

  it('leave out gradients that are rounding errors', () => {
    assert.deepEqual(significant({ weight: vector(1, -2), bias: vector(1e-9, 0), small: vector(1e-3) }), [
      'weight',
      'small',
    ]);
  });

  it('of updates are those of what a step adds', () => {
    const moved = changes({ a: vector(1, 2) }, { a: vector(1.5, 1) }, ['a']);
    assert.deepEqual([...moved.a.data], [0.5, -1]);
  });
});

describe('a device', () => {
  const small = { model: mlp({ width: 8 }), batchSize: 4 };

  it('that is not there is refused with a reason', async () => {
    const { device, proofs, reasons } = await chooseDevice({ ...small, candidates: ['cuda'] });
    assert.equal(device, 'cpu');
    assert.match(proofs[0].reason, /^the device "cuda" is not available here/);
    assert.equal(proofs[0].proven, false);
    assert.match(reasons.at(-1)!, /^the CPU computes with/);
  });

  it('is not tried with options out of range', async () => {
    await assert.rejects(
      proveDevice('cuda', { ...small, steps: 0 }),
      /steps must be a positive whole number/,
    );
    await assert.rejects(proveDevice('cuda', { ...small, batchSize: 0.5 }), /the batch size must be/);
  });
});
