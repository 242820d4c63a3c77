/** How far a comparison is: steps over the whole matrix, and the time left. */

export interface MatrixProgress {
  /** Runs that are finished. */
  readonly runs: number;
  readonly totalRuns: number;
  /** Steps done over all runs, those of earlier invocations included. */
  readonly steps: number;
  readonly totalSteps: number;
  /** NaN before the first step of this invocation. */
  readonly secondsLeft: number;
}

/** Counts runs and steps; the time of evaluations, compilation and data is part of what a step takes. */
export class MatrixCounter {
  readonly #stepsPerRun: number;
  readonly #totalRuns: number;
  readonly #now: () => number;
  #runs = 0;
  #current = 0;
  /** Steps that this invocation made, and since when. */
  #made = 0;
  #started: number | undefined;

  /** @param now milliseconds; for tests */
  constructor(totalRuns: number, stepsPerRun: number, now = (): number => performance.now()) {
    this.#totalRuns = totalRuns;
    this.#stepsPerRun = stepsPerRun;
    this.#now = now;
  }

  /** A run begins, or goes on. */
  begin(): void {
    this.#started ??= this.#now();
  }

  /** A step was made; `step` is its number within the run, from 1. */
  step(step: number): void {
    this.#current = step;
    this.#made++;
  }

  /** A run is over, whether or not it was made now. */
  finish(): void {
    this.#runs++;
    this.#current = 0;
  }

  get progress(): MatrixProgress {
    const steps = this.#runs * this.#stepsPerRun + this.#current;
    const totalSteps = this.#totalRuns * this.#stepsPerRun;
    const seconds = this.#started === undefined ? NaN : (this.#now() - this.#started) / 1000;
    return {
      runs: this.#runs,
      totalRuns: this.#totalRuns,
      steps,
      totalSteps,
      secondsLeft: this.#made === 0 ? NaN : (seconds / this.#made) * (totalSteps - steps),
    };
  }
}
