/** Who may use the state of a trainer, and when. */

/** What was asked of a trainer while it was occupied by something else; the message says by what. */
export class BusyError extends Error {
  override name = 'BusyError';
}

/**
 * Keeps those apart that use a state over several turns of the event loop. A fit changes the state all the time:
 * nobody else may change it until the fit is over, and others may read it only while the fit waits for an event
 * handler of its own. Looking at the weights at one moment needs no lock.
 */
export class StateLock {
  #fitting = false;
  /** Whether the fit waits for a handler. */
  #handling = false;
  readonly #readers = new Set<Promise<unknown>>();

  /** Runs a fit, after those who read have finished. @throws BusyError when there is one already */
  async fit<T>(run: () => Promise<T>): Promise<T> {
    if (this.#fitting) {
      throw new BusyError(
        'this trainer is fitting already; wait for that fit to end, or make another trainer',
      );
    }
    this.#fitting = true;
    try {
      await this.#readersGone();
      return await run();
    } finally {
      this.#fitting = false;
    }
  }

  /** Calls an event handler of the fit, and waits for it and for whatever it began to read. */
  async handle(handler: () => void | Promise<void>): Promise<void> {
    this.#handling = true;
    try {
      await handler();
      await this.#readersGone();
    } finally {
      this.#handling = false;
    }
  }

  /**
   * Runs what reads the state for a while.
   *
   * @param what it is, for the message
   * @throws BusyError during a fit, unless that waits for a handler
   */
  async read<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (this.#fitting && !this.#handling) {
      throw new BusyError(
        `${what} needs weights that stay as they are, and this trainer is fitting; wait for the fit to end, or call it in onEvent`,
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
    if (!this.#fitting && this.#readers.size === 0) return;
    throw new BusyError(
      `${what} replaces the weights, and this trainer is ${this.#fitting ? 'fitting' : 'evaluating'}; wait for that to end`,
    );
  }

  async #readersGone(): Promise<void> {
    // Their failures are for those who asked.
    while (this.#readers.size > 0) await Promise.allSettled(this.#readers);
  }
}
