import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceError } from '../engine/device.js';
import { createModel } from '../models/registry.js';
import { sgd } from '../optim/sgd.js';
import { failureOf } from './errors.js';

/** What is thrown. */
function thrownBy(build: () => unknown): unknown {
  try {
    build();
  } catch (error) {
    return error;
  }
  assert.fail('nothing was thrown');
}

test('an option out of range is an error of the command line', () => {
  for (const build of [
    () => sgd({ learningRate: 0.1, momentum: 2 }),
    () => createModel('mlp', { width: 0 }),
  ]) {
    const { message, exitCode } = failureOf(thrownBy(build));
    assert.equal(exitCode, 2);
    assert.match(message.join(), /^error: .* must be /);
  }
});

test('memory that is not to be had is none', () => {
  const { message, exitCode } = failureOf(new RangeError('Array buffer allocation failed'));
  assert.equal(exitCode, 1);
  assert.match(message.join(), /memory does not suffice/);
});

test('another RangeError is an error of the program', () => {
  const { message, exitCode } = failureOf(new RangeError('Invalid array length'));
  assert.equal(exitCode, 1);
  assert.match(message.join(), /please report it/);
});

test('the library speaks of options, the command adds its flags', () => {
  const { message } = failureOf(new DeviceError('the device "cuda" is not available here'));
  assert.deepEqual(message, ['error: the device "cuda" is not available here (--device)']);
});
