/** `tract find-lr`. */
import { type Command, Option } from 'commander';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { standaloneSvg } from '../compare/chart.js';
import { rateChart } from '../compare/rate-chart.js';
import { writeAtomically } from '../data/atomic-write.js';
import { DivergenceError } from '../train/divergence.js';
import { type RateFinding, findLearningRate } from '../train/find-lr.js';
import { initialWeights } from '../train/initial-state.js';
import { checkFits } from '../train/loaders.js';
import { traceAlone } from '../nn/model.js';
import { augmentationOf } from './augmentation.js';
import { knownModel, modelFor, trainableFrom } from './chosen-model.js';
import { classWeightsOf } from './class-weights.js';
import { UsageError } from './errors.js';
import { addFineTuningFlags, checkSelection, tellWeights, withHead } from './fine-tuning.js';
import { longFlag } from './flags.js';
import { Interruption } from './interruption.js';
import { ProgressLine } from './progress-line.js';
import { withDefaults } from './recipe-flags.js';
import { note, print, printJson, printTable } from './terminal.js';
import { type TrainFlags, addTrainFlags } from './train-flags.js';
import { datasetFrom, optimizationFrom, weightsIn } from './train-plan.js';
import { number, whole } from './values.js';

export interface FindRateFlags extends TrainFlags {
  readonly rates?: readonly number[];
  readonly steps: number;
}

/** Flags of `tract train` that have no meaning here. */
const without: Readonly<Record<string, string>> = {
  resume: 'runs here begin anew',
  epochs: '--steps says how long they are',
  maxSteps: '--steps says how long they are',
  progressive: 'images have their own size here',
  stages: 'a rate is for one of them, which --train-only selects',
  patience: '--steps says how long they are',
  tractUntil: 'a rate is for the part of a run with TrAct',
  lambdaEnd: 'lambda does not change in so short runs',
};

const positive = number('a number above 0', (value) => value > 0);

/** Adds the flags, those of `tract train` among them. */
export function addFindRateFlags(command: Command): Command {
  command.optionsGroup('Rate finder:');
  command
    .addOption(
      new Option(
        '--rates <numbers>',
        'the learning rates to try, in rising order (default: nine around --lr, from 1/316 of it to 32 times it)',
      ).argParser((text: string) => text.split(',').map((part) => positive(part.trim()))),
    )
    .addOption(
      new Option('--steps <number>', 'of each run, no more than an epoch has')
        .argParser(whole(1))
        .default(40),
    );
  addFineTuningFlags(addTrainFlags(command));
  for (const option of command.options) {
    const key = option.attributeName();
    if (key in without) option.hideHelp();
    if (key === 'warmup')
      option.description = 'steps of each run in which the learning rate first grows (default: none)';
    if (key === 'out')
      option.description = 'where find-lr.svg and find-lr.json are written (default: find-lr)';
  }
  return command;
}

/** Tries learning rates, and returns the exit code. */
export async function findRate(asked: FindRateFlags, command: Command): Promise<number> {
  for (const [key, why] of Object.entries(without)) {
    if (command.getOptionValueSource(key) === 'cli')
      throw new UsageError(`${longFlag(command, key)} is no flag of tract find-lr: ${why}`);
  }
  const progress = new ProgressLine();
  const interruption = new Interruption(() => {
    progress.clear();
    note('Finishing the step; Ctrl-C again ends at once.');
  });
  const { signal } = interruption;
  try {
    const flags = withDefaults(asked, command);
    const finding = await find(flags, command, signal, progress);
    progress.clear();
    if (!finding) {
      note('Stopped before all rates were tried; nothing is written.');
      return interruption.exitCode ?? 1;
    }
    await report(finding, flags.out ?? 'find-lr', flags.json === true);
    return 0;
  } catch (error) {
    // A download, say, that was given up: what matters is that the user wanted it so.
    if (signal.aborted && error === signal.reason) return interruption.exitCode ?? 1;
    throw error;
  } finally {
    progress.clear();
    interruption.close();
  }
}

async function find(
  flags: FindRateFlags,
  command: Command,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<RateFinding | undefined> {
  const known = knownModel(flags, command);
  const options = optimizationFrom(flags, command);
  const weights = flags.weights === undefined ? undefined : await weightsIn(flags.weights);
  const dataset = await datasetFrom(flags, signal);
  const model = known ?? (await modelFor(flags, command, dataset));
  checkSelection(flags, model);
  const given = trainableFrom(model, flags, dataset);
  checkFits(dataset, given.model);
  const { device, threads, steps, rates, warmup = 0, json } = flags;
  const trainerOptions = {
    ...options,
    ...classWeightsOf(flags, dataset),
    device,
    ...(threads !== undefined && { threads }),
  };
  const complete =
    weights && withHead(weights, initialWeights(traceAlone(model, 1, true), flags.seed), model);
  if (complete) tellWeights(complete, model);
  return findLearningRate(given, trainerOptions, dataset, {
    steps,
    warmup,
    signal,
    augmentation: augmentationOf(flags, dataset),
    ...(rates && { rates }),
    ...(complete && { weights: complete.weights }),
    onStep({ rate, loss, done, total }) {
      if (!json)
        progress.update(done, total, { epoch: `rate ${rate}`, figures: [`loss ${loss.toFixed(3)}`] });
    },
    onResult(result) {
      if (json) printJson({ event: 'rate', ...result });
    },
  });
}

/** @throws DivergenceError where no rate is left */
async function report(finding: RateFinding, out: string, asJson: boolean): Promise<void> {
  const { results, suggestion, steps } = finding;
  await mkdir(out, { recursive: true });
  const [json, plot] = [join(out, 'find-lr.json'), join(out, 'find-lr.svg')];
  await writeAtomically(json, `${JSON.stringify({ format: 1, ...finding }, null, 1)}\n`);
  await writeAtomically(plot, standaloneSvg(await rateChart(finding)));
  if (asJson) printJson({ event: 'end', json, plot, ...finding });
  else {
    const rows = results.map(({ rate, loss, error }) => [
      String(rate),
      loss === null ? 'diverged' : `${loss.toFixed(3)} ± ${error!.toFixed(3)}`,
      rate === suggestion?.rate ? 'suggested' : '',
    ]);
    printTable([['learning rate', `loss after ${steps} steps`, ''], ...rows], { left: [2] });
    if (suggestion) print('', `Suggested: --lr ${suggestion.rate}, because ${suggestion.reason}`);
    print('', `Plot: ${plot}`);
  }
  if (!suggestion)
    throw new DivergenceError('training diverges at every rate that was tried; try lower ones by --rates');
}
