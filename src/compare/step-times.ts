/**
 * What a step of one method costs against one of another, measured by turns.
 *
 * The runs of a comparison may be hours apart, and what else a machine does in the meantime changes by more than any
 * method's overhead. Steps made in turn share their circumstances.
 */
import { readFile } from 'node:fs/promises';
import type { ImageDataset } from '../data/dataset.js';
import { writeAtomically } from '../data/atomic-write.js';
import * as check from '../train/json-check.js';
import type { TrainerOptions } from '../train/options.js';
import { Trainer } from '../train/trainer.js';
import type { Model } from '../nn/model.js';
import type { Trainable } from '../optim/trainable.js';
import { Random } from '../random/random.js';
import { eventLoopTurn, loaderOf } from '../train/loaders.js';
import type { PlannedRun } from './plan.js';
import { type Overhead, overheadOf } from './statistics.js';

/** The first steps are slower: memory is taken, batches are not ready yet. */
const WARM_UP = 4;
/** Steps that are timed, of each method; fewer where they take long. */
const TIMED = 40;
const SECONDS = 30;

/**
 * How much longer a step of each method takes than one of the first, by the ids of the variants. What has been measured
 * is kept in a file.
 *
 * @param file JSON, by the ids of runs
 * @param runs the first run of each variant, that of the first method in front
 * @param options.onMeasure called before anything is measured, if anything has to be
 */
export async function relativeStepTimes(
  file: string,
  runs: readonly PlannedRun[],
  dataset: ImageDataset,
  { signal, onMeasure }: { readonly signal?: AbortSignal; readonly onMeasure?: () => void } = {},
): Promise<Map<string, Overhead>> {
  const [base, ...others] = runs;
  const known = await readTimes(file);
  const result = new Map<string, Overhead>();
  const keyOf = (run: PlannedRun): string => `${run.id}/${base.id}`;
  if (others.some((run) => !(keyOf(run) in known))) onMeasure?.();
  for (const run of others) {
    const key = keyOf(run);
    const measured = known[key] ?? (await stepOverhead(base, run, dataset, signal));
    // What was given up half way is no measurement to keep.
    if (!measured) break;
    known[key] = measured;
    result.set(run.variant.id, measured);
    await writeAtomically(file, `${JSON.stringify(known, null, 1)}\n`);
  }
  return result;
}

async function readTimes(file: string): Promise<Record<string, Overhead | undefined>> {
  try {
    return check.dictionary(JSON.parse(await readFile(file, 'utf8')), 'step times', overheadFrom);
  } catch {
    // Missing or damaged: it is measured again.
    return {};
  }
}

/** What is trained, and how. */
export interface Timed {
  readonly given: Model | Trainable;
  readonly training: Omit<TrainerOptions, 'seed'>;
}

function overheadFrom(value: unknown, path: string): Overhead {
  const { overhead, interval } = check.record(value, path);
  const [low, high] = check.list(interval, `${path}.interval`, check.number);
  const upper = check.number(high, `${path}.interval[1]`);
  return { overhead: check.number(overhead, `${path}.overhead`), interval: [low, upper] };
}

/**
 * What a step of `other` takes more than one of `base`, both made in turn on the same images.
 *
 * @returns undefined where the signal was aborted
 */
async function stepOverhead(
  base: Timed,
  other: Timed,
  dataset: ImageDataset,
  signal?: AbortSignal,
): Promise<Overhead | undefined> {
  const { mean, deviation } = dataset;
  const trainers: Trainer[] = [];
  const loader = loaderOf(dataset, dataset.train);
  try {
    for (const { given, training } of [base, other])
      // Steps of images of their own size: what is timed belongs to no place in a run.
      trainers.push(
        await Trainer.create(given, { ...training, progressive: [], standardization: { mean, deviation } }),
      );
    const times = trainers.map((): number[] => []);
    const began = performance.now();
    for (let made = 0, epoch = 0; made < WARM_UP + TIMED; epoch++) {
      const plan = {
        batchSize: trainers[0].batchSize,
        shuffle: true,
        last: 'drop' as const,
        random: Random.fromSeed(epoch).state,
      };
      for await (const { images, labels } of loader.epoch(plan)) {
        if (signal?.aborted) return undefined;
        for (const [player, trainer] of trainers.entries()) {
          const started = performance.now();
          // At a rate of 0 a step costs the same, and nothing can diverge.
          await trainer.step({ images, labels }, { learningRate: 0 });
          if (made >= WARM_UP) times[player].push(performance.now() - started);
        }
        made++;
        const late = performance.now() - began > 1000 * SECONDS && times[1].length > 3;
        if (made >= WARM_UP + TIMED || late) return overheadOf(times[0], times[1]);
        await eventLoopTurn();
      }
    }
    return overheadOf(times[0], times[1]);
  } finally {
    await loader.close();
    for (const trainer of trainers) await trainer.release();
  }
}
