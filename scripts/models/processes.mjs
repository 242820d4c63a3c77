/** Processes that are given a time, and end with the one that started them. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { clearTimeout, setTimeout } from 'node:timers';

const running = new Set();

/** Seconds that a process has for its beginning: importing TensorFlow from a disk takes long. */
const START = 600;

/** Ends all of them. */
export function endAll() {
  for (const child of running) child.kill('SIGKILL');
}

function start(command, parameters, stdio) {
  const child = spawn(command, parameters, { stdio });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Waits for a promise as long as it may take, and ends the process that it waits for after that. */
async function within(seconds, child, promise) {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, seconds * 1000);
  try {
    return await promise;
  } catch (error) {
    throw late ? new Error(`took longer than ${seconds} s`) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** The last line that a process prints; what it complains of last is the error. */
export async function lastLineOf(command, parameters, seconds) {
  const child = start(command, parameters, ['ignore', 'pipe', 'pipe']);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name]
      .setEncoding('utf8')
      .on('data', (chunk) => (text[name] = (text[name] + chunk).slice(-100_000)));
  const last = (lines) => lines.trim().split('\n').at(-1);
  const end = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      if (status === 0) resolve(last(text.stdout));
      else reject(new Error(last(text.stderr) || `ended by ${signal ?? `status ${status}`}`));
    });
  });
  return within(seconds, child, end);
}

/** The same, where that line is JSON. */
export const answerOf = async (...process) => JSON.parse(await lastLineOf(...process));

/** A process that answers each line it is sent by one that begins with `> `. */
export class Conversation {
  #command;
  #child;
  #lines;

  constructor(command, parameters) {
    this.#command = [command, parameters];
  }

  /** What it says first; begins it, where it is not running. */
  async greeting() {
    if (this.#child) return;
    this.#child = start(...this.#command, ['pipe', 'pipe', 'inherit']);
    // Its end is seen by the end of its lines.
    this.#child.on('error', () => {});
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    return this.#next(START);
  }

  /** The answer to a line. What takes longer is an error, and the next question is for a new process. */
  async ask(line, seconds) {
    await this.greeting();
    this.#child.stdin.write(`${line}\n`);
    return this.#next(seconds);
  }

  end() {
    this.#child?.stdin.end();
    this.#child = undefined;
  }

  async #next(seconds) {
    const child = this.#child;
    const read = async () => {
      for (;;) {
        const { done, value } = await this.#lines.next();
        if (done) throw new Error(`${this.#command[1][0].split('/').at(-1)} ended without an answer`);
        if (value.startsWith('> ')) return JSON.parse(value.slice(2));
      }
    };
    try {
      return await within(seconds, child, read());
    } catch (error) {
      this.#child = undefined;
      throw error;
    }
  }
}
