/** Progress on stderr: a bar on a terminal, elsewhere a line every ten seconds. */
import { SingleBar } from 'cli-progress';
import { note, visible } from './terminal.js';

/** What is shown around the bar. */
interface Texts {
  readonly epoch: string;
  readonly figures: string;
}

const LINE_EVERY = 10_000;

export class ProgressLine {
  #bar: SingleBar | undefined;
  #printed = performance.now();

  /** Shows `done` of `total` steps. */
  update(done: number, total: number, { epoch, figures }: Texts): void {
    if (!process.stderr.isTTY) {
      const now = performance.now();
      if (now - this.#printed < LINE_EVERY) return;
      this.#printed = now;
      note(`${epoch}  step ${done}/${total}  ${figures}`);
      return;
    }
    const texts = { epoch: visible(epoch), figures: visible(figures) };
    if (!this.#bar) {
      this.#bar = new SingleBar({
        format: '{epoch} {bar} {percentage}%  {figures}',
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 10,
        stream: process.stderr,
        clearOnComplete: true,
        // Signals are handled in one place, not here.
        gracefulExit: false,
        hideCursor: null,
      });
      this.#bar.start(total, done, texts);
    }
    this.#bar.update(done, texts);
  }

  /** Takes the bar away, so that a line can be printed; the next update brings it back. */
  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#printed = performance.now();
  }
}
