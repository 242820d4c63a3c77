/** What `tract train` tells while it runs: JSON lines, or text with a progress bar. */
import type { TrainingEvent } from '../train/events.js';
import type { RunConfig } from '../train/run-config.js';
import type { SavedCheckpoint } from '../train/callbacks/checkpoint-keeper.js';
import { note, printJson } from './terminal.js';

export interface StartEvent {
  readonly event: 'start';
  readonly version: string;
  /** The run's folder. */
  readonly out: string;
  readonly resumed: boolean;
  readonly config: RunConfig;
  /** Trained parameters of the model. */
  readonly parameters: number;
  readonly stepsPerEpoch: number;
  /** Of the whole run. */
  readonly steps: number;
  /** Where it starts: 0, or what the resumed checkpoint has done. */
  readonly step: number;
  /** Steps of the epoch that it starts in, if that had begun. */
  readonly stepInEpoch: number;
  /** Processes that train together; absent where it is one. */
  readonly ranks?: number;
}

export interface CheckpointEvent extends SavedCheckpoint {
  readonly event: 'checkpoint';
}

export interface EndEvent {
  readonly event: 'end';
  readonly interrupted: boolean;
  readonly out: string;
  readonly step: number;
  readonly epochs: number;
  /** Of the last epoch that this process completed, where there are validation images. */
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  /** The highest validation accuracy, and its epoch; absent before the first is complete, and without such images. */
  readonly bestAccuracy?: number;
  readonly bestEpoch?: number;
  /**
   * Without validation images of the last epoch that this process completed. With them of the best epoch, and only
   * when the run is over.
   */
  readonly testLoss?: number;
  readonly testAccuracy?: number;
  /** The page about the run, where one was made. */
  readonly report?: string;
  /** Time this process took for it. */
  readonly seconds: number;
}

export type RunEvent = StartEvent | TrainingEvent | CheckpointEvent | EndEvent;

export interface Reporter {
  report(event: RunEvent): void;
  /** Lines for the user that are no event, on stderr. */
  note(...lines: readonly string[]): void;
  /** Leaves the terminal in order, whatever happened. */
  close(): void;
}

/** Every event as a line of JSON on stdout. */
export function jsonReporter(): Reporter {
  return {
    report(event) {
      printJson(event);
    },
    note(...lines) {
      note(...lines);
    },
    close() {
      // Nothing is open.
    },
  };
}
