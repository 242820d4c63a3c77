/**
 * What a WorkerLoader and its worker thread say to each other.
 *
 * Batches go through a ring of slots in shared memory. Two counters that only grow say how far each side is; the
 * worker fills slot `made % slots` while `made - released < slots`. Neither side needs the other's event loop to
 * turn: the worker goes on while the main thread is inside a long synchronous call.
 */
import type { BatchPlan } from './loader.js';
import type { ImageShape, Split } from './dataset.js';

/** Slots of the ring: how many batches the worker is ahead. */
export const slotCount = 4;

/** Positions in the Int32Array `control` of an epoch, which begins with zeros. */
export const Control = {
  /** Batches that the worker has finished. */
  made: 0,
  /** Batches that the consumer has taken out. The worker sleeps on it. */
  released: 1,
  /** 1 once nobody wants more batches of this epoch. */
  cancelled: 2,
  /** 1 while the consumer waits to be told by a message that a batch is there. */
  waiting: 3,
} as const;

/** Given to the worker as it starts. */
export interface WorkerData {
  readonly split: Split;
  readonly shape: ImageShape;
}

/** Shared memory that batches are written to. */
export interface Ring {
  /** For each slot uint8 [batchSize, channels, height, width]. */
  readonly images: readonly Uint8Array[];
  /** For each slot int32 [batchSize]. */
  readonly labels: readonly Int32Array[];
  /** int32 [slotCount]: the rows of each slot that hold images. */
  readonly counts: Int32Array;
}

/** From the loader: make the batches of an epoch. */
export interface EpochRequest {
  readonly epoch: number;
  readonly plan: BatchPlan;
  readonly ring: Ring;
  readonly control: Int32Array;
}

/** From the worker: a batch is there that the consumer was waiting for, or the epoch has failed. */
export interface WorkerMessage {
  readonly epoch: number;
  readonly error?: unknown;
}
