/** Who may use the state of a trainer, and when. */

/** What was asked of a trainer while it was occupied by something else; the message says by what. */
export class BusyError extends Error {
  override name = 'BusyError';
}

/**
 * Keeps those apart that use a state over several turns of the event loop. A run changes the state all the time:
 * nobody else may change it until the run is over, and others may read it only while the run waits for whoever gets its
 * events. Looking at the weights at one moment needs no lock.
 */
export class StateLock {
  #running = false;
  /** Whether the run waits for whoever got its last event. */
  #waiting = false;
  readonly #readers = new Set<Promise<unknown>>();

  /** Begins a run, after those who read have finished. @throws BusyError when there is one already */
  async begin(): Promise<void> {
    if (this.#running) {
      throw new BusyError('this trainer is training already; wait for that to end, or make another trainer');
    }
    this.#running = true;
    await this.#readersGone();
  }

  end(): void {
    this.#running = false;
    this.#waiting = false;
  }

  /** The run hands out an event. */
  wait(): void {
    this.#waiting = true;
  }

  /** The run goes on, after those who began to read in the meantime have finished. */
  async goOn(): Promise<void> {
    await this.#readersGone();
    this.#waiting = false;
  }

  /**
   * Runs what reads the state for a while.
   *
   * @param what it is, for the message
   * @throws BusyError during a run, unless that waits for a handler
   */
  async read<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (this.#running && !this.#waiting) {
      throw new BusyError(
        `${what} needs weights that stay as they are, and this trainer is training; wait for that to end, or call it while an event is handled`,
      );
    }
    const reading = run();
    this.#readers.add(reading);
    try {
      return await reading;
    } finally {
      this.#readers.delete(reading);
    }
  }

  /** Makes sure that the state may be replaced. @throws BusyError while it is in use */
  checkFree(what: string): void {
    if (!this.#running && this.#readers.size === 0) return;
    throw new BusyError(
      `${what} replaces the weights, and this trainer is ${this.#running ? 'training' : 'evaluating'}; wait for that to end`,
    );
  }

  async #readersGone(): Promise<void> {
    // Their failures are for those who asked.
    while (this.#readers.size > 0) await Promise.allSettled(this.#readers);
  }
}
