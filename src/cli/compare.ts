/** `tract compare`. */
import { type Command, Option } from 'commander';
import { join } from 'node:path';
import { type CompareEvent, type CompareResult, compare as runComparison } from '../compare/compare.js';
import { summaryRows } from '../compare/summary.js';
import type { Decision } from '../compare/sequential.js';
import { decisionSentences, divergenceSentences, percent, signed } from '../compare/words.js';
import { type Method, methods, variantsOf } from '../compare/variant.js';
import { type InputScaling, inputScalings, scaleInput } from '../data/input-scaling.js';
import { counted } from '../tensor/counted.js';
import { DEFAULT_LAMBDA, type Lambda, formatLambda } from '../tract/lambda.js';
import { augmentationOf } from './augmentation.js';
import { knownModel, modelFor } from './chosen-model.js';
import { classWeightsOf } from './class-weights.js';
import { UsageError } from './errors.js';
import { duration } from './format.js';
import { type GridAxis, gridOf, gridValue } from './grid.js';
import { Interruption } from './interruption.js';
import { ProgressLine } from './progress-line.js';
import { note, print, printJson, printTable } from './terminal.js';
import { transformsOf } from './optimization.js';
import { withDefaults } from './recipe-flags.js';
import { checkWithoutTract, tractOptionsOf } from './tract-flags.js';
import { type TrainFlags, addTrainFlags } from './train-flags.js';
import { datasetFrom, optimizationFrom, runName } from './train-plan.js';
import { withWarmup } from './warmup.js';
import { lambdaValue, number, oneOf, whole } from './values.js';

export interface CompareFlags extends TrainFlags {
  readonly methods: readonly Method[];
  readonly seeds: readonly number[];
  readonly lambda: readonly Lambda[];
  readonly inputScaling: InputScaling;
  readonly evalEvery?: number;
  readonly grid?: readonly GridAxis[];
  /** In percentage points. */
  readonly stopWhen?: number;
}

/** Flags of `tract train` that a comparison sets itself. */
const replaced: Readonly<Record<string, string>> = {
  tract: '--methods and --lambda',
  seed: '--seeds',
  resume: 'nothing: the same command goes on where it was interrupted',
  weights: 'nothing: all runs start from the same random weights',
};

/** Words or numbers between commas. */
function listOf<T>(element: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map((part) => element(part.trim()));
}

/** Adds the flags, those of `tract train` among them. */
export function addCompareFlags(command: Command): Command {
  command.optionsGroup('Comparison:');
  command
    .addOption(
      new Option(
        '--methods <names>',
        `what to compare, the first being what the others are measured by: ${methods.join(', ')}`,
      )
        .argParser(listOf(oneOf(methods)))
        .default(['vanilla', 'tract'], 'vanilla,tract'),
    )
    .addOption(
      new Option('--seeds <numbers>', 'a run of each method for each of them')
        .argParser(listOf(whole(0)))
        .default([0, 1, 2], '0,1,2'),
    )
    .addOption(
      new Option(
        '--lambda <values>',
        'lambda of TrAct; several make a method of each; relative:0.1 is relative to the scale of the input',
      )
        .argParser(listOf(lambdaValue))
        .default([DEFAULT_LAMBDA], formatLambda(DEFAULT_LAMBDA)),
    )
    .addOption(
      new Option(
        '--input-scaling <name>',
        'the pixels as the model sees them: standardized (mean 0, deviation 1), unit (0 to 1), byte (0 to 255)',
      )
        .argParser(oneOf(inputScalings))
        .default('standardized'),
    )
    .addOption(
      new Option(
        '--eval-every <steps>',
        'evaluate this often, and after every epoch (default: a sixteenth of the run)',
      ).argParser(whole(1)),
    )
    .addOption(
      new Option(
        '--grid <flag=values>',
        'each method at each of several values of another flag, such as --grid lr=0.02,0.04,0.08; may be repeated',
      ).argParser((text: string, before: readonly GridAxis[] | undefined) => [
        ...(before ?? []),
        gridValue(text),
      ]),
    )
    .addOption(
      new Option(
        '--stop-when <points>',
        'run no more seeds of a method when they tell: its difference to the first one is more than chance, or both are within so many percentage points (0: the former alone); looked at after each seed from the third on',
      ).argParser(number('a number of at least 0 and below 100', (value) => value >= 0 && value < 100)),
    );
  addTrainFlags(command);
  const validation = command.options.find((option) => option.attributeName() === 'validation')!;
  validation.description =
    'set this share of the training images aside, class by class, the same for all seeds, such as 0.1: curves are on these images, and the test images are not looked at; without it curves are on the test images; nothing is chosen in either case, the figures at the end are those of the last step';
  for (const option of command.options) if (option.attributeName() in replaced) option.hideHelp();
  return command;
}

