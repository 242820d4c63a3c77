/** Keeps what a run produces in its folder: metrics as they come, checkpoints when it is time. */
import type { TrainingEvent } from '../events.js';
import type { Callback, FitResult } from '../options.js';
import type { RunConfig } from '../run-config.js';
import type { CheckpointKind, RunFolder } from '../run-folder.js';
import type { Trainer } from '../trainer.js';

/** An epoch may take an hour; no more than this is lost when the power goes off. */
const SAVE_EVERY = 5 * 60_000;

/** A checkpoint that was written. */
export interface SavedCheckpoint {
  /** Of the last step, or of the best epoch. */
  readonly kind: CheckpointKind;
  readonly path: string;
  /** Steps since the beginning of the run. */
  readonly step: number;
}

export interface KeptRun {
  readonly trainer: Trainer;
  readonly folder: RunFolder;
  readonly config: RunConfig;
  /** Whether the folder has no checkpoint of this configuration. */
  readonly changed: boolean;
  readonly onSaved?: (saved: SavedCheckpoint) => void;
}

export class CheckpointKeeper {
  readonly #run: KeptRun;
  #best: number;
  #saved = performance.now();
  #savedStep: number;

  constructor(run: KeptRun) {
    this.#run = run;
    const { bestAccuracy, step } = run.trainer.progress;
    this.#best = bestAccuracy;
    this.#savedStep = step;
  }

  /** Follows a run from its beginning to its end; the folder stays open. */
  get callback(): Callback {
    return Object.assign((event: TrainingEvent) => this.#onEvent(event), {
      begin: () => this.#begin(),
      end: (result?: FitResult) => this.#end(result),
    });
  }

  /** The last good checkpoint, in words. */
  get lastSaved(): string {
    return `${this.#run.folder.file('last')}, of step ${this.#savedStep}`;
  }

  /** Writes the first files, a checkpoint of a new run among them: a folder that takes none is found out now. */
  async #begin(): Promise<void> {
    const { trainer, folder, config, changed } = this.#run;
    await folder.begin(config, trainer.progress, trainer.model);
    if (changed) await this.#save('last');
  }

  async #onEvent(event: TrainingEvent): Promise<void> {
    this.#run.folder.record(event);
    if (event.event === 'step') {
      if (performance.now() - this.#saved > SAVE_EVERY) await this.#save('last');
      return;
    }
    if (event.event === 'evaluation') return;
    // Chosen on the validation images; where there are none, nothing is chosen, and the last epoch is what is kept.
    // `best` comes first: a crash between the two leaves `last` older, and resuming writes both again.
    if (event.validationAccuracy !== undefined && event.validationAccuracy > this.#best) {
      await this.#save('best');
      this.#best = event.validationAccuracy;
    }
    await this.#save('last');
  }

  async #end(result?: FitResult): Promise<void> {
    if (result?.interrupted) await this.#save('last');
  }

  async #save(kind: CheckpointKind): Promise<void> {
    const { trainer, folder, config, onSaved } = this.#run;
    const state = await trainer.state();
    const path = await folder.save(kind, { config, state });
    const { step } = state.progress;
    if (kind === 'last') {
      this.#saved = performance.now();
      this.#savedStep = step;
    }
    onSaved?.({ kind, path, step });
  }
}
