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

/** A run that does the given, as `Trainer.run` does. */
async function running<T>(lock: StateLock, body: () => Promise<T>): Promise<T> {
  await lock.begin();
  try {
    return await body();
  } finally {
    lock.end();
  }
}

const busy = (message: RegExp) => (error: unknown) =>
  error instanceof BusyError && message.test(error.message);

test('one run at a time, and nothing that replaces or reads the state meanwhile', async () => {
  const lock = new StateLock();
  const { promise, settle } = pending();
  const first = running(lock, () => promise);
  await assert.rejects(lock.begin(), busy(/is training already; wait for that to end/));
  await assert.rejects(
    lock.read('evaluate()', () => Promise.resolve(1)),
    busy(/evaluate\(\) needs .* while an event is handled/),
  );
  assert.throws(
    () => {
      lock.checkFree('load()');
    },
    busy(/load\(\) replaces the weights, and this trainer is training/),
  );
  settle();
  await first;
  lock.checkFree('load()');
  assert.equal(await lock.read('evaluate()', () => Promise.resolve(1)), 1);
  assert.equal(await running(lock, () => Promise.resolve(2)), 2);
});

test('a run that fails lets go', async () => {
  const lock = new StateLock();
  await assert.rejects(
    running(lock, () => Promise.reject(new RangeError('no'))),
    RangeError,
  );
  assert.equal(await running(lock, () => Promise.resolve(3)), 3);
});

test('a handler may read, and the run goes on when all that it began is over', async () => {
  const lock = new StateLock();
  const { promise, settle } = pending();
  const order: string[] = [];
  let reading: Promise<void> | undefined;
  const run = running(lock, async () => {
    lock.wait();
    assert.equal(await lock.read('predict()', () => Promise.resolve(4)), 4);
    assert.throws(() => {
      lock.checkFree('restore()');
    }, BusyError);
    // Not waited for.
    reading = lock.read('evaluate()', async () => {
      await promise;
      order.push('read');
    });
    await lock.goOn();
    order.push('went on');
    await assert.rejects(
      lock.read('evaluate()', () => Promise.resolve()),
      BusyError,
    );
  });
  await new Promise(setImmediate);
  assert.deepEqual(order, []);
  settle();
  await run;
  await reading;
  assert.deepEqual(order, ['read', 'went on']);
});

test('a run waits for those who read already, who are not disturbed either', async () => {
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
  const run = running(lock, () => {
    order.push('run');
    return Promise.resolve();
  });
  settle();
  await Promise.all([run, assert.rejects(reading, RangeError)]);
  assert.deepEqual(order, ['read', 'run']);
});
