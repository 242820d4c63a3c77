/** One process of the command, killed at a given moment. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../random/random.js';
import type { Scenario } from './scenarios.js';

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

export const signals = ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGINT twice'] as const;

export interface Kill {
  readonly signal: (typeof signals)[number];
  /** What is waited for on stdout before the delay begins; absent: from the start of the process. */
  readonly after?: { readonly line: string; readonly times: number };
  readonly milliseconds: number;
}

/** A write takes a few milliseconds, a disk that is busy a few dozen. */
const WRITE = 40;

/**
 * Chooses how to kill: half of the time at any moment of a run, and half shortly after a line that is followed by writes.
 *
 * @param duration milliseconds that an uninterrupted run takes
 */
export function drawKill(random: Random, { writes }: Scenario, duration: number): Kill {
  const signal = signals[random.integer(signals.length)];
  if (random.integer(2) === 0) return { signal, milliseconds: random.uniform(0, duration) };
  const { line, times } = writes[random.integer(writes.length)];
  const after = { line, times: 1 + random.integer(times) };
  return { signal, after, milliseconds: random.uniform(0, WRITE) };
}

export function describeKill({ signal, after, milliseconds }: Kill): string {
  const from = after ? ` after line ${after.times} of ${after.line}` : '';
  return `${signal} ${milliseconds.toFixed(1)} ms${from}`;
}

export interface Outcome {
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it was still there to be killed. */
  readonly killed: boolean;
}

/** Runs the command to its end, or until it is killed. */
export function runCommand(parameters: readonly string[], kill?: Kill): Promise<Outcome> {
  const child = spawn(process.execPath, [main, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, killed] = ['', '', false];
  const timers: NodeJS.Timeout[] = [];
  const later = (milliseconds: number, signal: NodeJS.Signals): void => {
    timers.push(
      setTimeout(() => {
        killed = child.kill(signal) || killed;
      }, milliseconds),
    );
  };
  const aim = (): void => {
    if (!kill || timers.length > 0) return;
    if (kill.after && stdout.split(kill.after.line).length <= kill.after.times) return;
    const [signal, twice] =
      kill.signal === 'SIGINT twice' ? (['SIGINT', true] as const) : [kill.signal, false];
    later(kill.milliseconds, signal);
    // Soon enough to hit what the first one has begun: the end of the step, and saving.
    if (twice) later(kill.milliseconds + WRITE, signal);
  };
  aim();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    aim();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ code: code ?? signal, stdout, stderr, killed });
    });
  });
}

/** How a process may end that was sent a signal: by itself in good order, or at once. */
const expected: Readonly<Record<Kill['signal'], readonly Outcome['code'][]>> = {
  SIGKILL: ['SIGKILL'],
  SIGINT: [130, 'SIGINT'],
  SIGTERM: [143, 'SIGTERM'],
  'SIGINT twice': [130, 'SIGINT'],
};

/** What is wrong with how a process ended; undefined if nothing is. */
export function complaint({ code, stderr, killed }: Outcome, kill: Kill | undefined): string | undefined {
  const right = code === 0 || (killed && kill && expected[kill.signal].includes(code));
  if (right && !/^\s+at .*\.js/m.test(stderr)) return undefined;
  return `it ended with ${code ?? 'nothing'}, and said: ${stderr.trim() || 'nothing'}`;
}
