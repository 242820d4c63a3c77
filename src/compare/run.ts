/** One run of a comparison: made once, taken up where it was interrupted. */
import { join } from 'node:path';
import type { ImageDataset } from '../data/dataset.js';
import type { ImageTransform } from '../data/image-transform.js';
import { restoreTrainer } from '../train/checkpoint.js';
import { DivergenceError } from '../train/divergence.js';
import type { StepEvent } from '../train/events.js';
import type { TrainerOptions } from '../train/options.js';
import { runOptionsOf } from '../train/run-config.js';
import { RunFolder, findCheckpoint, readCheckpoint } from '../train/run-folder.js';
import { Trainer } from '../train/trainer.js';
import type { PlannedRun } from './plan.js';
import { type RunRecord, readMetrics, readRecord, writeRecord } from './record.js';
import { median } from './statistics.js';

/** No more than so many milliseconds of training are lost when the power goes off. */
const SAVE_EVERY = 60_000;

export interface RunContext {
  /** Holds a folder for each run. */
  readonly runs: string;
  readonly dataset: ImageDataset;
  readonly training: Omit<TrainerOptions, 'seed'>;
  /** Where it is not the dataset's own; what is your own among it no configuration holds. */
  readonly augmentation?: readonly ImageTransform[];
  readonly evaluateEvery: number;
  readonly signal?: AbortSignal;
  readonly onStep: (event: StepEvent) => void;
}

/**
 * Trains, unless the run is finished already; an interrupted one goes on to the bits of an uninterrupted one.
 *
 * @returns undefined when it was interrupted, and can be resumed
 */
export async function executeRun(run: PlannedRun, context: RunContext): Promise<RunRecord | undefined> {
  const path = join(context.runs, run.folder);
  const found = await readRecord(path, run.id);
  if (found) return found;
  const { interrupted, diverged } = await train(run, path, context);
  if (interrupted) return undefined;
  const { curve, stepSeconds } = await readMetrics(path, run.config.batchSize);
  const record: RunRecord = {
    id: run.id,
    curve,
    secondsPerStep: stepSeconds.length > 0 ? median(stepSeconds) : 0,
    ...(diverged !== undefined && { diverged }),
  };
  await writeRecord(path, record);
  return record;
}

/** Trains to the end, to an interruption, or until the loss is no number any more, and says why. */
async function train(
  run: PlannedRun,
  path: string,
  { dataset, training, augmentation, evaluateEvery, signal, onStep }: RunContext,
): Promise<{ interrupted: boolean; diverged?: string }> {
  const { trainer, folder } = await begin(run, path, training);
  const save = async (): Promise<void> => {
    await folder.save('last', { config: run.config, state: await trainer.state() });
  };
  let saved = performance.now();
  try {
    await folder.begin(run.config, trainer.progress);
    const { interrupted } = await trainer.fit(dataset, {
      ...runOptionsOf(run.config, augmentation ?? dataset.augmentation),
      evaluateEvery,
      ...(signal && { signal }),
      async onEvent(event) {
        folder.record(event);
        if (event.event === 'step') onStep(event);
        if (event.event === 'epoch' || performance.now() - saved > SAVE_EVERY) {
          await save();
          saved = performance.now();
        }
      },
    });
    if (interrupted) await save();
    return { interrupted };
  } catch (error) {
    if (error instanceof DivergenceError) return { interrupted: false, diverged: error.message };
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
  training: Omit<TrainerOptions, 'seed'>,
): Promise<{ trainer: Trainer; folder: RunFolder }> {
  const file = await findCheckpoint(path, ['last']).catch(() => undefined);
  const folder = await (file === undefined ? RunFolder.create(path) : RunFolder.resume(path));
  try {
    if (file === undefined) {
      return { folder, trainer: await Trainer.create(run.given, { ...training, seed: run.seed }) };
    }
    const { device, threads } = training;
    const trainer = await restoreTrainer(await readCheckpoint(file), {
      model: run.given.model,
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
    });
    return { trainer, folder };
  } catch (error) {
    await folder.discard();
    throw error;
  }
}
