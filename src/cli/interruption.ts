/** Ctrl-C and its like: the first lets a run end in good order, the second ends it at once. */
import { note } from './terminal.js';

/** Signals that end a run, and the exit codes that shells give them. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type EndingSignal = keyof typeof exitCodes;
const signals = Object.keys(exitCodes) as EndingSignal[];

/** As if by SIGPIPE: whoever read the output is gone. */
const CLOSED_OUTPUT = 141;

let active: Interruption | undefined;

/** Watches for signals from its making to `close`. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #handlers = new Map<EndingSignal, () => void>();
  /** Undefined until something interrupts. */
  exitCode: number | undefined;

  /** @param onInterrupt called at the first signal */
  constructor(onInterrupt: () => void) {
    for (const signal of signals) {
      const handler = (): void => {
        this.abort(exitCodes[signal]);
        onInterrupt();
      };
      this.#handlers.set(signal, handler);
      process.on(signal, handler);
    }
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the output is closed once for the whole process
    active = this;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(exitCode: number): void {
    this.exitCode ??= exitCode;
    // Without handlers a second signal ends the process at once, even in the middle of a step.
    this.#unwatch();
    this.#controller.abort();
  }

  close(): void {
    this.#unwatch();
    active = undefined;
  }

  #unwatch(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }
}

/** Lets a closed pipe (`tract … | head`) end the command like a signal would, instead of by an exception. */
export function watchOutput(): void {
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') {
      note(`error: the output cannot be written (${error.code ?? error.message})`);
      process.exit(1);
    }
    if (active) active.abort(CLOSED_OUTPUT);
    else process.exit(CLOSED_OUTPUT);
  };
  process.stdout.on('error', onError);
  process.stderr.on('error', onError);
}
