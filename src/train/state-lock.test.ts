import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusyError, StateLock } from './state-lock.js';

/** A promise that is settled from outside. */
function pending(): { promise: Promise<void>; settle: () => void } {
  let settle = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}

const busy = (message: RegExp) => (error: unknown) =>
  error instanceof BusyError && message.test(error.message);

test('one fit at a time, and nothing that replaces or reads the state meanwhile', async () => {
  const lock = new StateLock();
  const { promise, settle } = pending();
  const first = lock.fit(() => promise);
  await assert.rejects(
    lock.fit(() => Promise.resolve()),
    busy(/is fitting already; wait for that fit/),
  );
  await assert.rejects(
    lock.read('evaluate()', () => Promise.resolve(1)),
    busy(/evaluate\(\) needs .* in onEvent/),
  );
  assert.throws(
    () => {
      lock.checkFree('load()');
    },
    busy(/load\(\) replaces the weights, and this trainer is fitting/),
  );
  settle();
  await first;
  lock.checkFree('load()');
  assert.equal(await lock.read('evaluate()', () => Promise.resolve(1)), 1);
  assert.equal(await lock.fit(() => Promise.resolve(2)), 2);
});

test('a fit that fails lets go', async () => {
  const lock = new StateLock();
  await assert.rejects(
    lock.fit(() => Promise.reject(new RangeError('no'))),
    RangeError,
  );
  assert.equal(await lock.fit(() => Promise.resolve(3)), 3);
});

test('a handler may read, and the fit goes on when all that it began is over', async () => {
  const lock = new StateLock();
  const { promise, settle } = pending();
  const order: string[] = [];
  let reading: Promise<void> | undefined;
  const fit = lock.fit(async () => {
    await lock.handle(async () => {
      assert.equal(await lock.read('predict()', () => Promise.resolve(4)), 4);
      assert.throws(() => {
        lock.checkFree('restore()');
      }, BusyError);
      // Not waited for.
      reading = lock.read('evaluate()', async () => {
        await promise;
        order.push('read');
      });
    });
    order.push('went on');
    await assert.rejects(
      lock.read('evaluate()', () => Promise.resolve()),
      BusyError,
    );
  });
  await new Promise(setImmediate);
  assert.deepEqual(order, []);
  settle();
  await fit;
  await reading;
  assert.deepEqual(order, ['read', 'went on']);
});

test('a fit waits for those who read already, who are not disturbed either', async () => {
  const lock = new StateLock();
  const { promise, settle } = pending();
  const order: string[] = [];
  const reading = lock.read('evaluate()', async () => {
    await promise;
    order.push('read');
    throw new RangeError('of the reader alone');
  });
  assert.throws(
    () => {
      lock.checkFree('restore()');
    },
    busy(/this trainer is evaluating/),
  );
  const fit = lock.fit(() => {
    order.push('fit');
    return Promise.resolve();
  });
  settle();
  await Promise.all([fit, assert.rejects(reading, RangeError)]);
  assert.deepEqual(order, ['read', 'fit']);
});
