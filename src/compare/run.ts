/** One run of a comparison: made once, taken up where it was interrupted. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDataset } from '../data/dataset.js';
import { restoreTrainer } from '../train/checkpoint.js';
import { DivergenceError } from '../train/divergence.js';
import type { StepEvent } from '../train/events.js';
import { runOptionsOf } from '../train/run-parts.js';
import { RunFolder, findCheckpoint, readCheckpoint } from '../train/run-folder.js';
import { Trainer } from '../train/trainer.js';
import type { PlannedRun } from './plan.js';
import { Metrics, type RunRecord, isComplete, readRecord, writeRecord } from './record.js';

/** No more than so many milliseconds of training are lost when the power goes off. */
const SAVE_EVERY = 60_000;

export interface RunContext {
  /** Holds a folder for each run. */
  readonly runs: string;
  readonly dataset: ImageDataset;
  readonly evaluateEvery: number;
  /** The steps after which each run is evaluated. */
  readonly evaluations: readonly number[];
  readonly signal?: AbortSignal;
  readonly onStep: (event: StepEvent) => void;
  /** Called where a run cannot go on and is made from the beginning; `reason` is a part of a sentence. */
  readonly onRepeat: (reason: string) => void;
}

/**
 * Trains, unless the run is finished already; an interrupted one goes on to the bits of an uninterrupted one. One whose
 * record of earlier evaluations is lost is made again, since no checkpoint brings them back.
 *
 * @returns undefined when it was interrupted, and can be resumed
 */
export async function executeRun(run: PlannedRun, context: RunContext): Promise<RunRecord | undefined> {
  const path = join(context.runs, run.folder);
  const found = await readRecord(path, run.id, context.evaluations);
  if (found) return found;
  const { interrupted, diverged, metrics } = await train(run, path, context);
  if (interrupted) return undefined;
  const { curve, secondsPerStep } = metrics;
  const record: RunRecord = {
    id: run.id,
    curve,
    secondsPerStep,
    ...(diverged !== undefined && { diverged }),
  };
  if (!isComplete(record, context.evaluations)) {
    throw new Error(`${path} was evaluated after other steps than ${context.evaluations.join(', ')}`);
  }
  await writeRecord(path, record);
  return record;
}

/** Trains to the end, to an interruption, or until the loss is no number any more, and says why. */
async function train(
  run: PlannedRun,
  path: string,
  context: RunContext,
): Promise<{ interrupted: boolean; diverged?: string; metrics: Metrics }> {
  const { dataset, evaluateEvery, signal, onStep } = context;
  const { trainer, folder, metrics } = await begin(run, path, context);
  const save = async (): Promise<void> => {
    await folder.save('last', { config: run.config, state: await trainer.state() });
  };
  let saved = performance.now();
  try {
    await folder.begin(run.config, trainer.progress, trainer.model);
    const { interrupted } = await trainer.fit(dataset, {
      // What is the user's own among it no configuration holds.
      ...runOptionsOf(run.config, run.augmentation ?? dataset.augmentation),
      evaluateEvery,
      ...(signal && { signal }),
      async onEvent(event) {
        folder.record(event);
        metrics.add(event);
        if (event.event === 'step') onStep(event);
        if (event.event === 'epoch' || performance.now() - saved > SAVE_EVERY) {
          await save();
          saved = performance.now();
        }
      },
    });
    if (interrupted) await save();
    return { interrupted, metrics };
  } catch (error) {
    if (error instanceof DivergenceError) return { interrupted: false, diverged: error.message, metrics };
    if (trainer.progress.step === 0) await folder.discard();
    throw error;
  } finally {
    await folder.close();
    await trainer.release();
  }
}

async function begin(
  run: PlannedRun,
  path: string,
  { evaluations, onRepeat }: RunContext,
): Promise<{ trainer: Trainer; folder: RunFolder; metrics: Metrics }> {
  const { batchSize } = run.config;
  const file = await findCheckpoint(path, ['last']).catch(() => undefined);
  if (file !== undefined) {
    // The checkpoint is read when the folder is this process's own.
    const folder = await RunFolder.resume(path);
    try {
      const checkpoint = await readCheckpoint(file);
      const { step, stepInEpoch } = checkpoint.state.progress;
      const metrics = await Metrics.read(path, batchSize, evaluations);
      // Where an epoch has ended its evaluation is part of it; elsewhere the one that is due is made again.
      const due = evaluations.filter((at) => at < step || (at === step && step > 0 && stepInEpoch === 0));
      const missing = due.filter((at) => !metrics.has(at)).length;
      if (missing === 0) {
        const { device, threads } = run.training;
        const trainer = await restoreTrainer(checkpoint, {
          model: run.given.model,
          transforms: run.given.transforms,
          ...(device !== undefined && { device }),
          ...(threads !== undefined && { threads }),
        });
        return { trainer, folder, metrics };
      }
      onRepeat(`${missing} of its ${due.length} evaluations so far are missing from metrics.jsonl`);
    } catch (error) {
      await folder.discard();
      throw error;
    }
    await folder.close();
    await rm(path, { recursive: true });
  }
  const folder = await RunFolder.create(path);
  try {
    const trainer = await Trainer.create(run.given, { ...run.training, seed: run.seed });
    return { trainer, folder, metrics: new Metrics(batchSize, evaluations) };
  } catch (error) {
    await folder.discard();
    throw error;
  }
}
