/** The side of the protocol that measures: a program as a child process. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { End, Ready, Times, Turn } from './protocol.js';

/** A program that ended, or stayed silent, when it should have answered; the message has its last words. */
export class ContenderError extends Error {
  override name = 'ContenderError';
}

export interface Command {
  readonly program: string;
  readonly parameters: readonly string[];
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class Contender {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<string>;
  #errors = '';

  constructor({ program, parameters, environment }: Command) {
    this.#child = spawn(program, parameters, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    // A program that has died shows when its answer is read.
    this.#child.stdin.on('error', () => undefined);
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        resolve(`cannot be started: ${error.message}`);
      });
      this.#child.once('close', (code, signal) => {
        resolve(`ended with ${signal ?? `exit code ${code}`}`);
      });
    });
  }

  /** Waits until the program has made its first step. */
  ready(timeout: number): Promise<Ready> {
    return this.#read(timeout) as Promise<Ready>;
  }

  async turn(turn: Turn, timeout: number): Promise<readonly number[]> {
    this.#child.stdin.write(`${JSON.stringify(turn)}\n`);
    return ((await this.#read(timeout)) as Times).milliseconds;
  }

  /** Ends the program. */
  async end(timeout: number): Promise<End> {
    this.#child.stdin.end();
    const end = (await this.#read(timeout)) as End;
    await this.#exited;
    return end;
  }

  /** Ends the program at once; for one that has ended already, nothing happens. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #read(timeout: number): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<'silence'>((resolve) => {
      timer = setTimeout(resolve, timeout, 'silence');
    });
    const answer = await Promise.race([this.#lines.next(), silence]);
    clearTimeout(timer);
    if (answer === 'silence') throw new ContenderError(`no answer within ${timeout / 1000} s`);
    if (answer.done !== true) return JSON.parse(answer.value);
    const reason = await this.#exited;
    throw new ContenderError(`${reason}${lastWords(this.#errors)}`);
  }
}

/** The line of an error report that says what went wrong: the message of Node and of Python alike. */
function lastWords(errors: string): string {
  const lines = errors.split('\n').filter((line) => line.trim() !== '');
  const message = lines.findLast((line) => /^\w*(Error|Exception)\b/.test(line)) ?? lines.at(-1);
  return message === undefined ? '' : `: ${message}`;
}
