/** What remains of a run: the file `result.json` in its folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../data/atomic-write.js';
import { type TrainingEvent, evaluationOf } from '../train/events.js';
import * as check from '../train/json-check.js';
import { parseMetricsLine } from '../train/metrics-line.js';
import { median } from './statistics.js';

/** The images that a run is followed on, at one point of it: the validation images where there are any, else the test images. */
export interface CurvePoint {
  readonly step: number;
  /** 0 to 1 */
  readonly accuracy: number;
  /** Mean cross entropy. */
  readonly loss: number;
}

export interface RunRecord {
  /** Of the planned run. */
  readonly id: string;
  /** In the order of steps. */
  readonly curve: readonly CurvePoint[];
  /** Median time of a step in seconds, waiting for data included, evaluations not. */
  readonly secondsPerStep: number;
  /** Why the run ended early, if its loss was no number any more. */
  readonly diverged?: string;
}

/**
 * The record of a finished run, or undefined where there is none, or one of another run, or one that lacks points: a
 * curve with holes in it would be concluded from like any other.
 *
 * @param evaluations the steps that the curve has to have
 */
export async function readRecord(
  folder: string,
  id: string,
  evaluations: readonly number[],
): Promise<RunRecord | undefined> {
  const text = await readFile(join(folder, 'result.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const record = parseRecord(JSON.parse(text));
    return record.id === id && isComplete(record, evaluations) ? record : undefined;
  } catch {
    // Damaged: the run counts as unfinished, and its checkpoint tells how far it is.
    return undefined;
  }
}

/** Whether a record has all points of its curve; that of a run that diverged ends early, and nothing is read off it. */
export function isComplete({ curve, diverged }: RunRecord, evaluations: readonly number[]): boolean {
  if (diverged !== undefined) return true;
  return curve.length === evaluations.length && curve.every(({ step }, i) => step === evaluations[i]);
}

export async function writeRecord(folder: string, record: RunRecord): Promise<void> {
  await writeAtomically(join(folder, 'result.json'), `${JSON.stringify(record, null, 1)}\n`);
}

function parseRecord(value: unknown): RunRecord {
  const { id, curve, secondsPerStep, diverged } = check.record(value, 'result');
  return {
    id: check.text(id, 'id'),
    curve: check.list(curve, 'curve', parsePoint),
    secondsPerStep: check.number(secondsPerStep, 'secondsPerStep'),
    ...(diverged !== undefined && { diverged: check.text(diverged, 'diverged') }),
  };
}

function parsePoint(value: unknown, place: string): CurvePoint {
  const { step, accuracy, loss } = check.record(value, place);
  return {
    step: check.integer(step, `${place}.step`, 0),
    accuracy: check.number(accuracy, `${place}.accuracy`),
    loss: check.number(loss, `${place}.loss`),
  };
}

/** What a run has told of itself: read from its `metrics.jsonl`, and added to by its events. */
export class Metrics {
  readonly #batchSize: number;
  readonly #evaluations: ReadonlySet<number>;
  readonly #curve = new Map<number, CurvePoint>();
  readonly #stepSeconds = new Map<number, number>();

  /**
   * @param batchSize images of a step
   * @param evaluations the steps that the curve is to have; others are left out
   */
  constructor(batchSize: number, evaluations: readonly number[]) {
    this.#batchSize = batchSize;
    this.#evaluations = new Set(evaluations);
  }

  /** What is in a run's folder; lines that are damaged count as missing, and a file that is gone as empty. */
  static async read(folder: string, batchSize: number, evaluations: readonly number[]): Promise<Metrics> {
    const metrics = new Metrics(batchSize, evaluations);
    const text = await readFile(join(folder, 'metrics.jsonl'), 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const event = parseMetricsLine(line);
      try {
        if (event) metrics.add(event as unknown as TrainingEvent);
      } catch (error) {
        // An evaluation without its figures counts as missing.
        if (!(error instanceof check.CheckpointError)) throw error;
      }
    }
    return metrics;
  }

  /** @throws CheckpointError for an evaluation that is none */
  add(event: TrainingEvent): void {
    if (event.event === 'step') {
      if (Number.isFinite(event.imagesPerSecond) && event.imagesPerSecond > 0)
        this.#stepSeconds.set(event.step, this.#batchSize / event.imagesPerSecond);
      return;
    }
    const { step } = event;
    const { accuracy, loss } = evaluationOf(event);
    if (this.#evaluations.has(step)) this.#curve.set(step, parsePoint({ step, accuracy, loss }, event.event));
  }

  /** In the order of steps. */
  get curve(): CurvePoint[] {
    return [...this.#curve.values()].sort((a, b) => a.step - b.step);
  }

  /** Median time of a step; 0 without any. */
  get secondsPerStep(): number {
    return this.#stepSeconds.size === 0 ? 0 : median([...this.#stepSeconds.values()]);
  }

  has(evaluation: number): boolean {
    return this.#curve.has(evaluation);
  }
}
