/**
 * What a step of one method costs against one of another, measured by turns.
 *
 * The runs of a comparison may be hours apart, and what else a machine does in the meantime changes by more than any
 * method's overhead. Steps made in turn share their circumstances.
 */
import { readFile } from 'node:fs/promises';
import type { ImageDataset } from '../data/dataset.js';
import { writeAtomically } from '../train/atomic-write.js';
import * as check from '../train/json-check.js';
import type { TrainerOptions } from '../train/options.js';
import { Trainer } from '../train/trainer.js';
import type { Model } from '../nn/model.js';
import { constant } from '../optim/schedule.js';
import type { PlannedRun } from './plan.js';
import { median } from './statistics.js';

/** The first steps are slower: memory is taken, batches are not ready yet. */
const WARM_UP = 4;
/** Steps that are timed, of each method; fewer where they take long. */
const TIMED = 40;
const SECONDS = 30;

/**
 * How many times longer a step of each method takes than one of the first, by the ids of the variants. What has been
 * measured is kept in a file.
 *
 * @param file JSON, by the ids of runs
 * @param runs the first run of each variant, that of the first method in front
 * @param options.onMeasure called before anything is measured, if anything has to be
 */
export async function relativeStepTimes(
  file: string,
  runs: readonly PlannedRun[],
  dataset: ImageDataset,
  training: Omit<TrainerOptions, 'seed'>,
  { signal, onMeasure }: { readonly signal?: AbortSignal; readonly onMeasure?: () => void } = {},
): Promise<Map<string, number>> {
  const [base, ...others] = runs;
  const known = await readTimes(file);
  const result = new Map([[base.variant.id, 1]]);
  const keyOf = (run: PlannedRun): string => `${run.id}/${base.id}`;
  if (others.some((run) => !(keyOf(run) in known))) onMeasure?.();
  for (const run of others) {
    const key = keyOf(run);
    known[key] ??= await relativeStepTime(base.model, run.model, dataset, training, signal);
    // What was given up half way is no measurement to keep.
    if (signal?.aborted) break;
    result.set(run.variant.id, known[key]);
    await writeAtomically(file, `${JSON.stringify(known, null, 1)}\n`);
  }
  return result;
}

async function readTimes(file: string): Promise<Record<string, number>> {
  try {
    return check.dictionary(JSON.parse(await readFile(file, 'utf8')), 'step times', check.number);
  } catch {
    // Missing or damaged: it is measured again.
    return {};
  }
}

/** The median time of a step of `other` over that of `base`, both made in turn. */
export async function relativeStepTime(
  base: Model,
  other: Model,
  dataset: ImageDataset,
  training: Omit<TrainerOptions, 'seed'>,
  signal?: AbortSignal,
): Promise<number> {
  const turns = new Turns(2);
  const began = performance.now();
  const time = async (model: Model, player: number): Promise<number> => {
    // At a rate of 0 a step costs the same, and nothing can diverge.
    const trainer = await Trainer.create(model, { ...training, schedule: constant({ lr: 0 }) });
    const times: number[] = [];
    const done = new AbortController();
    try {
      await turns.wait(player);
      await trainer.fit(dataset, {
        // Without epochs' ends there are no evaluations on the way.
        epochs:
          Math.ceil((WARM_UP + TIMED) / Math.floor(dataset.train.labels.length / trainer.batchSize)) + 1,
        augmentation: null,
        signal: done.signal,
        async onEvent(event) {
          if (event.event !== 'step') return;
          if (event.step > WARM_UP) times.push(1 / event.imagesPerSecond);
          const late = performance.now() - began > 1000 * SECONDS && times.length > 3;
          if (event.step >= WARM_UP + TIMED || late || signal?.aborted) done.abort();
          else await turns.pass(player);
        },
      });
    } finally {
      turns.leave(player);
      await trainer.release();
    }
    // What was given up may have no times at all; whoever gave it up takes no notice of it.
    return signal?.aborted ? NaN : median(times);
  };
  const [first, second] = await Promise.all([time(base, 0), time(other, 1)]);
  return second / first;
}

/** Lets players go one after the other, round and round. */
class Turns {
  readonly #playing: boolean[];
  readonly #waiting = new Map<number, () => void>();
  #turn = 0;

  constructor(players: number) {
    this.#playing = Array.from({ length: players }, () => true);
  }

  /** Waits until it is the player's turn. */
  wait(player: number): Promise<void> {
    if (this.#turn === player) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(player, resolve));
  }

  /** Ends the player's turn, and waits for the next. */
  pass(player: number): Promise<void> {
    this.#advance();
    return this.wait(player);
  }

  /** The player takes no more turns. */
  leave(player: number): void {
    this.#playing[player] = false;
    if (this.#turn === player) this.#advance();
  }

  #advance(): void {
    if (!this.#playing.includes(true)) return;
    do this.#turn = (this.#turn + 1) % this.#playing.length;
    while (!this.#playing[this.#turn]);
    const wake = this.#waiting.get(this.#turn);
    this.#waiting.delete(this.#turn);
    wake?.();
  }
}
