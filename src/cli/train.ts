/** `tract train`. */
import type { Command } from 'commander';
import type { ImageDataset } from '../data/dataset.js';
import { elementCount } from '../tensor/tensor.js';
import { type Model, traceAlone } from '../nn/model.js';
import { DivergenceError } from '../train/divergence.js';
import { OutputError } from '../train/atomic-write.js';
import type { FitOptions, FitResult } from '../train/options.js';
import type { Trainer } from '../train/trainer.js';
import { shellWord } from './format.js';
import { Interruption } from './interruption.js';
import { commandName } from './main-name.js';
import { type Reporter, jsonReporter } from './reporter.js';
import { RunKeeper } from './run-keeper.js';
import { textReporter } from './text-reporter.js';
import type { TrainFlags } from './train-flags.js';
import { type TrainPlan, continuedRun, newRun } from './train-plan.js';
import { packageVersion } from './version.js';

/** Trains, and returns the exit code. */
export async function train(flags: TrainFlags, command: Command): Promise<number> {
  const reporter = flags.json ? jsonReporter() : textReporter(commandName());
  const interruption = new Interruption(() => {
    reporter.note('Finishing the step and saving; Ctrl-C again ends at once.');
  });
  const { signal } = interruption;
  try {
    const plan =
      flags.resume === undefined
        ? await newRun(flags, command, signal)
        : await continuedRun(flags.resume, flags, command, signal);
    const { interrupted } = await run(plan, reporter, signal);
    return interrupted ? (interruption.exitCode ?? 1) : 0;
  } catch (error) {
    // A download, say, that was given up: what matters is that the user wanted it so.
    if (signal.aborted && error === signal.reason) return interruption.exitCode ?? 1;
    throw error;
  } finally {
    reporter.close();
    interruption.close();
  }
}

async function run(plan: TrainPlan, reporter: Reporter, signal: AbortSignal): Promise<FitResult> {
  const { config, dataset, fit, folder } = plan;
  let trainer: Trainer | undefined;
  try {
    trainer = await plan.createTrainer();
    const began = performance.now();
    const keeper = new RunKeeper(trainer, folder, config, reporter);
    const stepsPerEpoch = Math.floor(config.data.trainImages / config.batchSize);
    const steps = Math.min(stepsPerEpoch * config.epochs, config.maxSteps ?? Infinity);
    reporter.report({
      event: 'start',
      version: packageVersion(),
      out: folder.path,
      resumed: plan.resumed,
      config,
      parameters: parameterCount(trainer.model),
      stepsPerEpoch,
      steps,
      step: trainer.progress.step,
    });
    await keeper.begin();
    const result = await fitAndSave(trainer, keeper, dataset, {
      ...fit,
      signal,
      onEvent: (event) => keeper.onEvent(event),
    });
    const { step, bestAccuracy } = trainer.progress;
    const { evaluation } = result;
    reporter.report({
      event: 'end',
      interrupted: result.interrupted,
      out: folder.path,
      step,
      epochs: trainer.progress.epoch,
      ...(evaluation && { testLoss: evaluation.loss, testAccuracy: evaluation.accuracy }),
      ...(bestAccuracy >= 0 && { bestAccuracy }),
      seconds: (performance.now() - began) / 1000,
    });
    if (result.interrupted) {
      reporter.note(
        `Stopped after step ${step} of ${steps}; to continue:\n  ${commandName()} train --resume ${shellWord(folder.path)}`,
      );
    }
    return result;
  } finally {
    await folder.close();
    await trainer?.release();
  }
}

/** Trains to the end or to an interruption; what ends it early says where the last good checkpoint is. */
async function fitAndSave(
  trainer: Trainer,
  keeper: RunKeeper,
  dataset: ImageDataset,
  options: FitOptions,
): Promise<FitResult> {
  try {
    const result = await trainer.fit(dataset, options);
    if (result.interrupted) await keeper.save('last');
    return result;
  } catch (error) {
    if (error instanceof DivergenceError || error instanceof OutputError) {
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
