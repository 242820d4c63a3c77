import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { describe, it } from 'node:test';
import { Random } from '../random/random.js';
import { InlineLoader } from './batches.js';
import type { Batch, BatchPlan } from './loader.js';
import type { Split } from './dataset.js';
import { shapes } from './shapes.js';
import { WorkerLoader } from './worker-batches.js';

const { train, imageShape, augmentation } = shapes({ train: 210, test: 1 });
const plan: BatchPlan = {
  batchSize: 16,
  shuffle: true,
  augmentation,
  last: 'drop',
  random: Random.fromSeed(5).state,
};

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) {
    all.push({ ...batch, images: batch.images.slice(), labels: batch.labels.slice() });
  }
  return all;
}

describe('batches from a worker', { timeout: 60_000 }, () => {
  it('are the bits of those made inline, over several epochs of one loader', async () => {
    const inline = new InlineLoader(train, imageShape);
    const worker = new WorkerLoader(train, imageShape);
    const plans: BatchPlan[] = [
      plan,
      { ...plan, start: 9 },
      { ...plan, start: 13 },
      { batchSize: 64, shuffle: false, last: 'pad', random: plan.random },
      { ...plan, random: Random.fromSeed(6).state },
    ];
    for (const each of plans) {
      assert.deepEqual(await collect(worker.epoch(each)), await collect(inline.epoch(each)));
    }
    await worker.close();
  });

  it('come from data in ordinary memory, too, and in ordinary memory', async () => {
    const ordinary: Split = { images: Uint8Array.from(train.images), labels: Uint8Array.from(train.labels) };
    const worker = new WorkerLoader(ordinary, imageShape);
    for await (const { images, labels } of worker.epoch({ ...plan, start: 12 })) {
      assert.ok(images.buffer instanceof ArrayBuffer && labels.buffer instanceof ArrayBuffer);
    }
    assert.deepEqual(
      await collect(worker.epoch(plan)),
      await collect(new InlineLoader(train, imageShape).epoch(plan)),
    );
    await worker.close();
  });

  it('are made while the main thread is busy', async () => {
    const worker = new WorkerLoader(train, imageShape);
    const batches = worker.epoch(plan)[Symbol.asyncIterator]();
    await batches.next();
    // Nothing but the worker can run for this time; then the next four batches are there at once.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    let turned = false;
    const turn = setImmediate(() => (turned = true));
    for (let i = 0; i < 4; i++) await batches.next();
    assert.equal(turned, false);
    clearImmediate(turn);
    await worker.close();
  });

  it('stop when the consumer leaves, and the next epoch is whole', async () => {
    const worker = new WorkerLoader(train, imageShape);
    for await (const batch of worker.epoch(plan)) if (batch.index === 2) break;
    assert.equal((await collect(worker.epoch(plan))).length, 13);
    await worker.close();
  });

  it('end when another epoch is begun or the loader is closed', async () => {
    const worker = new WorkerLoader(train, imageShape);
    const first = worker.epoch(plan)[Symbol.asyncIterator]();
    await first.next();
    const second = worker.epoch(plan)[Symbol.asyncIterator]();
    await assert.rejects(async () => first.next(), /this epoch has ended/);
    await second.next();
    await worker.close();
    await worker.close();
    await assert.rejects(async () => second.next(), /closed/);
    assert.throws(() => worker.epoch(plan), /closed/);
  });

  it('surface what goes wrong in the worker, and go on with the next epoch', async () => {
    const worker = new WorkerLoader(train, imageShape);
    await assert.rejects(
      collect(worker.epoch({ ...plan, random: [0, 0, 0, 0] })),
      /RangeError: not the state of a generator/,
    );
    assert.throws(() => worker.epoch({ ...plan, batchSize: 211 }), /A batch of 211 is larger than the 210/);
    assert.equal((await collect(worker.epoch(plan))).length, 13);
    await worker.close();
  });

  it('do not keep the process alive, and keep it alive while one is awaited', () => {
    const script = `
      import { WorkerLoader } from ${JSON.stringify(new URL('./worker-batches.js', import.meta.url).href)};
      const split = { images: new Uint8Array(12 * 20), labels: new Uint8Array(20) };
      const loader = new WorkerLoader(split, [3, 2, 2]);
      const plan = { batchSize: 2, shuffle: true, last: 'drop', random: [1, 2, 3, 4] };
      let count = 0;
      for await (const batch of loader.epoch(plan)) count += batch.count;
      const left = loader.epoch(plan)[Symbol.asyncIterator]();
      await left.next();
      console.log(count);
    `;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '20\n', stderr: '' });
  });
});