/** Compares, and returns the exit code. */
export async function compare(flags: CompareFlags, command: Command): Promise<number> {
  for (const [key, instead] of Object.entries(replaced)) {
    if (command.getOptionValueSource(key) === 'cli') {
      const flag = command.options.find((option) => option.attributeName() === key)?.long ?? key;
      throw new UsageError(`${flag} is no flag of tract compare; instead of it there is ${instead}`);
    }
  }
  const progress = new ProgressLine();
  const interruption = new Interruption(() => {
    progress.clear();
    note('Finishing the step and saving; Ctrl-C again ends at once.');
  });
  try {
    const result = await run(flags, command, interruption.signal, progress);
    progress.clear();
    if (!result) {
      note('Stopped; the same command goes on from here.');
      return interruption.exitCode ?? 1;
    }
    report(result, flags.json === true);
    return 0;
  } catch (error) {
    // A download, say, that was given up: what matters is that the user wanted it so.
    if (interruption.signal.aborted && error === interruption.signal.reason)
      return interruption.exitCode ?? 1;
    throw error;
  } finally {
    progress.clear();
    interruption.close();
  }
}

async function run(
  asked: CompareFlags,
  command: Command,
  signal: AbortSignal,
  progress: ProgressLine,
): Promise<CompareResult | undefined> {
  const flags = withDefaults(asked, command);
  const known = knownModel(flags, command);
  const methodsAsked = variantsOf(flags.methods, flags.lambda);
  optimizationFrom(flags, command);
  if (!flags.methods.includes('tract')) checkWithoutTract(flags, command);
  const dataset = await datasetFrom(flags, signal);
  const model = known ?? (await modelFor(flags, command, dataset));
  const { device, threads, epochs, maxSteps, evalEvery, seeds, grid, stopWhen } = flags;
  const gridded = grid && (await gridOf(grid, methodsAsked, asked, command, dataset));
  const scaling = flags.inputScaling === 'standardized' ? '' : `-${flags.inputScaling}`;
  const out = flags.out ?? join('runs', `compare-${runName(flags, dataset)}${scaling}`);
  const comparison = {
    dataset: scaleInput(dataset, flags.inputScaling),
    model,
    variants: gridded?.variants ?? methodsAsked,
    ...(gridded && { settings: gridded.settings }),
    seeds,
    ...(stopWhen !== undefined && { stopWhen: stopWhen / 100 }),
    training: {
      ...optimizationFrom(withWarmup(flags, dataset), command),
      ...classWeightsOf(flags, dataset),
      device,
      ...(threads !== undefined && { threads }),
    },
    transforms: transformsOf(flags),
    tract: tractOptionsOf(flags, dataset),
    epochs,
    augmentation: augmentationOf({ ...flags, seed: 0 }, dataset),
    ...(maxSteps !== undefined && { maxSteps }),
    ...(evalEvery !== undefined && { evaluateEvery: evalEvery }),
  };
  const show = flags.json ? printJson : text(progress);
  return runComparison(comparison, { out, signal, onEvent: show });
}

/** Runs as lines on stdout; between them one bar for the whole matrix. */
function text(progress: ProgressLine): (event: CompareEvent) => void {
  let number = 0;
  let total = 0;
  const tell = (line: string): void => {
    progress.clear();
    print(line);
  };
  return (event) => {
    switch (event.event) {
      case 'start':
        total = event.runs;
        tell(`${counted(event.runs, 'run')} of ${counted(event.steps, 'step')}, kept in ${event.out}`);
        break;
      case 'run': {
        if (event.state === 'begun') break;
        const { label, seed, testAccuracy, validationAccuracy } = event;
        if (event.state === 'repeated') {
          tell(`run ${number + 1}/${total}  ${label}, seed ${seed}  is made again: ${event.reason ?? ''}`);
          break;
        }
        number++;
        const end =
          event.state === 'diverged'
            ? 'diverged'
            : `${validationAccuracy === undefined ? `test accuracy ${percent(testAccuracy!)}` : `validation accuracy ${percent(validationAccuracy)}`}${event.state === 'kept' ? '  (finished before)' : ''}`;
        tell(`run ${number}/${total}  ${label}, seed ${seed}  ${end}`);
        break;
      }
      case 'progress':
        progress.update(event.steps, event.totalSteps, {
          epoch: `run ${event.runs + 1}/${event.totalRuns}`,
          figures: [
            `${event.label}, seed ${event.seed}`,
            `loss ${event.loss.toFixed(3)}`,
            `${duration(event.secondsLeft)} left`,
          ],
        });
        break;
      case 'decided':
        tell(`decided  ${decisionText(event)}`);
        break;
      case 'timing':
        progress.clear();
        note('Timing the steps of the methods by turns…');
        break;
    }
  };
}

/** `TrAct is better by +1.2 points (+0.3 to +2.1) after 4 seeds` */
function decisionText({ label, verdict, difference, interval, seeds }: Decision): string {
  const range = `${signed(difference)} points (${signed(interval[0])} to ${signed(interval[1])})`;
  return `${label} is ${verdict}: ${range} after ${seeds} seeds`;
}

/** The answer, the figures, what else there is to know of them, and where the rest is. */
function report({ results, report: file, json, plots }: CompareResult, asJson: boolean): void {
  if (asJson) {
    printJson({ event: 'end', report: file, json, plots, results });
    return;
  }
  const [answer, ...others] = results.sentences;
  print('', answer, '');
  printTable(summaryRows(results));
  // Of many methods the table says enough, and the report the rest.
  const { decisions = [], variants, setup } = results;
  const decided = decisionSentences(decisions, { variants, seeds: setup.seeds });
  const notes = variants.length > 2 ? [...divergenceSentences(results), ...decided] : others;
  if (notes.length > 0) print('', ...notes);
  print('', `Report: ${file}`);
}
