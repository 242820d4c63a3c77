/** Checkpoints while a run goes on. */
import type { TrainingEvent } from '../events.js';
import type { Callback, FitResult } from '../options.js';
import type { RunFolder } from '../run-folder.js';
import type { Trainer } from '../trainer.js';
import { CheckpointKeeper, type SavedCheckpoint } from './checkpoint-keeper.js';
import { type RunDescription, configOf, folderOf } from './run-files.js';

/** What a checkpoint has to know of the run, and who is told of it. */
export interface CheckpointsOptions extends RunDescription {
  /** As `fit` gets it, so that the run can be continued to the same end. */
  readonly epochs: number;
  /** Called after each checkpoint. */
  readonly onSaved?: (saved: SavedCheckpoint) => void;
}

/**
 * Keeps a run in a folder, as `tract train` does: `config.json`, `metrics.jsonl` (a line for every event),
 * `last.safetensors` (of the last epoch, and at least every five minutes; where the run was stopped, of its last step) and,
 * where the dataset has validation images, `best.safetensors`. `tract train --resume` and `restoreTrainer` go on with it;
 * `Classifier.load`, `tract eval`, `predict` and `export` take it.
 *
 * @param folder of a new run, or of the one that the trainer was restored from
 * @param options the dataset and options that `fit` gets, too
 * @throws RunExistsError when `fit` begins, where another run is in the folder
 * @throws OutputError while training, where the folder cannot be written to, or another process has it
 * @throws DataError for a dataset with less images than a batch
 */
export function checkpoints(trainer: Trainer, folder: string, options: CheckpointsOptions): Callback {
  let opened: { readonly keeper: Callback; readonly folder: RunFolder } | undefined;
  const callback = (event: TrainingEvent): ReturnType<Callback> => {
    if (!opened) throw new Error('checkpoints: begin() comes before the first event; trainer.fit calls it');
    return opened.keeper(event);
  };
  return Object.assign(callback, {
    begin: async (): Promise<void> => {
      const { onSaved, ...description } = options;
      const config = configOf(trainer, description);
      const kept = await folderOf(folder, config, trainer.progress);
      const { callback: keeper } = new CheckpointKeeper({
        trainer,
        config,
        ...kept,
        ...(onSaved && { onSaved }),
      });
      opened = { keeper, folder: kept.folder };
      await keeper.begin?.();
    },
    end: async (result?: FitResult): Promise<void> => {
      if (!opened) return;
      const { keeper, folder: files } = opened;
      opened = undefined;
      try {
        await keeper.end?.(result);
      } finally {
        // A run that could not start leaves nothing behind.
        await (trainer.progress.step > 0 ? files.close() : files.discard());
      }
    },
  });
}
