/** One input for one parser: how it is made from a seed and a number, and what comes of it. */
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Random } from '../random/random.js';
import type { FuzzedParser } from './parser.js';

/** No message is longer: files must not be echoed. */
const LONGEST_MESSAGE = 2000;

/** What an input may cost. */
export interface Limits {
  /** Processor seconds, of all threads. */
  readonly seconds: number;
  /** By how much the peak of the process's memory, or that of its buffers, may grow, in MB. */
  readonly megabytes: number;
}

export interface Attempt {
  readonly outcome: 'accepted' | 'refused' | 'failed';
  /** Why it failed. */
  readonly reason?: string;
  readonly seconds: number;
  readonly megabytes: number;
}

/** A folder for files that are soon written over: in memory, where the system has a place for that. */
export function scratchFolder(): string {
  const memory = '/dev/shm';
  return mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'tract-fuzz-'));
}

/** The valid inputs of a parser. */
export async function seedsOf(parser: FuzzedParser): Promise<readonly Uint8Array[]> {
  // Plain arrays: a slice of a Buffer of Node is a view, and a change of it would change the seed.
  return (await parser.seeds()).map((seed) => new Uint8Array(seed));
}

/** The input of a number: the same seed gives the same input, whatever was tried before. */
export function inputOf(
  parser: FuzzedParser,
  seeds: readonly Uint8Array[],
  seed: number,
  index: number,
): Uint8Array {
  const random = Random.fromSeed(seed, `${parser.name}/${index}`);
  return parser.mutate(seeds[random.integer(seeds.length)], random, seeds);
}

/** Processor seconds and megabytes until now. Not `process.cpuUsage`, which is ten times as slow. */
function usage(): { readonly seconds: number; readonly peak: number; readonly buffers: number } {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    seconds: (userCPUTime + systemCPUTime) / 1e6,
    peak: (maxRSS * 1024) / 1e6,
    buffers: process.memoryUsage().arrayBuffers / 1e6,
  };
}

/** Lets the parser read an input. */
export async function attempt(
  parser: FuzzedParser,
  input: Uint8Array,
  folder: string,
  limits: Limits,
): Promise<Attempt> {
  const before = usage();
  let outcome: Attempt['outcome'] = 'accepted';
  let reason: string | undefined;
  try {
    await parser.read(input, folder);
  } catch (error) {
    outcome = 'refused';
    if (!parser.documented(error)) {
      reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (error instanceof Error && error.cause instanceof Error)
        reason += `\nbecause of ${error.cause.stack}`;
    } else if ((error as Error).message.length > LONGEST_MESSAGE)
      reason = `a message of ${(error as Error).message.length} characters: ${(error as Error).message.slice(0, 100)}…`;
  }
  const after = usage();
  const seconds = after.seconds - before.seconds;
  // A buffer that is not written to is none of the process's memory yet.
  const megabytes = Math.max(after.peak - before.peak, after.buffers - before.buffers);
  if (seconds > limits.seconds) reason ??= `it took ${seconds.toFixed(1)} s`;
  if (megabytes > limits.megabytes) reason ??= `it took ${megabytes.toFixed()} MB`;
  return {
    outcome: reason === undefined ? outcome : 'failed',
    ...(reason !== undefined && { reason }),
    seconds,
    megabytes,
  };
}
