/** The flags of the bench. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type BenchCase, browserCases, caseNamed, cases } from './cases.js';

export interface BenchOptions {
  readonly cases: readonly BenchCase[];
  readonly steps: number;
  readonly threads?: number;
  readonly profile?: true;
  readonly peers?: true;
  readonly browser?: true;
  readonly lowering?: true;
  readonly json?: true;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Give a whole number from 1.');
  return value;
}

function caseList(text: string): BenchCase[] {
  try {
    return text.split(',').map((name) => caseNamed(name.trim()));
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

const all = [...cases, ...browserCases];
const width = Math.max(...all.map(({ name }) => name.length));
const caseHelp = all.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`).join('\n');

/**
 * @param parameters what stands on the command line behind the program
 * @throws CommanderError after the help, or after a mistake, has been printed
 */
export function parseOptions(parameters: readonly string[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description(
      'Measures the training step: its time without and with TrAct, how much of the speed of a 2048³ matrix product it reaches, the time until the first step, and memory.',
    )
    .addOption(
      new Option('--cases <names>', 'cases to measure, separated by commas')
        .default(undefined, 'all; with --browser the last two')
        .argParser(caseList),
    )
    .option('--steps <count>', 'timed steps of each program in each case', positiveInteger, 30)
    .option('--threads <count>', 'threads of one operator (default: one a core)', positiveInteger)
    .option('--profile', 'instead of comparing, break a step down by operator and by layer')
    .option('--peers', 'measure the same step in PyTorch, TensorFlow.js and jax-js too, where installed')
    .option(
      '--browser',
      'measure the step in pages of a browser: tract-ts, TensorFlow.js and jax-js, where installed',
    )
    .option(
      '--lowering',
      'with --browser: tract-ts alone, by plain operators and by its lowering for WebAssembly',
    )
    .option('--json', 'write the measurements as JSON')
    .addHelpText(
      'after',
      `
Cases (the number at the end is the batch size):
${caseHelp}

Every program is a process of its own. They take turns of three steps after an untimed one, so that
whatever slows the machine down slows all of them; times are medians. Other libraries are measured
alone, too, and the better of the two counts. GFLOP/s count the multiply-adds of convolutions, linear
layers and matrix products in the forward pass, times two operations, times three for training.
docs/performance.md explains the figures.

Examples:
  npm run bench
  npm run bench -- --cases resnet18-128,vit192-128 --steps 60
  npm run bench -- --profile --cases resnet18-128
  npm run bench -- --peers
  npm run bench -- --browser --steps 9
  npm run bench -- --browser --lowering --steps 9`,
    )
    .exitOverride();
  const found = command.parse([...parameters], { from: 'user' }).opts<Partial<BenchOptions>>();
  return { cases: found.browser ? browserCases : cases, ...found } as BenchOptions;
}
