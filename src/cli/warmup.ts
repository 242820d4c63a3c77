/** The warm-up where `--warmup` is not given. */
import { batchCount } from '../data/batches.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import { createSchedule } from '../optim/registry.js';
import type { TrainFlags } from './train-flags.js';

/** An epoch of a small dataset is too short for a warm-up. */
const AT_LEAST = 100;

/**
 * The flags with a warm-up: a fifth of the run, but no more than an epoch or 100 steps, whichever is more; with stages, of
 * the shortest. None for a schedule that grows by itself.
 *
 * In the first steps a rate that is right for the run is too high: without a warm-up the loss rises to a multiple of what it
 * began with, and how soon a run recovers is luck (docs/results.md).
 */
export function withWarmup<T extends TrainFlags>(flags: T, { train }: ImageDataset): T {
  const { warmup, schedule, lr = 1, epochs, stages, maxSteps = Infinity, batchSize } = flags;
  if (warmup !== undefined || !('warmup' in createSchedule(schedule, { lr }).config)) return flags;
  const epoch = batchCount(imageCount(train), { batchSize, last: 'drop' });
  const length = Math.min(...(stages ?? [{ epochs }]).map((stage) => stage.epochs)) * epoch;
  const steps = Math.min(Math.min(length, maxSteps) / 5, Math.max(epoch, AT_LEAST));
  return { ...flags, warmup: Math.floor(steps) };
}
