/** What is interrupted: small runs of the real command, and what they leave that has to be the same every time. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Results } from '../../compare/results.js';

export interface Scenario {
  readonly name: string;
  /** The command that is to end in the folder `out`, wherever it stands. */
  parameters(out: string): readonly string[];
  /** Lines on stdout after which files are written, as the beginnings of JSON, and how many a process prints. */
  readonly writes: readonly { readonly line: string; readonly times: number }[];
  /** What is compared of each file, by its path in the folder; of some that is only that they are there. */
  findings(out: string): Map<string, string>;
}

const data = ['--limit-train', '80', '--limit-test', '32', '--batch-size', '16', '--threads', '1', '--json'];

/** `tract train`; it is resumed as soon as there is something to resume. */
export function training(name: string, flags: readonly string[]): Scenario {
  return {
    name: `train ${name}`,
    parameters: (out) =>
      existsSync(join(out, 'last.safetensors'))
        ? ['train', '--resume', out, '--threads', '1', '--json', '--no-report']
        : ['train', ...flags, ...data, '--out', out, '--no-report'],
    writes: [
      { line: '{"event":"start"', times: 1 },
      { line: '{"event":"epoch"', times: 3 },
    ],
    findings,
  };
}

/** Checkpoints of half a megabyte, and steps that take a while. */
export const smallNetwork = training('resnet18', [
  ...['--model', 'resnet18', '--width', '4', '--tract', '--epochs', '6'],
]);

/** Checkpoints of ten megabytes, and steps that take no time: most kills hit a file that is being written. */
export const largeCheckpoint = training('mlp', [
  ...['--model', 'mlp', '--width', '256', '--optimizer', 'adam', '--epochs', '12'],
]);

/** The same command goes on. */
export const comparison: Scenario = {
  name: 'compare',
  parameters: (out) => [
    ...['compare', '--model', 'mlp', '--width', '32', '--epochs', '3', '--seeds', '0,1'],
    ...[...data, '--out', out],
  ],
  writes: [
    { line: '{"event":"run"', times: 4 },
    { line: '{"event":"timing"', times: 1 },
  ],
  findings,
};

export const scenarios = [smallNetwork, largeCheckpoint, comparison] as const;

function findings(out: string): Map<string, string> {
  const files = readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return new Map(
    files.map((path) => [path.slice(out.length + 1).replaceAll(sep, '/'), finding(readFileSync(path), path)]),
  );
}

/** A file's bytes as a hash, or what of it does not depend on times. */
function finding(bytes: Buffer, path: string): string {
  if (/\.safetensors$|config\.json$/.test(path)) return createHash('sha256').update(bytes).digest('hex');
  const text = bytes.toString();
  if (path.endsWith('metrics.jsonl')) {
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.stringify(timeless(JSON.parse(line))))
      .join('\n');
  }
  if (path.endsWith('result.json')) return JSON.stringify(timeless(JSON.parse(text)));
  if (path.endsWith('results.json')) {
    const { variants } = JSON.parse(text) as Results;
    return JSON.stringify(timeless(variants.map(({ id, curve, runs }) => ({ id, curve, runs }))));
  }
  // The report and its plots say how long steps took.
  return 'there';
}

/** The value without the figures that measure time. */
function timeless(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (/second/i.test(key) ? undefined : inner)),
  );
}
