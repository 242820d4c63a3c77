/** The warm-up where `--warmup` is not given. */
import { batchCount } from '../data/batches.js';
import { type ImageDataset, imageCount } from '../data/dataset.js';
import { createSchedule } from '../optim/registry.js';
import { usualWarmup } from '../optim/schedule.js';
import type { TrainFlags } from './train-flags.js';

/** The flags with the usual warm-up, with stages that of the shortest; none for a schedule that grows by itself. */
export function withWarmup<T extends TrainFlags>(flags: T, { train }: ImageDataset): T {
  const { warmup, schedule, lr = 1, epochs, stages, maxSteps = Infinity, batchSize } = flags;
  if (warmup !== undefined || !('warmup' in createSchedule(schedule, { lr }).config)) return flags;
  const epoch = batchCount(imageCount(train), { batchSize, last: 'drop' });
  const length = Math.min(...(stages ?? [{ epochs }]).map((stage) => stage.epochs)) * epoch;
  return { ...flags, warmup: usualWarmup(Math.min(length, maxSteps), epoch) };
}
