/** `tract train`. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { ProcessGroupError } from '../engine/process-group.js';
import type { MpiGroup } from '../mpi/mpi-group.js';
import { drawFilters, firstFilters } from '../compare/filters.js';
import { checkClassNames } from '../data/class-names.js';
import { type ImageDataset, followedSplit } from '../data/dataset.js';
import { elementCount } from '../tensor/tensor.js';
import { type Model, traceAlone } from '../nn/model.js';
import { DivergenceError } from '../train/divergence.js';
import { type TrainingEvent, figuresOf } from '../train/events.js';
import { OutputError } from '../data/atomic-write.js';
import { CheckpointKeeper } from '../train/callbacks/checkpoint-keeper.js';
import { csvLog } from '../train/callbacks/csv-log.js';
import type { TensorBoardImage } from '../train/callbacks/event-records.js';
import { tensorBoard } from '../train/callbacks/tensor-board.js';
import { earlyStopping } from '../train/callbacks/early-stopping.js';
import type { Callback, FitOptions, FitResult } from '../train/options.js';
import type { RunFolder } from '../train/run-folder.js';
import { stepsOf, stepsPerEpochOf } from '../train/run-config.js';
import { checkSame, gathered } from '../train/ranks.js';
import type { Trainer } from '../train/trainer.js';
import { testBest } from './final-test.js';
import { shellWord } from './format.js';
import { Interruption } from './interruption.js';
import { commandName } from './main-name.js';
import { type Reporter, jsonReporter } from './reporter.js';
import { textReporter } from './text-reporter.js';
import { longFlag } from './flags.js';
import { evaluateTrained, reportOf } from './run-report.js';
import { readTrained } from './trained.js';
import { type TrainFlags, freeFlags } from './train-flags.js';
import { type Runner, type TrainPlan, continuedRun, newRun } from './train-plan.js';
import { packageVersion } from './version.js';

/** Trains, and returns the exit code. */
export async function train(
  flags: TrainFlags,
  command: Command,
  group: MpiGroup | undefined,
): Promise<number> {
  if (group) await checkSame(group, comparedFlags(flags, command));
  const reporter = flags.json ? jsonReporter() : textReporter(commandName());
  const interruption = new Interruption(() => {
    reporter.note('Finishing the step and saving; Ctrl-C again ends at once.');
  });
  const { signal } = interruption;
  const runner = { signal, group };
  try {
    const plan =
      flags.resume === undefined
        ? await newRun(flags, command, runner)
        : await continuedRun(flags.resume, flags, command, runner);
    const { interrupted } = await run(plan, reporter, runner, flags);
    if (!interrupted) return 0;
    const codes = group
      ? (await gathered(group, Int32Array.of(interruption.exitCode ?? 0))).map(([code]) => code)
      : [];
    // Whichever of several processes was interrupted.
    return Math.max(interruption.exitCode ?? 0, ...codes) || 1;
  } catch (error) {
    // A download, say, that was given up: what matters is that the user wanted it so.
    if (signal.aborted && error === signal.reason) {
      const exitCode = interruption.exitCode ?? 1;
      group?.abort(exitCode);
      return exitCode;
    }
    throw error;
  } finally {
    reporter.close();
    interruption.close();
  }
}

/** The flags that have to be the same for all processes. */
function comparedFlags(flags: TrainFlags, command: Command): Record<string, unknown> {
  const values = flags as unknown as Readonly<Record<string, unknown>>;
  const compared = command.options
    .map((option) => option.attributeName())
    .filter((key) => key === 'resume' || !freeFlags.has(key));
  return {
    'version of tract-ts': packageVersion(),
    ...Object.fromEntries(compared.map((key) => [longFlag(command, key), values[key]])),
  };
}

