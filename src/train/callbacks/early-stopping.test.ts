import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OptionError } from '../../tensor/option-error.js';
import type { EpochEvent } from '../events.js';
import { earlyStopping } from './early-stopping.js';

const epoch = (validationLoss: number, metrics?: EpochEvent['metrics']): EpochEvent => ({
  event: 'epoch',
  epoch: 1,
  step: 1,
  trainLoss: 0,
  trainAccuracy: 0,
  validationLoss,
  validationAccuracy: 1 - validationLoss,
  ...(metrics && { metrics }),
  seconds: 1,
});

/** What it says to each of these epochs. */
const answers = (callback: ReturnType<typeof earlyStopping>, events: readonly EpochEvent[]): unknown[] =>
  events.map((event) => callback(event));

test('stops after so many epochs without a lower loss, and counts anew in another run', () => {
  const callback = earlyStopping({ patience: 2 });
  const losses = [0.5, 0.4, 0.4, NaN, 0.1];
  for (let run = 0; run < 2; run++) {
    void callback.begin?.();
    const said = answers(
      callback,
      losses.map((loss) => epoch(loss)),
    );
    assert.deepEqual(said, [undefined, undefined, undefined, 'stop', undefined]);
  }
});

test('an improvement that is too small is none', () => {
  const callback = earlyStopping({ patience: 1, minimumImprovement: 0.1 });
  assert.deepEqual(answers(callback, [epoch(0.5), epoch(0.375), epoch(0.3125)]), [
    undefined,
    undefined,
    'stop',
  ]);
});

test('accuracy and metrics are better when higher, unless said otherwise', () => {
  const accuracy = earlyStopping({ patience: 1, metric: 'accuracy' });
  assert.deepEqual(answers(accuracy, [epoch(0.5), epoch(0.4), epoch(0.45)]), [undefined, undefined, 'stop']);
  const events = [0.5, 0.6].map((top5) => epoch(0.5, { top5 }));
  assert.deepEqual(answers(earlyStopping({ patience: 1, metric: 'top5' }), events), [undefined, undefined]);
  const lower = earlyStopping({ patience: 1, metric: 'top5', better: 'lower' });
  assert.deepEqual(answers(lower, events), [undefined, 'stop']);
});

test('options that cannot be, and figures that are not there, are refused', () => {
  assert.throws(() => earlyStopping({ patience: 0 }), OptionError);
  assert.throws(() => earlyStopping({ patience: 1, minimumImprovement: -1 }), OptionError);
  for (const metric of ['top5', 'constructor', 'classAccuracy']) {
    assert.throws(
      () => earlyStopping({ patience: 1, metric })(epoch(0.5, { classAccuracy: [1], top3: 1 })),
      /is no figure of this run; there are top3, loss, accuracy$/,
    );
  }
});
