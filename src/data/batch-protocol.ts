/**
 * What a WorkerLoader and its worker threads say to each other.
 *
 * Batches go through a ring of slots in shared memory. Two counters that only grow say how far each side is; the
 * worker fills slot `made % slots` while `made - released < slots`. Neither side needs the other's event loop to
 * turn: the worker goes on while the main thread is inside a long synchronous call.
 */
import type { ImageShape } from './image-source.js';
import type { StoredTransform } from './image-transforms.js';
import type { BatchPlan } from './loader.js';
import type { SentSource } from './sent-source.js';

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
  readonly source: SentSource;
  readonly shape: ImageShape;
  readonly preprocessing: readonly StoredTransform[];
}

/** A plan as it can be sent: transforms by name. */
export type SentPlan = Omit<BatchPlan, 'augmentation'> & {
  readonly augmentation?: readonly StoredTransform[];
};

/** Shared memory that batches are written to. */
export interface Ring {
  /** For each slot uint8 [rows, channels, height, width]. */
  readonly images: readonly Uint8Array[];
  /** For each slot int32 [rows]. */
  readonly labels: readonly Int32Array[];
  /** int32 [slotCount]: the rows of each slot that hold images. */
  readonly counts: Int32Array;
}

/** From the loader: make the batches of an epoch from the plan's start on, one of every `stride`. */
export interface EpochRequest {
  readonly epoch: number;
  readonly plan: SentPlan;
  readonly stride: number;
  readonly ring: Ring;
  readonly control: Int32Array;
}

/** From the worker: a batch is there that the consumer was waiting for, or the epoch has failed. */
export interface WorkerMessage {
  readonly epoch: number;
  readonly error?: unknown;
  /** Where the error is a DataError, whose kind is lost on the way. */
  readonly dataError?: string;
}
