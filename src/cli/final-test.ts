/** The one look at the test images, when a run is over. */
import type { ImageDataset } from '../data/dataset.js';
import { weightsOf } from '../train/checkpoint.js';
import type { Evaluation } from '../train/events.js';
import { type RunFolder, readCheckpoint } from '../train/run-folder.js';
import type { Trainer } from '../train/trainer.js';
import { type Runner, sharedCheckpoint } from './train-plan.js';

/** The epoch that was chosen on the validation images, on the test images. */
export interface FinalTest extends Evaluation {
  /** Counted from 1. */
  readonly epoch: number;
}

/**
 * Measures a run's best checkpoint on the test images.
 *
 * @param folder of the run; of several processes rank 0 has it
 *
 * @returns undefined when the signal was aborted before the end
 * @throws CheckpointError where the checkpoint is gone, or damaged
 */
export async function testBest(
  trainer: Trainer,
  folder: RunFolder | undefined,
  dataset: ImageDataset,
  { signal, group }: Runner,
): Promise<FinalTest | undefined> {
  const { state } = await sharedCheckpoint(group, folder && (await readCheckpoint(folder.file('best'))));
  const evaluation = await trainer.evaluateWeights(weightsOf(state), dataset, { signal });
  return evaluation && { ...evaluation, epoch: state.progress.epoch };
}
