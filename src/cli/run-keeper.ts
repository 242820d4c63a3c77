/** Keeps what a run produces: metrics as they come, checkpoints when it is time. */
import type { TrainingEvent } from '../train/events.js';
import type { RunConfig } from '../train/run-config.js';
import type { CheckpointKind, RunFolder } from '../train/run-folder.js';
import type { Trainer } from '../train/trainer.js';
import type { Reporter } from './reporter.js';

/** An epoch may take an hour; no more than this is lost when the power goes off. */
const SAVE_EVERY = 5 * 60_000;

export class RunKeeper {
  readonly #trainer: Trainer;
  readonly #folder: RunFolder;
  readonly #config: RunConfig;
  readonly #reporter: Reporter;
  #best: number;
  #saved = performance.now();
  #savedStep: number;

  constructor(trainer: Trainer, folder: RunFolder, config: RunConfig, reporter: Reporter) {
    this.#trainer = trainer;
    this.#folder = folder;
    this.#config = config;
    this.#reporter = reporter;
    this.#best = trainer.progress.bestAccuracy;
    this.#savedStep = trainer.progress.step;
  }

  /**
   * Writes the first files, a checkpoint of a new run among them: a folder that takes none is found out now.
   *
   * @param extended whether the checkpoint that is there has another configuration
   */
  async begin(extended: boolean): Promise<void> {
    const { progress } = this.#trainer;
    await this.#folder.begin(this.#config, progress);
    if (progress.step === 0 || extended) await this.save('last');
  }

  async onEvent(event: TrainingEvent): Promise<void> {
    this.#folder.record(event);
    this.#reporter.report(event);
    if (event.event === 'step') {
      if (performance.now() - this.#saved > SAVE_EVERY) await this.save('last');
      return;
    }
    if (event.event === 'evaluation') return;
    // Chosen on the validation images; where there are none, nothing is chosen, and the last epoch is what is kept.
    // `best` comes first: a crash between the two leaves `last` older, and resuming writes both again.
    if (event.validationAccuracy !== undefined && event.validationAccuracy > this.#best) {
      await this.save('best');
      this.#best = event.validationAccuracy;
    }
    await this.save('last');
  }

  async save(kind: CheckpointKind): Promise<void> {
    const state = await this.#trainer.state();
    const path = await this.#folder.save(kind, { config: this.#config, state });
    const { step } = state.progress;
    if (kind === 'last') {
      this.#saved = performance.now();
      this.#savedStep = step;
    }
    this.#reporter.report({ event: 'checkpoint', kind, path, step });
  }

  /** The last good checkpoint, in words. */
  get lastSaved(): string {
    return `${this.#folder.file('last')}, of step ${this.#savedStep}`;
  }
}
