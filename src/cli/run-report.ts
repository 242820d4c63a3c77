/** What a run's folder holds for people: `report.html`, and the same figures for programs, `evaluation.json`. */
import { dirname, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { ClassTally } from '../compare/class-figures.js';
import { evaluationJson, runReport } from '../compare/run-report.js';
import type { ImageDataset } from '../data/dataset.js';
import type { Device } from '../engine/device.js';
import { Evaluator } from '../train/evaluator.js';
import type { Evaluation } from '../train/events.js';
import { runOptionsOf } from '../train/run-parts.js';
import type { Trained } from './trained.js';

/** Mistakes that are shown. */
const WORST = 24;
/** Images at once, at most, unless the user asks for more. */
const DEFAULT_BATCH = 128;

/** How a model is evaluated. */
export interface EvaluatingFlags {
  readonly batchSize?: number;
  readonly device: Device;
  readonly threads?: number;
}

/** An evaluation on the test images of a dataset, class by class. */
export interface TalliedEvaluation {
  readonly evaluation: Evaluation;
  readonly tally: ClassTally;
}

/**
 * Measures a trained model on the test images.
 *
 * @param onLogits gets those of each batch, too
 * @returns undefined when the signal was aborted before the end
 */
export async function evaluateTrained(
  { config, model, learned }: Trained,
  dataset: ImageDataset,
  flags: EvaluatingFlags,
  {
    onLogits,
    signal,
  }: { onLogits?: (logits: Float32Array, labels: Int32Array) => void; signal?: AbortSignal } = {},
): Promise<TalliedEvaluation | undefined> {
  // A file may claim any batch size; no more images at once than are usual.
  const { device, threads, batchSize = Math.min(config.batchSize, DEFAULT_BATCH) } = flags;
  const evaluator = await Evaluator.create(model, { batchSize, device, ...(threads && { threads }) });
  const tally = new ClassTally(dataset.classNames, WORST);
  try {
    const evaluation = await evaluator.evaluate(learned, dataset, {
      onLogits(logits, labels) {
        tally.add(logits, labels);
        onLogits?.(logits, labels);
      },
      ...(signal && { signal }),
    });
    return evaluation && { evaluation, tally };
  } finally {
    await evaluator.release();
  }
}

/** The page of a run, and what is in `evaluation.json`. @throws DataError naming an image that cannot be read */
export async function reportOf(
  { file, config, model, learned, progress }: Trained,
  dataset: ImageDataset,
  { evaluation, tally }: TalliedEvaluation,
): Promise<{ readonly html: string; readonly json: string }> {
  const title = `${model.name} of step ${progress.step} on the test images of ${dataset.name}`;
  const { test: split } = dataset;
  const { augmentation = null } = runOptionsOf(config);
  const report = { title, dataset, split, evaluation, tally, config, model, learned, augmentation };
  const metrics = await readFile(join(dirname(file), 'metrics.jsonl'), 'utf8').catch(() => '');
  const json = { checkpoint: file, step: progress.step, data: dataset.name, ...evaluationJson(report) };
  return {
    html: await runReport({ ...report, metrics }),
    json: `${JSON.stringify(json, null, 1)}\n`,
  };
}
