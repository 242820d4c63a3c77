/** `npm run fuzz`: gives changed files to everything that reads files, and says what came of it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, Option } from 'commander';
import { oneOf, whole } from '../cli/values.js';
import { inputOf, scratchFolder, seedsOf } from './attempt.js';
import { parsers } from './parsers.js';
import { supervise } from './supervise.js';
import type { Result, Work } from './work.js';

interface Options {
  readonly count: number;
  readonly seed: number;
  readonly parser?: string;
  readonly index?: number;
  readonly seconds: number;
  readonly megabytes: number;
  readonly out: string;
}

function parseOptions(parameters: readonly string[]): Options {
  const names = parsers.map(({ name }) => name);
  const command = new Command('npm run fuzz --')
    .description(
      `Reads changed copies of valid files. Only documented errors may come out, within limits on time and memory; what fails is saved, and said how to repeat. Parsers: ${names.join(', ')}.`,
    )
    .addOption(new Option('--count <n>', 'inputs for each parser').argParser(whole(1)).default(10_000))
    .addOption(new Option('--seed <n>', 'another seed gives other inputs').argParser(whole(0)).default(0))
    .addOption(new Option('--parser <name>', 'this parser alone').argParser(oneOf(names)))
    .addOption(new Option('--index <n>', 'this input alone').argParser(whole(0)))
    .addOption(new Option('--seconds <n>', 'processor time of an input').argParser(whole(0)).default(5))
    .addOption(
      new Option('--megabytes <n>', 'by how much an input may let the peak of memory grow')
        .argParser(whole(1))
        .default(256),
    )
    .option('--out <folder>', 'where inputs that fail are saved', 'runs/fuzz')
    .exitOverride();
  return command.parse(parameters, { from: 'user' }).opts<Options>();
}

/** Lets another process read the inputs of a parser. */
function run(parser: string, options: Options, position: string): Promise<Result> {
  const { seed, count, index, seconds, megabytes } = options;
  const [start, total] = index === undefined ? [0, count] : [index, 1];
  const work: Work = { parser, seed, start, count: total, limits: { seconds, megabytes }, position };
  return supervise(fileURLToPath(new URL('work.js', import.meta.url)), work, (done) => {
    process.stderr.write(`${parser}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}\n`);
  });
}

/** Saves the input that failed, and says how to have it again. */
async function report(
  name: string,
  { index, reason }: NonNullable<Result['failure']>,
  { seed, out }: Options,
): Promise<void> {
  const parser = parsers.find((candidate) => candidate.name === name)!;
  mkdirSync(out, { recursive: true });
  const file = join(out, `${name}-${seed}-${index}`);
  writeFileSync(file, inputOf(parser, await seedsOf(parser), seed, index));
  console.log(`${name}: input ${index} of seed ${seed} failed: ${reason}
  saved as ${file}
  again: npm run fuzz -- --parser ${name} --seed ${seed} --index ${index}`);
}

async function main(options: Options): Promise<boolean> {
  const folder = scratchFolder();
  const count = (value: number): string => value.toLocaleString('en');
  let good = true;
  try {
    for (const { name } of parsers) {
      if (options.parser !== undefined && options.parser !== name) continue;
      const begin = performance.now();
      const result = await run(name, options, join(folder, 'position'));
      const { accepted, refused, slowest, largest, failure } = result;
      if (failure) {
        good = false;
        await report(name, failure, options);
        continue;
      }
      const seconds = ((performance.now() - begin) / 1000).toFixed();
      console.log(
        `${name}: ${count(accepted + refused)} inputs, ${count(accepted)} accepted, ${count(refused)} refused with documented errors; at most ${(slowest[0] * 1000).toFixed()} ms (input ${slowest[1]}) and ${largest[0].toFixed(1)} MB more (input ${largest[1]}); ${seconds} s`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return good;
}

try {
  if (!(await main(parseOptions(process.argv.slice(2))))) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
