/** Runs that are taken up from their file. */
import assert from 'node:assert/strict';
import type { ImageDataset } from '../data/dataset.js';
import type { Trainable } from '../optim/trainable.js';
import { fromCheckpoint, restoreTrainer, toCheckpoint } from '../train/checkpoint.js';
import type { TrainerOptions } from '../train/options.js';
import { describeRun } from '../train/run-config.js';
import { Trainer } from '../train/trainer.js';

const fit = { epochs: 2 };

/**
 * Compares a run of two epochs with the same stopped after two steps and taken up from its file: their states have the same
 * bits.
 *
 * @returns the trainer of the run that was not stopped
 */
export async function checkResume(
  given: Trainable,
  options: TrainerOptions,
  dataset: ImageDataset,
): Promise<Trainer> {
  const config = describeRun(given, options, dataset, fit);
  const straight = await Trainer.create(given, options);
  await straight.fit(dataset, fit);
  const stopped = await Trainer.create(given, options);
  for await (const event of stopped.run(dataset, fit)) if (event.step === 2) break;
  const checkpoint = fromCheckpoint(toCheckpoint({ config, state: await stopped.state() }));
  const restored = await restoreTrainer(checkpoint, { threads: 1 });
  await restored.fit(dataset, fit);
  assert.deepEqual(await restored.state(), await straight.state());
  for (const trainer of [stopped, restored]) await trainer.release();
  return straight;
}
