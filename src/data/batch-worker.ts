/** The worker thread behind a WorkerLoader: makes the batches of the epochs it is asked for, ahead of their use. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  Control,
  type EpochRequest,
  slotCount,
  type WorkerData,
  type WorkerMessage,
} from './batch-protocol.js';
import { BatchMaker } from './batches.js';

const { split, shape } = workerData as WorkerData;
const loader = parentPort!;

loader.on('message', (request: EpochRequest) => {
  try {
    makeBatches(request);
  } catch (error) {
    loader.postMessage({ epoch: request.epoch, error } satisfies WorkerMessage);
  }
});

function makeBatches({ epoch, plan, ring, control }: EpochRequest): void {
  const { start = 0 } = plan;
  const maker = new BatchMaker(split, shape, plan);
  for (let index = start, made = 0; index < maker.count; index++, made++) {
    for (;;) {
      const released = Atomics.load(control, Control.released);
      // After the load: a cancellation is stored before `released` is changed to wake this thread.
      if (Atomics.load(control, Control.cancelled) === 1) return;
      if (made - released < slotCount) break;
      Atomics.wait(control, Control.released, released);
    }
    const slot = made % slotCount;
    ring.counts[slot] = maker.write(index, ring.images[slot], ring.labels[slot]);
    Atomics.store(control, Control.made, made + 1);
    if (Atomics.exchange(control, Control.waiting, 0) === 1) {
      loader.postMessage({ epoch } satisfies WorkerMessage);
    }
  }
}
