/** Runs the real command, `node dist/cli/main.js`, as tests see it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));

export interface Outcome {
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Sent when the output on stdout contains the text. */
  readonly interrupt?: { readonly signal: NodeJS.Signals; readonly at: string };
  /** Closes stdout once it contains the text. */
  readonly closeAt?: string;
  readonly cwd?: string;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether runs write what is for people, too. Default false: it takes a second. */
  readonly report?: boolean;
}

export function tract(parameters: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const { interrupt, closeAt, cwd, environment, report = false } = options;
  const given = parameters[0] === 'train' && !report ? [...parameters, '--no-report'] : parameters;
  const child = spawn(process.execPath, [main, ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
    ...(environment && { env: { ...process.env, ...environment } }),
  });
  let interrupted = false;
  return outcomeOf(child, (stdout) => {
    if (interrupt && !interrupted && stdout.includes(interrupt.at)) {
      interrupted = true;
      child.kill(interrupt.signal);
    }
    if (closeAt !== undefined && stdout.includes(closeAt)) child.stdout.destroy();
  });
}

/** What a process prints and ends with. @param onOutput gets all of stdout so far, whenever there is more */
export function outcomeOf(
  child: ChildProcessByStdio<null, Readable, Readable>,
  onOutput: (stdout: string) => void = () => undefined,
): Promise<Outcome> {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onOutput(stdout);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code: code ?? signal, stdout, stderr });
    });
  });
}

/** The lines of a JSON stream. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A folder for one test file, removed when its tests are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tract-ts-'));
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
