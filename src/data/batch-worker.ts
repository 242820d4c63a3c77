/** A worker thread behind a WorkerLoader: makes the batches of the epochs it is asked for, ahead of their use. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  Control,
  type EpochRequest,
  slotCount,
  type WorkerData,
  type WorkerMessage,
} from './batch-protocol.js';
import { BatchMaker } from './batches.js';
import { DataError } from './data-error.js';
import { transformsOf } from './image-transforms.js';
import { receivedSource } from './sent-source.js';

const { source: sent, shape, preprocessing } = workerData as WorkerData;
const loader = parentPort!;
const options = { preprocessing: transformsOf(preprocessing) };
const making = receivedSource(sent);
// What is wrong with it is told when it is first needed.
making.catch(() => undefined);

// One epoch after the other: they write to the same ring.
let last = Promise.resolve();
loader.on('message', (request: EpochRequest) => {
  last = last.then(async () => {
    try {
      await makeBatches(request);
    } catch (error) {
      const { epoch } = request;
      loader.postMessage(
        (error instanceof DataError
          ? { epoch, dataError: error.message }
          : { epoch, error }) satisfies WorkerMessage,
      );
    }
  });
});

async function makeBatches({ epoch, plan, stride, ring, control }: EpochRequest): Promise<void> {
  const { start = 0, augmentation, ...others } = plan;
  const source = await making;
  const maker = new BatchMaker(
    source,
    shape,
    { ...others, ...(augmentation && { augmentation: transformsOf(augmentation) }) },
    options,
  );
  for (let index = start, made = 0; index < maker.count; index += stride, made++) {
    for (;;) {
      const released = Atomics.load(control, Control.released);
      // After the load: a cancellation is stored before `released` is changed to wake this thread.
      if (Atomics.load(control, Control.cancelled) === 1) return;
      if (made - released < slotCount) break;
      Atomics.wait(control, Control.released, released);
    }
    const slot = made % slotCount;
    const written = maker.write(index, ring.images[slot], ring.labels[slot]);
    ring.counts[slot] = typeof written === 'number' ? written : await written;
    Atomics.store(control, Control.made, made + 1);
    if (Atomics.exchange(control, Control.waiting, 0) === 1) {
      loader.postMessage({ epoch } satisfies WorkerMessage);
    }
  }
}
