/** Progress on stderr: a bar on a terminal, elsewhere a line every ten seconds. */
import { SingleBar } from 'cli-progress';
import { widthOf } from './layout.js';
import { note } from './terminal.js';
import { visible } from './visible.js';

/** What is shown around the bar. */
interface Texts {
  readonly epoch: string;
  /** In their order; where the terminal is too narrow for all of them the last stays the longest, then the first. */
  readonly figures: readonly string[];
}

const LINE_EVERY = 10_000;
const BAR = 10;
const GAP = '  ';

export class ProgressLine {
  #bar: SingleBar | undefined;
  #printed = performance.now();

  /** Shows `done` of `total` steps. */
  update(done: number, total: number, { epoch, figures }: Texts): void {
    if (!process.stderr.isTTY) {
      const now = performance.now();
      if (now - this.#printed < LINE_EVERY) return;
      this.#printed = now;
      note([epoch, `step ${done}/${total}`, ...figures].join(GAP));
      return;
    }
    const texts = { epoch: visible(epoch), figures: figures.map((figure) => visible(figure)) };
    if (!this.#bar) {
      this.#bar = new SingleBar({
        format: '{line}',
        stream: process.stderr,
        clearOnComplete: true,
        // Signals are handled in one place, not here.
        gracefulExit: false,
        hideCursor: null,
      });
      this.#bar.start(total, done, { line: '' });
    }
    this.#bar.update(done, { line: progressText(done / total, texts, widthOf(process.stderr)) });
  }

  /** Takes the bar away, so that a line can be printed; the next update brings it back. */
  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#printed = performance.now();
  }
}

const bar = (progress: number): string => {
  const complete = Math.round(BAR * Math.min(Math.max(progress, 0), 1));
  return '█'.repeat(complete) + '░'.repeat(BAR - complete);
};

/**
 * A line that fits: what does not is left out as a whole, since half a number is another number.
 *
 * @param progress 0 to 1
 * @param width columns of the terminal
 */
export function progressText(progress: number, { epoch, figures }: Texts, width: number): string {
  const percentage = `${Math.floor(100 * progress)} %`;
  const line = (shown: readonly string[], withBar: boolean): string =>
    [[epoch, ...(withBar ? [bar(progress)] : []), percentage].join(' '), ...shown].join(GAP);
  const kept = [...figures];
  while (kept.length > 1 && line(kept, false).length > width) kept.splice(Math.max(kept.length - 2, 0), 1);
  const candidates = [line(kept, true), line(kept, false), [epoch, ...kept].join(GAP), epoch];
  return candidates.find((text) => text.length <= width) ?? '';
}
