import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomCrop, randomHorizontalFlip } from '../data/augment.js';
import type { ImageTransform } from '../data/image-transform.js';
import { checkRunOptions, checkTrainerOptions } from './check-options.js';

/** What is no positive whole number, though TypeScript takes it for a number or never sees it. */
const wrong = [NaN, 0, -1, 1.5, -Infinity, 2 ** 53, '5', null] as unknown as number[];

test('what counts something is a positive whole number', () => {
  checkTrainerOptions({});
  checkTrainerOptions({ batchSize: 1, threads: 3 });
  checkRunOptions({ epochs: 1, maxSteps: 5, evaluateEvery: 2, augmentation: null });
  checkRunOptions({ epochs: 3, maxSteps: Infinity, evaluateEvery: Infinity });
  for (const value of wrong) {
    for (const check of [
      () => {
        checkTrainerOptions({ batchSize: value });
      },
      () => {
        checkTrainerOptions({ threads: value });
      },
      () => {
        checkRunOptions({ epochs: value });
      },
      () => {
        checkRunOptions({ epochs: 1, maxSteps: value });
      },
      () => {
        checkRunOptions({ epochs: 1, evaluateEvery: value });
      },
    ]) {
      assert.throws(check, /^OptionError: \S.* must be a positive whole number, not /);
    }
  }
  assert.throws(() => {
    checkRunOptions({ epochs: Infinity });
  }, /epochs must be a positive whole number, not Infinity/);
  assert.throws(() => {
    checkRunOptions({ epochs: '5' as unknown as number });
  }, /epochs must be a positive whole number, not "5"/);
});

test('an augmentation is a list of transforms', () => {
  checkRunOptions({ epochs: 1, augmentation: [randomCrop({ padding: 0 }), randomHorizontalFlip()] });
  const wrong = [{ cropPadding: 1, horizontalFlip: true }] as unknown as ImageTransform[];
  assert.throws(() => {
    checkRunOptions({ epochs: 1, augmentation: wrong });
  }, /augmentation/);
});
