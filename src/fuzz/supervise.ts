/** Watches over the process that reads inputs: it may die of one, or never come back. */
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Result, Work } from './work.js';

/** The heap of the process; what needs more ends it. */
const HEAP_MEGABYTES = 512;
/** An input that has not ended after so many seconds on the clock, whatever else the machine does, never will. */
const PATIENCE = 120;
const PROGRESS_SECONDS = 30;

/** The number of the input that the process is at, or undefined before the first. */
function positionIn(file: string): number | undefined {
  const bytes = readFileSync(file);
  return bytes.length === 8 ? Number(bytes.readBigInt64LE()) : undefined;
}

/**
 * Starts a process and waits for its end.
 *
 * @param script what it runs; gets the work as JSON, and sends its result
 * @param onProgress called now and then with the number of inputs that were read
 * @param patience seconds after which an input that has not ended has failed
 */
export function supervise(
  script: string,
  work: Work,
  onProgress: (done: number) => void,
  patience = PATIENCE,
): Promise<Result> {
  const { start, position } = work;
  writeFileSync(position, '');
  const child = fork(script, [JSON.stringify(work)], {
    execArgv: ['--enable-source-maps', `--max-old-space-size=${HEAP_MEGABYTES}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  // A process that runs out of memory says so at length.
  let words = '';
  child.stderr!.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-2000)));
  return new Promise((resolve) => {
    let result: Result | undefined;
    let at: number | undefined;
    let [since, shown] = [performance.now(), performance.now()];
    let stuck = false;
    const watch = setInterval(() => {
      const now = positionIn(position);
      if (now !== at) [at, since] = [now, performance.now()];
      else if (performance.now() - since > patience * 1000) {
        stuck = true;
        child.kill('SIGKILL');
      }
      if (performance.now() - shown > PROGRESS_SECONDS * 1000) {
        shown = performance.now();
        onProgress(at === undefined ? 0 : at - start);
      }
    }, 200);
    child.on('message', (message) => (result = message as Result));
    // Not 'exit': what it said on stderr may still be on its way.
    child.on('close', (code, signal) => {
      clearInterval(watch);
      const index = positionIn(position) ?? start;
      const reason = stuck
        ? `it did not end within ${patience} s`
        : `the process ended with ${signal ?? `code ${code}`}\n${words}`;
      resolve(
        result ?? {
          accepted: 0,
          refused: 0,
          slowest: [0, index],
          largest: [0, index],
          failure: { index, reason },
        },
      );
    });
  });
}
