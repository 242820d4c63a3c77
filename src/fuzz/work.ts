/**
 * The process that reads inputs: what ends a process, or keeps it forever, ends or keeps this one. It notes the number
 * of the input it is at in a file, where its parent finds it afterwards.
 */
import { openSync, rmSync, writeSync } from 'node:fs';
import process from 'node:process';
import { type Limits, attempt, inputOf, scratchFolder, seedsOf } from './attempt.js';
import { parsers } from './parsers.js';

/** What the parent asks for, as JSON on the command line. */
export interface Work {
  readonly parser: string;
  readonly seed: number;
  /** The first input's number. */
  readonly start: number;
  readonly count: number;
  readonly limits: Limits;
  /** The file that the number of the present input is written to, as 8 bytes. */
  readonly position: string;
}

/** What the parent is told at the end. */
export interface Result {
  readonly accepted: number;
  readonly refused: number;
  /** Processor seconds of the input that took longest, and its number. */
  readonly slowest: readonly [seconds: number, index: number];
  /** By how much the greatest input let the peak of memory grow, in MB, and its number. */
  readonly largest: readonly [megabytes: number, index: number];
  /** The input that failed, after which nothing was tried. */
  readonly failure?: { readonly index: number; readonly reason: string };
}

async function work({ parser: name, seed, start, count, limits, position }: Work): Promise<Result> {
  const parser = parsers.find((candidate) => candidate.name === name)!;
  const seeds = await seedsOf(parser);
  const folder = scratchFolder();
  const file = openSync(position, 'w');
  const number = new BigInt64Array(1);
  let [accepted, refused] = [0, 0];
  let slowest: [number, number] = [0, start];
  let largest: [number, number] = [0, start];
  try {
    // What is loaded and compiled at the first use is no cost of the first input.
    for (const seedInput of seeds) await parser.read(seedInput, folder);
    for (let index = start; index < start + count; index++) {
      number[0] = BigInt(index);
      writeSync(file, number, 0, 8, 0);
      const { outcome, reason, seconds, megabytes } = await attempt(
        parser,
        inputOf(parser, seeds, seed, index),
        folder,
        limits,
      );
      if (seconds > slowest[0]) slowest = [seconds, index];
      if (megabytes > largest[0]) largest = [megabytes, index];
      if (reason !== undefined) return { accepted, refused, slowest, largest, failure: { index, reason } };
      if (outcome === 'accepted') accepted++;
      else refused++;
    }
    return { accepted, refused, slowest, largest };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.send!(await work(JSON.parse(process.argv[2]) as Work));
process.disconnect();