async function run(
  plan: TrainPlan,
  reporter: Reporter,
  { signal, group }: Runner,
  flags: TrainFlags,
): Promise<FitResult> {
  const { config, dataset, options, folder } = plan;
  let trainer: Trainer | undefined;
  try {
    trainer = await plan.createTrainer();
    // The files that a run goes on with may be others than those it was begun with.
    const out = folder?.path ?? '';
    checkClassNames(config.data.classNames, dataset, `the model in ${out}`);
    const began = performance.now();
    const { step: begun, stepInEpoch } = trainer.progress;
    const keeper =
      folder &&
      new CheckpointKeeper({
        trainer,
        folder,
        config,
        changed: begun === 0 || plan.extended,
        onSaved(saved) {
          reporter.report({ event: 'checkpoint', ...saved });
        },
      });
    const steps = stepsOf(config, trainer.progress);
    reporter.report({
      event: 'start',
      version: packageVersion(),
      out,
      resumed: plan.resumed,
      config,
      parameters: parameterCount(trainer.model),
      stepsPerEpoch: stepsPerEpochOf(config),
      steps,
      step: begun,
      stepInEpoch,
      ...(group && { ranks: group.size }),
    });
    const { patience } = flags;
    const stopper = patience === undefined ? undefined : new EarlyEnd(patience);
    const logs = folder && flags.report ? runLogs(folder.path, trainer) : [];
    const found = await fitAndSave(trainer, keeper, dataset, {
      ...options,
      callbacks: [...logs, ...(stopper ? [stopper.callback] : [])],
      signal,
      onEvent(event) {
        reporter.report(event);
      },
    });
    // A run that no longer gets better is over.
    const result = { ...found, interrupted: found.interrupted && stopper?.ended !== true };
    const { evaluation } = result;
    const chosen = dataset.validation !== undefined;
    const tested =
      chosen && !result.interrupted ? await testBest(trainer, folder, dataset, { signal, group }) : undefined;
    const interrupted = result.interrupted || (chosen && !tested);
    const { step, bestAccuracy } = trainer.progress;
    // Of several processes the first one has the folder; the others wait at the end.
    const report =
      folder && flags.report && !interrupted ? await writeReport(folder, dataset, flags, signal) : undefined;
    reporter.report({
      event: 'end',
      interrupted,
      out,
      step,
      epochs: trainer.progress.epoch,
      ...(evaluation && figuresOf(followedSplit(dataset).kind, evaluation)),
      ...(chosen && bestAccuracy >= 0 && { bestAccuracy }),
      ...(tested && { bestEpoch: tested.epoch, testLoss: tested.loss, testAccuracy: tested.accuracy }),
      ...(report !== undefined && { report }),
      seconds: (performance.now() - began) / 1000,
    });
    if (interrupted) {
      reporter.note(
        `Stopped after step ${step} of ${steps}; to continue:`,
        `  ${commandName()} train --resume ${shellWord(out)}`,
      );
    }
    return { ...result, interrupted };
  } finally {
    // A run that cannot start is in nobody's way: neither in that of the command that was meant.
    await (trainer && trainer.progress.step > 0 ? folder?.close() : folder?.discard());
    await trainer?.release();
  }
}

/** Pixels that a weight is wide in a picture for TensorBoard. */
const FILTER_SCALE = 8;

/** What follows a run for people: a table of its epochs, and TensorBoard's files. */
function runLogs(folder: string, trainer: Trainer): Callback[] {
  const { model } = trainer;
  const images = async (): Promise<TensorBoardImage[]> => {
    const filters = firstFilters(model, await trainer.weights());
    if (!filters) return [];
    const { png, width, height } = await drawFilters(filters, FILTER_SCALE);
    return [{ tag: 'first_layer/filters', png, width, height }];
  };
  return [csvLog(join(folder, 'metrics.csv')), tensorBoard(join(folder, 'tensorboard'), { model, images })];
}

/** The page about a finished run; undefined where it was given up. */
async function writeReport(
  folder: RunFolder,
  dataset: ImageDataset,
  { device, threads }: TrainFlags,
  signal: AbortSignal,
): Promise<string | undefined> {
  const trained = await readTrained(folder.path);
  const found = await evaluateTrained(trained, dataset, { device, ...(threads && { threads }) }, { signal });
  if (!found) return undefined;
  const { html, json } = await reportOf(trained, dataset, found);
  await folder.write('evaluation.json', json);
  return folder.write('report.html', html);
}

/** Ends a run that no longer gets better, and knows that it did. */
class EarlyEnd {
  ended = false;
  readonly #stopping: Callback;

  constructor(patience: number) {
    this.#stopping = earlyStopping({ patience });
  }

  get callback(): Callback {
    return Object.assign(
      (event: TrainingEvent) => {
        const answer = this.#stopping(event);
        if (answer === 'stop') this.ended = true;
        return answer;
      },
      { begin: () => this.#stopping.begin?.() },
    );
  }
}

/** Trains to the end or to an interruption; what ends it early says where the last good checkpoint is. */
async function fitAndSave(
  trainer: Trainer,
  keeper: CheckpointKeeper | undefined,
  dataset: ImageDataset,
  options: FitOptions,
): Promise<FitResult> {
  try {
    return await trainer.fit(dataset, {
      ...options,
      callbacks: [...(keeper ? [keeper.callback] : []), ...(options.callbacks ?? [])],
    });
  } catch (error) {
    const kept = keeper && trainer.progress.step > 0;
    const early = [DivergenceError, OutputError, ProcessGroupError];
    if (kept && error instanceof Error && early.some((type) => error instanceof type)) {
      error.message += `; the last good checkpoint is ${keeper.lastSaved}`;
    }
    throw error;
  }
}

/** The number of trained parameters of a model. */
export function parameterCount(model: Model): number {
  const { parameters } = traceAlone(model, 1, false);
  return [...parameters.values()].reduce((sum, { value }) => sum + elementCount(value.shape), 0);
}
