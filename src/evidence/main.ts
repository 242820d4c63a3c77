/** `npm run results`: the tables and plots of docs/results.md from the records in `evidence`, and the runs that they lack. */
import { Command } from 'commander';
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { watchOutput } from '../cli/interruption.js';
import { standaloneSvg } from '../compare/chart.js';
import { writeAtomically } from '../data/atomic-write.js';
import { budgetChart } from './budget.js';
import { block, blocksOf, filled } from './document.js';
import { type Experiment, budgets, experimentNamed, experiments, experimentsOf } from './experiments.js';
import { keep, keptResults, layOut, readKept } from './kept.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const evidence = join(root, 'evidence');
const docs = join(root, 'docs');
const tract = join(root, 'dist/cli/main.js');

interface Flags {
  readonly list?: true;
  readonly run?: true;
  readonly dataDir?: string;
  readonly threads?: string;
  readonly out: string;
}

const command = new Command('npm run results --')
  .description(
    'Makes the tables and plots of docs/results.md anew from the records in evidence/. With --run it first makes the runs that are missing there, and keeps their records.',
  )
  .argument('[names...]', 'experiments, with --run and --list (default: all, in the order of the list)')
  .option('--list', 'only say which experiments there are, and how many of their seeds are finished')
  .option('--run', 'make what is missing; an interrupted run goes on where it was')
  .option('--data-dir <folder>', 'with --run: folder with the files of CIFAR (default: they are downloaded)')
  .option(
    '--threads <count>',
    'with --run: threads of an operator (default: those of the tables: 1, of recipe-speed 2)',
  )
  .option('--out <folder>', 'with --run: where comparisons are made', join('runs', 'evidence'))
  .addHelpText(
    'after',
    `
Examples:
  npm run results
  npm run results -- --list
  npm run results -- --run budget-sgd-25 vit-20 --data-dir ../data`,
  );

watchOutput();
command.parse();
const flags = command.opts<Flags>();
const named = command.args.length > 0 ? command.args.map(knownExperiment) : experiments;
if (flags.list) await list(named);
else {
  if (flags.run) for (const experiment of named) await run(experiment, flags);
  await rebuild();
}

function knownExperiment(name: string): Experiment {
  try {
    return experimentNamed(name);
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`, { exitCode: 2 });
  }
}

async function list(of: readonly Experiment[]): Promise<void> {
  for (const { name, seeds, parameters } of of) {
    const finished = (await keptResults(evidence, name))?.setup.seeds.length ?? 0;
    console.log(`${name.padEnd(22)} ${finished} of ${seeds.length} seeds   ${parameters.join(' ')}`);
  }
}

/** Seed by seed, so that there is something to keep after each. */
async function run(experiment: Experiment, flags: Flags): Promise<void> {
  const { dataDir, out } = flags;
  const { name, parameters, seeds, pretraining } = experiment;
  const threads = flags.threads ?? String(experiment.threads ?? 1);
  const folder = join(out, name);
  await layOut(evidence, name, folder);
  const finished = (await keptResults(evidence, name))?.setup.seeds ?? [];
  // The command itself ends at Ctrl-C, after saving; this process then follows it.
  const wait = (): void => undefined;
  process.on('SIGINT', wait);
  const model = pretraining
    ? ['--model', pretrained(join(out, `${name}-pretrained`), pretraining, threads)]
    : [];
  for (const [i, seed] of seeds.entries()) {
    if (finished.includes(seed)) continue;
    const asked = ['--seeds', seeds.slice(0, i + 1).join(','), '--threads', threads, '--out', folder];
    const data = dataDir === undefined ? [] : ['--data-dir', dataDir];
    call('compare', [...parameters, ...model, ...data, ...asked]);
    await keep(folder, evidence, name);
  }
  process.off('SIGINT', wait);
}

/** The file of a model that is trained first; one that is there is taken. */
function pretrained(folder: string, parameters: readonly string[], threads: string): string {
  const file = join(folder, 'model.onnx');
  if (existsSync(file)) return file;
  rmSync(folder, { recursive: true, force: true });
  call('train', [...parameters, '--threads', threads, '--no-report', '--out', folder]);
  call('export', [folder, '--out', file]);
  return file;
}

/** Runs a command of `tract`; where it fails, so does this process. */
function call(name: string, parameters: readonly string[]): void {
  console.log(`\n> tract ${[name, ...parameters].join(' ')}`);
  const { status } = spawnSync(process.execPath, [tract, name, ...parameters], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

async function rebuild(): Promise<void> {
  const kept = await readKept(evidence);
  const file = join(docs, 'results.md');
  const text = await readFile(file, 'utf8');
  const made = filled(text, (name) => block(name, kept));
  const options = await resolveConfig(file);
  await writeAtomically(file, await format(made, { ...options, filepath: file }));
  await mkdir(join(docs, 'plots'), { recursive: true });
  for (const name of blocksOf(text).filter((each) => Object.hasOwn(budgets, each))) {
    const results = experimentsOf(name).flatMap((experiment) => kept.results.get(experiment) ?? []);
    await writeAtomically(
      join(docs, 'plots', `${name}.svg`),
      standaloneSvg(await budgetChart(name, results)),
    );
  }
  console.log(
    `docs/results.md: ${blocksOf(text).length} tables from ${kept.results.size} experiments in evidence/`,
  );
}
